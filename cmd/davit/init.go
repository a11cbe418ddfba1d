package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"davit/admin"
	"davit/auth"
	"davit/policy"
	"davit/store"
)

type initOptions struct {
	owner    string
	password passwordOptions
}

// made is what init answers.
type made struct {
	Data  string `json:"data"`
	Owner string `json:"owner,omitempty"`
}

func newInit(g *global) *cobra.Command {
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "make a data directory and its owner's account",
		Example: `  davit init --owner ann
  printf '%s\n' "$SECRET" | davit init --data DIR --owner ann --password-stdin`,
	}
	cmd.Flags().StringVar(&o.owner, "owner", "", "`name` of the owner's account; without it the directory has no account yet")
	o.password.flags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		secret := ""
		if o.owner != "" {
			var err error
			if secret, err = o.password.read(g, cmd, o.owner); err != nil {
				return err
			}
		}
		return runInit(cmd.Context(), g, o.owner, secret)
	}
	return cmd
}

func runInit(ctx context.Context, g *global, owner, secret string) error {
	if owner != "" {
		// Asked before anything is made: a second try then begins afresh.
		if err := auth.CheckPassword(secret); err != nil {
			return &admin.Error{Kind: admin.Invalid, Text: err.Error()}
		}
	}
	err := store.Init(g.data, store.Options{})
	switch {
	case errors.Is(err, store.ErrExists):
		return &admin.Error{Kind: admin.Conflict, Text: "there is a data directory of davit at " + g.data, Hint: "davit serve --data " + g.data}
	case err != nil:
		return err
	}
	if owner != "" {
		if _, err := do(ctx, g, admin.AddUser, admin.NewUser{Name: owner, Type: policy.Owner, Password: secret}); err != nil {
			return ownerless(err)
		}
	}
	return g.print(made{g.data, owner}, func(p *printer) {
		p.line("data directory %s made", g.data)
		if owner != "" {
			p.line("owner %s added", owner)
		}
	})
}

// ownerless says how to go on when only the owner's account could not be made.
func ownerless(err error) error {
	var told *admin.Error
	if errors.As(err, &told) && told.Hint == "" {
		next := *told
		next.Hint = "the data directory is made; go on with: davit user add NAME --type owner"
		return &next
	}
	return err
}
