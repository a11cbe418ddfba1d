package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newTestRoot() *cobra.Command {
	return newRoot(&global{in: strings.NewReader(""), out: &bytes.Buffer{}, err: &bytes.Buffer{}})
}

// each gives every command that people see, in the order of the help text.
func each(cmd *cobra.Command, visit func(*cobra.Command)) {
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			visit(sub)
			each(sub, visit)
		}
	}
}

// TestCommandList holds the whole tree against a list: no command comes or goes
// by accident.
func TestCommandList(t *testing.T) {
	var b strings.Builder
	each(newTestRoot(), func(cmd *cobra.Command) {
		if !cmd.HasSubCommands() || ownFlags(cmd) > 0 {
			b.WriteString(cmd.UseLine() + "\n")
		}
	})
	golden(t, "testdata/commands.txt", b.String())
}

// TestContract holds the spellings that others rely on.
func TestContract(t *testing.T) {
	for _, line := range []string{
		"init --owner --password-stdin", "serve --listen --tls-cert --tls-key --behind-proxy --mac-files --ready-file --log-json",
		"user add --type --profile --email --language --quota --password-stdin", "user list", "user show",
		"user set --type", "user deactivate", "user activate", "user delete", "user unlock", "user passwd --password-stdin",
		"group add", "group remove", "group list", "group show", "group join", "group leave",
		"role add", "role remove", "role list", "role give", "role take",
		"profile add --quota --functions", "profile set --quota --functions", "profile list", "profile show", "profile remove --replace-with",
		"space add --kind --owner --quota", "space list", "space show", "space set --name --quota --owner", "space archive", "space restore",
		"level set --pin --unpin", "level list",
		"acl set --allow --revoke --deny --class --from --until", "acl show", "acl clear", "acl cut", "acl uncut",
		"quota set", "quota show", "can --class", "explain --to --class", "reach", "who", "matrix --space --user --csv", "matrix apply --dry-run --digest", "whatif",
		"policy export", "policy plan", "policy apply --dry-run", "policy test",
		"device add --class --read-only --expires", "device list", "device remove",
		"check", "scrub", "gc", "version", "completion bash", "man",
	} {
		words := strings.Fields(line)
		flags := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "--") })
		if flags < 0 {
			flags = len(words)
		}
		cmd, rest, err := newTestRoot().Find(words[:flags])
		if err != nil || len(rest) > 0 {
			t.Errorf("%s: no such command (%v)", line, err)
			continue
		}
		for _, flag := range append([]string{"--data", "--json"}, words[flags:]...) {
			if cmd.Flag(strings.TrimPrefix(flag, "--")) == nil {
				t.Errorf("%s has no flag %s", cmd.CommandPath(), flag)
			}
		}
	}
}

// TestHelp reads every help text: it is there, in the house's manner, and its
// examples are commands that exist.
func TestHelp(t *testing.T) {
	root := newTestRoot()
	each(root, func(cmd *cobra.Command) {
		name := cmd.CommandPath()
		if strings.HasPrefix(name, "davit completion") || name == "davit help" {
			return // the long texts are the library's
		}
		first := []rune(cmd.Short)[0]
		if unicode.IsUpper(first) || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: a capital or a full stop in %q", name, cmd.Short)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || unicode.IsUpper([]rune(f.Usage)[0]) || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("%s --%s: usage %q", name, f.Name, f.Usage)
			}
		})
		if ownFlags(cmd) > 1 && cmd.Example == "" {
			t.Errorf("%s has flags and no example", name)
		}
		for line := range strings.Lines(cmd.Example) {
			if _, command, ok := strings.Cut(line, "davit "); ok {
				if found, _, err := root.Find(strings.Fields(command)); err != nil || found != cmd {
					t.Errorf("%s: the example %q is of another command", name, strings.TrimSpace(line))
				}
			}
		}
		var out bytes.Buffer
		args := append(strings.Fields(name)[1:], "--help")
		if code := run(context.Background(), args, strings.NewReader(""), &out, &out); code != exitDone || !strings.Contains(out.String(), "usage:\n  "+name) {
			t.Errorf("%s --help: exit code %d\n%s", name, code, out.String())
		}
		if strings.Contains(out.String(), "Usage") || strings.Contains(out.String(), "Available") {
			t.Errorf("%s --help has the library's words:\n%s", name, out.String())
		}
	})
}

// ownFlags counts the flags of a command that the library did not give it.
func ownFlags(cmd *cobra.Command) int {
	n := 0
	cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && f.Name != "digest" { // which all changes have
			n++
		}
	})
	return n
}

// TestCommandsPage holds docs/commands.md against the tree that it is made of:
// go test ./cmd/davit -run TestCommandsPage -update.
func TestCommandsPage(t *testing.T) {
	root := newTestRoot()
	var b strings.Builder
	b.WriteString("# The commands\n\n" + root.Long + "\n\n")
	b.WriteString("Flags of every command:\n\n```\n" + strings.TrimRight(root.PersistentFlags().FlagUsages(), "\n") + "\n```\n")
	each(root, func(cmd *cobra.Command) {
		switch {
		case strings.HasPrefix(cmd.CommandPath(), "davit completion "):
			return
		case cmd.HasSubCommands() && ownFlags(cmd) == 0:
			b.WriteString("\n## " + cmd.CommandPath() + "\n\n" + cmd.Short + "\n")
			return
		}
		heading := "###"
		if cmd.Parent() == root {
			heading = "##"
		}
		b.WriteString("\n" + heading + " " + cmd.CommandPath() + "\n\n")
		text := cmd.Long
		if text == "" {
			text = cmd.Short
		}
		b.WriteString("```\n" + cmd.UseLine() + "\n\n" + text + "\n")
		if flags := cmd.LocalNonPersistentFlags(); ownFlags(cmd) > 0 {
			b.WriteString("\n" + strings.TrimRight(flags.FlagUsages(), "\n") + "\n")
		}
		if cmd.Example != "" {
			b.WriteString("\n" + cmd.Example + "\n")
		}
		b.WriteString("```\n")
	})
	golden(t, "../../docs/commands.md", b.String())
}

// TestCompletion: the shells get their scripts.
func TestCompletion(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		var out, errs bytes.Buffer
		code := run(context.Background(), []string{"completion", shell}, strings.NewReader(""), &out, &errs)
		if code != exitDone || out.Len() < 1000 {
			t.Errorf("completion %s: exit code %d, %d bytes, %s", shell, code, out.Len(), errs.String())
		}
	}
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"completion", "bash", "more"}, strings.NewReader(""), &out, &errs); code != exitUsage {
		t.Errorf("completion bash more: exit code %d", code)
	}
}

// TestManual writes a page for every command.
func TestManual(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man")
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"man", dir}, strings.NewReader(""), &out, &errs); code != exitDone {
		t.Fatalf("man: exit code %d, %s", code, errs.String())
	}
	each(newTestRoot(), func(cmd *cobra.Command) {
		page := filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1")
		text, err := os.ReadFile(page)
		if cmd.Name() != "help" && (err != nil || !strings.Contains(string(text), ".SH NAME")) {
			t.Errorf("no page for %s: %v", cmd.CommandPath(), err)
		}
	})
}
