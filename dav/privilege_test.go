package dav

import (
	"encoding/xml"
	"math/rand/v2"
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
		"viewer":  "read x:see x:read read-current-user-privilege-set read-free-busy",
		"reviser": "read x:see x:read read-current-user-privilege-set write-content write-properties x:history read-free-busy",
		"creator": "read x:see x:read read-current-user-privilege-set write-content write-properties bind x:delete-own x:history x:trash read-free-busy",
		"editor": "read x:see x:read read-current-user-privilege-set write write-content write-properties bind unbind " +
			"x:delete-own x:history x:trash read-free-busy x:schedule schedule-deliver schedule-deliver-invite schedule-deliver-reply schedule-query-freebusy " +
			"schedule-send schedule-send-invite schedule-send-reply schedule-send-freebusy",
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

// Every right can be told, asked for, and given by itself.
func TestEveryRightHasAPrivilege(t *testing.T) {
	for right := policy.Right(1); right <= policy.All; right <<= 1 {
		if len(privilegeNames(right)) != 1 {
			t.Errorf("%s is asked for as %v", right, privilegeNames(right))
		}
		if len(held(t, right)) == 0 || slices.Contains(held(t, policy.All&^right), "write") != (right&(policy.Write|policy.Props|policy.Add|policy.Delete) == 0) {
			t.Errorf("%s is told wrongly", right)
		}
	}
}

// Any set of rights is told in privileges that mean this set, and as few as the
// tree has for it.
func TestAnySetCanBeTold(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		want := policy.Rights(rng.Uint32()) & policy.All
		var got policy.Rights
		for _, name := range covering(t, want) {
			rights, ok := rightsOf(name)
			if !ok || rights&^want != 0 {
				t.Fatalf("%s is told with %v", want, name)
			}
			got |= rights
		}
		if got != want {
			t.Fatalf("%s is told as %s", want, got)
		}
	}
	for rights, want := range map[policy.Rights]int{policy.All: 1, policy.See | policy.Read: 1, policy.Write: 1, policy.All &^ policy.Add: 16, 0: 0} {
		if got := covering(t, rights); len(got) != want {
			t.Errorf("%s takes %d privileges: %v", rights, len(got), got)
		}
	}
	if _, ok := rightsOf(davName("fly")); ok {
		t.Error("an unknown privilege means something")
	}
}

// covering reads what tells a set of rights.
func covering(t *testing.T, rights policy.Rights) (names []xml.Name) {
	t.Helper()
	var set struct {
		Privileges []struct {
			Any struct{ XMLName xml.Name } `xml:",any"`
		} `xml:"DAV: privilege"`
	}
	text := append(everyPrivilege.appendCover([]byte(`<set xmlns:D="DAV:">`), rights), "</set>"...)
	if err := xml.Unmarshal(text, &set); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, p := range set.Privileges {
		names = append(names, p.Any.XMLName)
	}
	return names
}

// The parts of a privilege are what it means: RFC 3744, section 3.12.
func TestPrivilegeTree(t *testing.T) {
	seen := map[xml.Name]bool{}
	for _, p := range privileges {
		if seen[p.name] || p.about == "" {
			t.Errorf("%v stands twice or says nothing", p.name)
		}
		seen[p.name] = true
		var parts policy.Rights
		for _, part := range p.parts {
			parts |= part.rights
		}
		if len(p.parts) > 0 && parts != p.rights {
			t.Errorf("%v is %s, its parts are %s", p.name, p.rights, parts)
		}
	}
}
