package main

import (
	"strconv"
	"time"

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
		newUserDelete(g),
		carries(g, &cobra.Command{Use: "unlock NAME", Short: "let an account sign in again that failures have locked"},
			admin.UnlockUser, named, func(p *printer, u admin.User) { p.line("user %s unlocked", u.Name) }),
		newUserPasswd(g),
	)
}

func newUserDelete(g *global) *cobra.Command {
	var heir string
	cmd := &cobra.Command{
		Use: "delete NAME", Short: "delete a deactivated account",
		Long: `delete a deactivated account. what it owns is handed over before, or to the heir;
its personal drive is kept among the spaces in the trash.`,
		Example: "  davit user delete bob --heir mia",
	}
	cmd.Flags().StringVar(&heir, "heir", "", "`user` who gets the spaces that it owns")
	read := func(args []string) (admin.OldUser, error) { return admin.OldUser{Name: args[0], Heir: heir}, nil }
	return carries(g, cmd, admin.DeleteUser, read, func(p *printer, u admin.User) { p.line("user %s deleted", u.Name) })
}

type userAddOptions struct {
	kind, profile, email, language, quota, expires string
	password                                       passwordOptions
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
	f.StringVar(&o.expires, "expires", "", "`time` from which it opens nothing: 2027-01-31, 2027-01-31T18:00, 90d; never if not given")
	o.password.flags(cmd)
	read := func(args []string) (n admin.NewUser, err error) {
		n = admin.NewUser{
			Name: args[0], Type: policy.Type(o.kind), Profile: o.profile, Email: o.email, Language: o.language, Quota: o.quota,
		}
		if n.Expires, err = parseMoment(o.expires, time.Now()); err != nil {
			return n, misusedBy(cmd, err)
		}
		n.Password, err = o.password.read(g, cmd, args[0])
		return n, err
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
	switch {
	case !u.Active:
		return "deactivated"
	case u.Expires != nil && !u.Expires.After(time.Now()):
		return "expired"
	}
	return "active"
}

func newUserShow(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "show NAME", Short: "show one account"}
	return carries(g, cmd, admin.ShowUser, named, func(p *printer, u admin.User) {
		p.field("name", u.Name)
		p.field("type", string(u.Type))
		p.field("state", userState(u))
		p.field("expires", moment(u.Expires))
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

type userSetOptions struct{ name, kind, profile, email, language, quota, expires, heir string }

func newUserSet(g *global) *cobra.Command {
	var o userSetOptions
	cmd := &cobra.Command{
		Use:   "set NAME",
		Short: "change fields of an account",
		Long: `change fields of an account. a member who becomes a guest loses the personal
drive to the spaces in the trash; a guest who becomes a member gets it back, or a
new one. who owns rooms and becomes a member or guest names an heir for them.`,
		Example: `  davit user set mia --type admin
  davit user set mia --quota 20GB
  davit user set mia --name mia.rossi
  davit user set bob --type guest --expires 90d`,
	}
	f := cmd.Flags()
	f.StringVar(&o.name, "name", "", "new `name`")
	f.StringVar(&o.kind, "type", "", "`rank`: owner, admin, manager, member or guest")
	f.StringVar(&o.profile, "profile", "", "`name` of the profile")
	f.StringVar(&o.email, "email", "", "mail `address`")
	f.StringVar(&o.language, "language", "", "language `tag`, such as en or pt-BR")
	f.StringVar(&o.quota, "quota", "", "`size` limit of the personal drive, none, or profile for the profile's")
	f.StringVar(&o.expires, "expires", "", "`time` from which it opens nothing, or never")
	f.StringVar(&o.heir, "heir", "", "`user` who gets its rooms and portals when its new type owns none")
	read := func(args []string) (admin.EditUser, error) {
		kind := policy.Type(o.kind)
		expires, err := end(cmd, o.expires)
		return admin.EditUser{
			Name: args[0], NewName: given(cmd, "name", &o.name), Type: given(cmd, "type", &kind),
			Profile: given(cmd, "profile", &o.profile), Email: given(cmd, "email", &o.email),
			Language: given(cmd, "language", &o.language), Quota: given(cmd, "quota", &o.quota), Expires: expires, Heir: o.heir,
		}, err
	}
	return carries(g, cmd, admin.SetUser, read, func(p *printer, u admin.User) { p.line("user %s changed", u.Name) })
}

// end reads a time, or never, which is the zero time; nil for no text.
func end(cmd *cobra.Command, text string) (*time.Time, error) {
	if text == "never" {
		return new(time.Time), nil
	}
	t, err := parseMoment(text, time.Now())
	if err != nil {
		return nil, misusedBy(cmd, err)
	}
	return t, nil
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
