package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"davit/admin"
	"davit/auth"
	"davit/caldav"
	"davit/policy"
	"davit/store"
)

// defaultData is the data directory when nothing names one.
const defaultData = "./davit-data"

// global is what every command has.
type global struct {
	data string
	as   string
	// epoch of the policy that a change is made for, 0 for any.
	epoch uint64
	json  bool
	// digest of a difference that was reviewed: only that one is made.
	digest string
	// foretells is set to the clients asked about where nothing may be changed.
	foretells *policy.Class
	in        io.Reader
	out       io.Writer
	err       io.Writer
}

func newRoot(g *global) *cobra.Command {
	root := &cobra.Command{
		Use:   "davit",
		Short: "a WebDAV and CalDAV server that decides, shows and proves who may do what",
		Long: `davit serves an organisation's group folders, personal drives and calendars
from one data directory. Each command speaks to the server that runs over the
directory, or opens the directory itself when none does. commands are the operator's, who
may do all; with --as they are an account's, which may do what its rank and
rights let it.

exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 refused by policy, 5 conflict`,
		Example: `  davit init --owner ann
  davit serve
  davit user add mia`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		DisableAutoGenTag: true,
	}
	flags := root.PersistentFlags()
	flags.StringVar(&g.data, "data", defaultData, "data `directory`; the variable DAVIT_DATA names it as well")
	flags.StringVar(&g.as, "as", "", "act as this `user`; without it as the operator")
	flags.BoolVar(&g.json, "json", false, "print JSON")
	if dir := os.Getenv("DAVIT_DATA"); dir != "" {
		g.data = dir // the help text keeps showing the default
	}
	root.AddCommand(
		newInit(g), newServe(g), newDemo(g),
		newUser(g), newGroup(g), newRole(g), newProfile(g), newSpace(g), newLevel(g), newACL(g), newQuota(g), newTrash(g), newVersions(g), newRestoreTo(g), newDevice(g), newPolicy(g),
		newShare(g), newLink(g), newCalendar(g), newMail(g), newPush(g),
		newCan(g), newExplain(g), newWho(g), newReach(g), newMatrix(g), newReview(g), newWhatIf(g), newAudit(g),
		newCheck(g), newCollect(g), newScrub(g),
		newVersion(g), newMan(g),
	)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return misusedBy(cmd, err) })
	root.SetUsageTemplate(usageTemplate)
	root.SetIn(g.in)
	root.SetOut(g.out) // before the completion command, which takes hold of it
	root.SetErr(g.err)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	settle(root)
	return root
}

// usageTemplate is cobra's own without its capitals.
const usageTemplate = `usage:
  {{if .HasAvailableSubCommands}}{{.CommandPath}} COMMAND{{else}}{{.UseLine}}{{end}}
{{- if .HasExample}}

examples:
{{.Example}}
{{- end}}
{{- if .HasAvailableSubCommands}}

commands:
{{- range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}
{{- end}}
{{- if .HasAvailableLocalFlags}}

flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}
{{- end}}
{{- if .HasAvailableInheritedFlags}}

flags of every command:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}
{{- end}}
`

// settle gives every command of the tree the same manners: arguments are what
// its usage line says, a command of commands says which there are, and the texts
// of the library's own commands begin without a capital.
func settle(cmd *cobra.Command) {
	cmd.Short = strings.ToLower(cmd.Short[:1]) + cmd.Short[1:]
	switch {
	case !cmd.HasSubCommands() || cmd.RunE != nil: // some do something by themselves, too
		cmd.DisableFlagsInUseLine = !cmd.HasAvailableLocalFlags()
		cmd.Args = positional
	case cmd.HasParent():
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = chooses
	default:
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return chooses(cmd, args)
		}
	}
	for _, sub := range cmd.Commands() {
		settle(sub)
	}
}

// chooses refuses a command that stops before the verb.
func chooses(cmd *cobra.Command, args []string) error {
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	usage := cmd.CommandPath() + " " + strings.Join(names, "|")
	if len(args) == 0 {
		return &usageError{"say what to do with it", usage}
	}
	return &usageError{fmt.Sprintf("no command %q", cmd.CommandPath()+" "+args[0]), usage}
}

