package main

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"davit/admin"
	"davit/policy"
)

func newPolicyShow(g *global) *cobra.Command {
	cmd := &cobra.Command{Use: "show", Short: "show the settings and the epoch of the policy"}
	return carries(g, cmd, admin.ShowSettings, nothing, showSettings)
}

func newPolicySet(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set KEY=VALUE...",
		Short: "change settings",
		Long: `change settings. they are a ceiling over everything and count from the next
request on, also for what was given before.

links=on|off                       whether links open anything
link-days=N                        the longest life of a link, 0 for any
link-password=required|optional    whether links without a password open anything
guests=on|off                      whether accounts of guests open anything
sharing=any|own|none               shares with everybody, with the own groups and
                                   their people, or with single people only
two-factor=required|off            whether a main password alone opens nothing but
                                   the web; app passwords go on
admin-reads=never|audited|always   whether admins read what nobody gave them, after
                                   giving it to themselves for an hour or at once
lockout-after=N                    how many wrong passwords lock an account
mail-server=HOST:PORT|none         who takes letters to people without an account
mail-tls=starttls|implicit|none    how the connection to it is kept private
mail-user=NAME|none                the account there; serve is told its password
mail-from=ADDRESS|none             from where letters come; only an owner sets these
fetch-hosts=HOST,NETWORK|none      from where the server itself fetches calendars
push-hosts=HOST,NETWORK|none       the push services that it tells when something
                                   that a program watches has changed
inside=NETWORK,NETWORK|none        the networks that count as inside`,
		Example: `  davit policy set two-factor=required link-days=30
  davit policy set inside=10.0.0.0/8,2001:db8::/32`,
	}
	read := func(args []string) (admin.EditSettings, error) {
		e := admin.EditSettings{Values: map[string]string{}}
		for _, arg := range args {
			name, value, ok := strings.Cut(arg, "=")
			if _, twice := e.Values[name]; !ok || twice {
				return e, misused(cmd, "%q is no KEY=VALUE of its own (keys: %s)", arg, strings.Join(policy.SettingNames(), " "))
			}
			e.Values[name] = value
		}
		return e, nil
	}
	return carries(g, cmd, admin.SetSettings, read, showSettings)
}

func showSettings(p *printer, s admin.Settings) {
	for _, set := range s.Settings {
		p.field(set.Name, set.Value)
	}
	p.field("epoch", strconv.FormatUint(s.Epoch, 10))
}
