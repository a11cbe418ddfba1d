package main

import (
	"encoding/json"
	"strings"
	"testing"

	"davit/admin"
)

// TestFlipCommands holds that what explain says to type would change the answer
// to a right: by whatif for one step, and typed for two.
func TestFlipCommands(t *testing.T) {
	d := newServedDesk(t)
	for _, name := range []string{"mia", "max", "zoe"} {
		d.must("user", "add", name, "--password-stdin")
	}
	for _, line := range []string{
		"group add staff", "group join staff mia max", "group add contractors", "group join contractors zoe", "role add auditor",
		"profile add readers --functions files,history,dav", "user set max --profile readers",
		"space add Team", "level set Team staff editor", "level set Team role:auditor viewer", "level set Team zoe viewer --pin",
		"space add 'Old papers'", "level set 'Old papers' staff editor", "space archive 'Old papers'",
	} {
		d.must(words(t, strings.ReplaceAll(line, "'", `"`))...)
	}
	d.as("mia", "mkdir", "/Team/HR", "")
	d.as("mia", "mkdir", "/Team/HR/cut", "")
	d.as("mia", "mkdir", "/~mia/lent", "")
	for _, line := range []string{
		"acl set /Team/HR contractors --allow see --deny read,write --class dav --until 2999-01-01", "acl cut /Team/HR/cut",
		"acl set /Team/HR staff --revoke read,add", "share add ~mia/lent --by mia --to staff", "acl set /Team mia --deny props", "acl set /Team max --deny history", "acl set /Team staff --deny history",
	} {
		d.must(words(t, line)...)
	}
	turned, two := 0, 0
	for _, question := range []string{
		"zoe read /Team/HR", "zoe add /Team", "mia read /Team/HR/cut", "mia add /Team/HR", "mia props /Team", "max write /Team",
		`max write "/Old papers"`, "ann read /Team", "ann read ~mia", "mia read /Team", "max history /Team", "max read ~mia/lent",
	} {
		out := d.must(append([]string{"explain", "--json"}, words(t, question)...)...)
		var answer admin.Answer
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			t.Fatal(err)
		}
		if len(answer.Flips) == 0 {
			t.Errorf("%s: no flips", question)
		}
		for _, f := range answer.Flips {
			switch len(f.Commands) {
			case 1:
				if !d.wouldTurn(answer, f.Commands[0]) {
					t.Errorf("%s: %s turns nothing", question, f.Commands[0])
				}
				turned++
			case 2:
				for _, command := range f.Commands {
					d.must(unquoted(t, command)...)
				}
				if code, _, _ := d.davit("", append([]string{"can"}, words(t, question)...)...); (code == exitDone) == answer.Allowed {
					t.Errorf("%s: %q turn nothing", question, f.Commands)
				}
				two++
			}
		}
	}
	if turned < 20 || two == 0 {
		t.Errorf("only %d flips of one step and %d of two", turned, two)
	}
}

// unquoted are the words of a command line as a shell reads them, less the
// program's name.
func unquoted(t *testing.T, command string) []string {
	return words(t, strings.ReplaceAll(strings.TrimPrefix(command, "davit "), "'", `"`))
}

// wouldTurn asks whatif whether a command turns an answer.
func (d *desk) wouldTurn(answer admin.Answer, command string) bool {
	d.t.Helper()
	var told admin.Foretold
	out := d.must(append([]string{"--json", "whatif"}, unquoted(d.t, command)...)...)
	if err := json.Unmarshal([]byte(out), &told); err != nil {
		d.t.Fatal(err)
	}
	check := answer.Checks[0]
	held := check.Held
	for _, u := range told.Users {
		for _, p := range u.Places {
			if u.User == answer.User && strings.HasPrefix(check.Path+"/", p.Path+"/") {
				held = check.Held&^p.Lost | p.Gained // the last one is the nearest
			}
		}
	}
	return (check.Wanted&^held == 0) != answer.Allowed
}
