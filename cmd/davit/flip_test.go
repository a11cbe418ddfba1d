package main

import (
	"encoding/json"
	"strings"
	"testing"

	"davit/admin"
)

// TestFlipCommands types what explain says would change an answer, and asks
// again.
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
	for _, line := range []string{
		"acl set /Team/HR contractors --allow see --deny read,write --class dav --until 2999-01-01", "acl cut /Team/HR/cut",
		"acl set /Team/HR staff --revoke read,add", "acl set /Team mia --deny props",
	} {
		d.must(words(t, line)...)
	}
	typed, turned := map[string]bool{}, 0
	for _, question := range []string{
		"zoe read /Team/HR", "zoe PUT /Team/new", "mia read /Team/HR/cut", "mia PUT /Team/HR/new", "mia PROPPATCH /Team", "max write /Team",
		`max write "/Old papers"`, "ann read /Team", "ann GET ~mia", "mia read /Team", "mia write ~mia",
	} {
		ask := func() (a admin.Answer) {
			out := d.must(append([]string{"explain", "--json"}, words(t, question)...)...)
			if err := json.Unmarshal([]byte(out), &a); err != nil {
				t.Fatal(err)
			}
			return a
		}
		for i := range ask().Flips {
			before := ask()
			if i >= len(before.Flips) || len(before.Flips[i].Commands) == 0 {
				continue
			}
			for _, command := range before.Flips[i].Commands {
				line := words(t, strings.ReplaceAll(strings.TrimPrefix(command, "davit "), "'", `"`))
				typed[line[0]+" "+line[1]] = true
				d.must(line...)
			}
			if after := ask(); after.Allowed == before.Allowed {
				t.Errorf("%s: %q turned nothing", question, before.Flips[i].Commands)
			}
			turned++
		}
	}
	if turned < 15 || len(typed) < 6 {
		t.Errorf("only %d flips by %v", turned, typed)
	}
}
