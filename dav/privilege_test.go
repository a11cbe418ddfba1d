package dav

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"davit/dav/wire"
	"davit/policy"
)

// What a refusal asks for: leaves, without what the asker could not be given
// alone.
func TestPrivilegeNames(t *testing.T) {
	for missing, want := range map[policy.Rights]string{
		policy.Read:                 "read",
		policy.Write:                "write-content",
		policy.Props:                "write-properties",
		policy.Add:                  "bind",
		policy.Delete:               "unbind",
		policy.BreakLock:            "unlock",
		policy.ReadACL:              "read-acl",
		policy.Manage:               "write-acl",
		policy.See:                  "see",
		policy.DeleteOwn:            "delete-own",
		policy.Write | policy.Props: "write-content write-properties",
		policy.See | policy.Read:    "read see",
		0:                           "",
	} {
		var got []string
		for _, name := range privilegeNames(missing) {
			got = append(got, name.Local)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q instead of %q", missing, got, want)
		}
	}
}

// held reads the content of current-user-privilege-set.
func held(t *testing.T, rights policy.Rights) []string {
	t.Helper()
	var set struct {
		Privileges []struct {
			Any struct{ XMLName xml.Name } `xml:",any"`
		} `xml:"DAV: privilege"`
	}
	text := append(appendPrivileges([]byte(`<set xmlns:D="DAV:">`), rights), "</set>"...)
	if err := xml.Unmarshal(text, &set); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var names []string
	for _, p := range set.Privileges {
		name := p.Any.XMLName.Local
		if p.Any.XMLName.Space == wire.NS {
			name = "x:" + name
		}
		names = append(names, name)
	}
	return names
}

// RFC 3744, section 5.4: what is held whole, aggregates too.
func TestPrivilegesOfLevels(t *testing.T) {
	for level, want := range map[string]string{
		"none":    "",
		"deposit": "bind",
		"viewer":  "read read-current-user-privilege-set x:see",
		"reviser": "read write-content write-properties read-current-user-privilege-set x:see x:history",
		"creator": "read write-content write-properties bind read-current-user-privilege-set x:see x:delete-own x:history x:trash",
		"editor":  "read write-content write-properties bind unbind write read-current-user-privilege-set x:see x:delete-own x:history x:trash",
	} {
		rights, err := policy.LevelRights(level)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(held(t, rights), " "); got != want {
			t.Errorf("%s: %s\ninstead of %s", level, got, want)
		}
	}
	if got := held(t, policy.All); len(got) != len(privileges) {
		t.Errorf("everything: %q", got)
	}
}

// Every right but those of calendars can be told and asked for.
func TestEveryRightHasAPrivilege(t *testing.T) {
	for right := policy.Right(1); right <= policy.All; right <<= 1 {
		if right&(policy.FreeBusy|policy.Schedule) != 0 {
			continue
		}
		if len(privilegeNames(right)) == 0 {
			t.Errorf("%s cannot be asked for", right)
		}
		if right != policy.Read && len(held(t, right)) == 0 || slices.Contains(held(t, policy.All&^right), "write") != (right&(policy.Write|policy.Props|policy.Add|policy.Delete) == 0) {
			t.Errorf("%s is told wrongly", right)
		}
	}
}
