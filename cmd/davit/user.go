package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"davit/admin"
	"davit/policy"
)

func newUser(g *global) *cobra.Command {
	return noun("user", "accounts and their personal drives",
		newUserAdd(g), newUserList(g), newUserShow(g), newUserSet(g),
		carries(g, &cobra.Command{Use: "deactivate NAME", Short: "close an account; nothing is lost"},
			admin.DeactivateUser, named, func(p *printer, u admin.User) { p.line("user %s deactivated", u.Name) }),
		carries(g, &cobra.Command{Use: "activate NAME", Short: "open a deactivated account again"},
			admin.ActivateUser, named, func(p *printer, u admin.User) { p.line("user %s activated", u.Name) }),
		carries(g, &cobra.Command{
			Use: "delete NAME", Short: "delete a deactivated account",
			Long: "delete a deactivated account; its personal drive goes to the trash",
		}, admin.DeleteUser, named, func(p *printer, u admin.User) { p.line("user %s deleted", u.Name) }),
		carries(g, &cobra.Command{Use: "unlock NAME", Short: "let an account sign in again that failures have locked"},
			admin.UnlockUser, named, func(p *printer, u admin.User) { p.line("user %s unlocked", u.Name) }),
		newUserPasswd(g),
	)
}

type userAddOptions struct {
	kind, profile, email, language, quota string
	password                              passwordOptions
}

func newUserAdd(g *global) *cobra.Command {
	var o userAddOptions
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "make an account and its personal drive",
		Example: `  davit user add mia --email mia@example.org
  printf '%s\n' "$SECRET" | davit user add bob --type guest --password-stdin`,
	}
	f := cmd.Flags()
	f.StringVar(&o.kind, "type", string(policy.Member), "`rank`: owner, admin, manager, member or guest")
	f.StringVar(&o.profile, "profile", "standard", "`name` of the profile")
	f.StringVar(&o.email, "email", "", "mail `address`")
	f.StringVar(&o.language, "language", "", "language `tag`, such as en or pt-BR")
	f.StringVar(&o.quota, "quota", "", "`size` limit of the personal drive, or none; the profile's if not given")
	o.password.flags(cmd)
	read := func(args []string) (admin.NewUser, error) {
		secret, err := o.password.read(g, cmd, args[0])
		return admin.NewUser{
			Name: args[0], Type: policy.Type(o.kind), Profile: o.profile,
			Email: o.email, Language: o.language, Quota: o.quota, Password: secret,
		}, err
	}
	return carries(g, cmd, admin.AddUser, read, func(p *printer, u admin.User) { p.line("user %s added", u.Name) })
}

func newUserList(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "list the accounts"}
	return carries(g, cmd, admin.ListUsers, nothing, func(p *printer, users []admin.User) {
		p.row("name", "type", "state", "profile", "used", "quota", "groups")
		for _, u := range users {
			p.row(u.Name, string(u.Type), userState(u), u.Profile, size(u.Used), u.Quota, list(u.Groups))
		}
	})
}

func userState(u admin.User) string {
	if u.Active {
		return "active"
	}
	return "deactivated"
}

func newUserShow(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "show NAME", Short: "show one account"}
	return carries(g, cmd, admin.ShowUser, named, func(p *printer, u admin.User) {
		p.field("name", u.Name)
		p.field("type", string(u.Type))
		p.field("state", userState(u))
		p.field("profile", u.Profile)
		p.field("email", u.Email)
		p.field("language", u.Language)
		if u.Quota != "" {
			from := "from the profile"
			if u.OwnQuota {
				from = "of this account"
			}
			p.field("drive", size(u.Used)+" used, limit "+u.Quota+" ("+from+")")
		}
		p.field("groups", list(u.Groups))
		p.field("devices", strconv.Itoa(u.Devices))
	})
}

type userSetOptions struct{ name, kind, profile, email, language, quota string }

func newUserSet(g *global) *cobra.Command {
	var o userSetOptions
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "change fields of an account",
		Example: `  davit user set mia --type admin
  davit user set mia --quota 20GB
  davit user set mia --name mia.rossi`,
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "new `name`")
	f.StringVar(&o.kind, "type", "", "`rank`: owner, admin, manager or member")
	f.StringVar(&o.profile, "profile", "", "`name` of the profile")
	f.StringVar(&o.email, "email", "", "mail `address`")
	f.StringVar(&o.language, "language", "", "language `tag`, such as en or pt-BR")
	f.StringVar(&o.quota, "quota", "", "`size` limit of the personal drive, none, or profile for the profile's")
	read := func(args []string) (admin.EditUser, error) {
		kind := policy.Type(o.kind)
		return admin.EditUser{
			Name: args[0], NewName: given(cmd, "name", &o.name), Type: given(cmd, "type", &kind),
			Profile: given(cmd, "profile", &o.profile), Email: given(cmd, "email", &o.email),
			Language: given(cmd, "language", &o.language), Quota: given(cmd, "quota", &o.quota),
		}, nil
	}
	return carries(g, cmd, admin.SetUser, read, func(p *printer, u admin.User) { p.line("user %s changed", u.Name) })
}

func newUserPasswd(g *global) *cobra.Command {
	var o passwordOptions
	cmd := &cobra.Command{
		Use:   "passwd NAME",
		Short: "give an account a new password",
		Long:  "give an account a new password; app passwords stay as they are, and a lock after failures is lifted",
	}
	o.flags(cmd)
	read := func(args []string) (admin.NewPassword, error) {
		secret, err := o.read(g, cmd, args[0])
		return admin.NewPassword{Name: args[0], Password: secret}, err
	}
	return carries(g, cmd, admin.SetPassword, read, func(p *printer, u admin.User) { p.line("password of %s changed", u.Name) })
}
