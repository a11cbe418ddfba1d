package main

import (
	"strings"

	"github.com/spf13/cobra"

	"davit/admin"
	"davit/policy"
)

func newLevel(g *global) *cobra.Command {
	return noun("level", "who is what in a space",
		newLevelSet(g),
		carries(g, &cobra.Command{Use: "list SPACE", Short: "list the levels of a space"}, admin.ListLevels, named,
			func(p *printer, l admin.Levels) { showLevels(p, l.Levels) }),
	)
}

type levelSetOptions struct {
	pin, unpin bool
	conditionOptions
}

func newLevelSet(g *global) *cobra.Command {
	var o levelSetOptions
	cmd := &cobra.Command{
		Use:   "set SPACE PRINCIPAL LEVEL",
		Short: "give a user or group its level in a space",
		Long: `give a user or group its level in a space; none takes every level away, or with
conditions the one under these. rights may be added to a level: editor+share.

levels: ` + strings.Join(policy.LevelNames(), " ") + `

a pinned user holds in that space what the user's own level and entries give;
what groups give there does not count. walls count as ever.`,
		Example: `  davit level set Finance group:staff editor
  davit level set Finance mia viewer --pin
  davit level set Finance zoe editor --network inside --until 90d
  davit level set Finance bob none`,
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&o.pin, "pin", false, "let only the user's own level and entries count there")
	cmd.Flags().BoolVar(&o.unpin, "unpin", false, "let groups count for the user again")
	read := func(args []string) (admin.NewLevel, error) {
		n := admin.NewLevel{Space: args[0], Principal: args[1], Level: args[2]}
		if o.pin && o.unpin {
			return n, misused(cmd, "--pin and --unpin at once")
		}
		if o.pin || o.unpin {
			n.Pin = &o.pin
		}
		var err error
		n.Conditions, err = o.conditions(cmd)
		return n, err
	}
	return carries(g, cmd, admin.SetLevel, read, func(p *printer, l admin.Level) {
		pinned := ""
		if l.Pinned {
			pinned = ", pinned"
		}
		if l.Rights == 0 {
			p.line("%s has no level in %s%s", l.Principal, l.Space, pinned)
			return
		}
		if on := when(l.Conditions); on != "" {
			pinned += " (" + on + ")"
		}
		p.line("%s is %s in %s%s", l.Principal, l.Level, l.Space, pinned)
	})
}

func showLevels(p *printer, levels []admin.Level) {
	p.row("principal", "level", "pinned", "when")
	for _, l := range levels {
		pinned := ""
		if l.Pinned {
			pinned = "pinned"
		}
		p.row(l.Principal, l.Level, pinned, when(l.Conditions))
	}
}

// when says under which conditions an entry counts.
func when(c admin.Conditions) string {
	var parts []string
	if c.Class != 0 {
		parts = append(parts, c.Class.String())
	}
	if c.Network != 0 {
		parts = append(parts, c.Network.String())
	}
	if c.From != nil {
		parts = append(parts, "from "+moment(c.From))
	}
	if c.Until != nil {
		parts = append(parts, "until "+moment(c.Until))
	}
	return strings.Join(parts, ", ")
}