// positional holds the arguments against the usage line: NAME has to be there,
// [NAME] may be, and NAME... is one or more.
func positional(cmd *cobra.Command, args []string) error {
	words := strings.Fields(cmd.Use)[1:]
	words = slices.DeleteFunc(words, func(w string) bool { return w == "[flags]" || w == "[command]" })
	for i, word := range words {
		if i >= len(args) && !strings.HasPrefix(word, "[") {
			return misused(cmd, "missing %s", strings.TrimSuffix(word, "..."))
		}
	}
	endless := len(words) > 0 && strings.HasSuffix(words[len(words)-1], "...")
	if len(args) > len(words) && !endless {
		return misused(cmd, "unexpected argument %q", args[len(words)])
	}
	return nil
}

func misused(cmd *cobra.Command, format string, a ...any) error {
	return &usageError{fmt.Sprintf(format, a...), cmd.UseLine()}
}

// misusedBy is misused for an argument that could not be read.
func misusedBy(cmd *cobra.Command, err error) error {
	return misused(cmd, "%s", strings.TrimSuffix(err.Error(), ": "+policy.ErrInvalid.Error()))
}

// noun groups the commands about one kind of thing.
func noun(name, short string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: name, Short: short}
	cmd.AddCommand(verbs...)
	return cmd
}

// carries makes cmd carry out one operation: read makes its arguments of the
// command line, show prints its answer for people.
func carries[A, R any](g *global, cmd *cobra.Command, op admin.Op[A, R], read func(args []string) (A, error), show func(*printer, R)) *cobra.Command {
	if op.Changes() {
		changing(g, cmd, op.Name())
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		in, err := read(args)
		if err != nil {
			return err
		}
		if g.foretells != nil {
			return g.foretell(cmd.Context(), op.Name(), in)
		}
		out, err := carryOut(cmd.Context(), g, op, in)
		if err != nil {
			return err
		}
		return g.print(out, func(p *printer) { show(p, out) })
	}
	return cmd
}

// changing makes cmd one that changes the policy by the operation.
func changing(g *global, cmd *cobra.Command, op string) {
	cmd.Annotations = map[string]string{changes: op}
	cmd.Flags().StringVar(&g.digest, "digest", "", "change only what davit whatif showed: the `digest` of that")
	cmd.Flags().Uint64Var(&g.epoch, "epoch", 0, "change only what has not changed since: the `number` that show commands tell with --json")
}

// carryOut carries out an operation, if it is what was reviewed.
func carryOut[A, R any](ctx context.Context, g *global, op admin.Op[A, R], args A) (R, error) {
	if g.digest != "" {
		return reviewed(ctx, g, op, args)
	}
	return do(ctx, g, op, args)
}

// do carries out an operation through the door there is.
func do[A, R any](ctx context.Context, g *global, op admin.Op[A, R], args A) (R, error) {
	door, shut, err := g.door(ctx)
	if err != nil {
		var none R
		return none, err
	}
	result, err := op.Do(ctx, door, args)
	return result, errors.Join(err, shut())
}

// door is the running server, or the data directory itself when none runs.
func (g *global) door(ctx context.Context) (door admin.Doer, shut func() error, err error) {
	client, err := admin.Dial(ctx, g.data)
	if err == nil {
		return client.As(g.as).Since(g.epoch), func() error { return nil }, nil
	}
	if !errors.Is(err, admin.ErrNoServer) {
		return nil, nil, err
	}
	st, err := openStore(g.data, store.Options{})
	if err != nil {
		return nil, nil, err
	}
	return admin.New(st, auth.New(st, auth.Options{Now: st.Now})).As(g.as).Since(g.epoch), st.Close, nil
}

// openStore opens a data directory and says what to do when that fails.
func openStore(dir string, o store.Options) (*store.Store, error) {
	o.Index, o.Mask, o.Scheduler = caldav.Index, caldav.Mask, caldav.Scheduler{}
	st, err := store.Open(dir, o)
	switch {
	case errors.Is(err, store.ErrNoStore):
		return nil, &admin.Error{Kind: admin.Failed, Text: "no data directory of davit at " + dir, Hint: "davit init --data " + dir}
	case errors.Is(err, store.ErrInUse):
		return nil, &admin.Error{Kind: admin.Failed, Text: dir + " is in use by another davit process, which takes no commands now",
			Hint: "a server that starts or stops is ready or gone in a moment: try again"}
	}
	return st, err
}

// given is the value of a flag, nil when it is not on the command line.
func given[T any](cmd *cobra.Command, flag string, value *T) *T {
	if !cmd.Flags().Changed(flag) {
		return nil
	}
	return value
}

// named reads the one argument of commands about one thing.
func named(args []string) (admin.Named, error) { return admin.Named{Name: args[0]}, nil }

// nothing reads no arguments.
func nothing([]string) (admin.None, error) { return admin.None{}, nil }
