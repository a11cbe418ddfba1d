package policy_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"davit/policy"
)

func TestParseRights(t *testing.T) {
	const viewer = policy.See | policy.Read | policy.FreeBusy
	for text, want := range map[string]policy.Rights{
		"":                                   0,
		"none":                               0,
		"all":                                policy.All,
		"see":                                policy.See,
		"read,write":                         policy.Read | policy.Write,
		"read, write":                        policy.Read | policy.Write,
		"read+write,read":                    policy.Read | policy.Write,
		"members":                            policy.ManageMembers,
		"delete-own":                         policy.DeleteOwn,
		"level:viewer":                       viewer,
		"level:viewer+share":                 viewer | policy.Reshare,
		"level:none":                         0,
		"level:free-busy,level:deposit":      policy.FreeBusy | policy.Add,
		"purge,break-lock,messages,read-acl": policy.Purge | policy.BreakLock | policy.Messages | policy.ReadACL,
	} {
		if got, err := policy.ParseRights(text); err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"fly", "Read", "read;write", "level:", "level:king", "level:editor-share", "see,fly", "all,nothing", "see\x00"} {
		if got, err := policy.ParseRights(text); !errors.Is(err, policy.ErrInvalid) || got != 0 {
			t.Errorf("%q: %v, %v, want an error", text, got, err)
		}
	}
}

// TestRightsRoundTrip: each of the 18 rights has one name, and every set is read
// back as it was written.
func TestRightsRoundTrip(t *testing.T) {
	names := policy.All.Names()
	if want := strings.Fields(`see read add write props delete delete-own share read-acl manage members
		history trash purge free-busy schedule break-lock messages`); !slices.Equal(names, want) {
		t.Errorf("rights %v, want %v", names, want)
	}
	for set := range policy.All + 1 {
		if set%7 > 1 && set&(set-1) != 0 {
			continue // every right alone, and two in seven of all sets
		}
		again, err := policy.ParseRights(set.String())
		if err != nil || again != set {
			t.Fatalf("%v read as %v, %v", set, again, err)
		}
	}
	type record struct{ R policy.Rights }
	text, err := json.Marshal(record{policy.Read | policy.Write})
	if err != nil || string(text) != `{"R":"read,write"}` {
		t.Errorf("written as %s, %v", text, err)
	}
	var back record
	if err := json.Unmarshal([]byte(`{"R":"read,fly"}`), &back); !errors.Is(err, policy.ErrInvalid) {
		t.Errorf("read,fly: %v, %v", back, err)
	}
}

// TestLevels holds the table of levels, and the order in which a matrix names
// them.
func TestLevels(t *testing.T) {
	table := map[string]string{
		"none":        "none",
		"free-busy":   "free-busy",
		"deposit":     "add",
		"viewer":      "see,read,free-busy",
		"commenter":   "level:viewer+messages",
		"reviewer":    "level:viewer+messages",
		"filler":      "level:viewer+messages",
		"reviser":     "level:viewer,write,props,history",
		"portal":      "level:viewer,add,write,props",
		"contributor": "level:portal,history",
		"creator":     "level:contributor,delete-own,trash",
		"editor":      "level:contributor,delete,delete-own,trash,schedule",
		"manager":     "level:editor,share,read-acl,manage,members,purge,break-lock,messages",
	}
	if len(policy.LevelNames()) != len(table) {
		t.Errorf("levels %v", policy.LevelNames())
	}
	for _, name := range policy.LevelNames() {
		got, err := policy.LevelRights(name)
		if want := rights(t, table[name]); err != nil || got != want {
			t.Errorf("level %s: %v, %v, want %v", name, got, err, want)
		}
		shown := policy.LevelOf(got)
		if same, _ := policy.LevelRights(shown); same != got {
			t.Errorf("who holds %s is shown as %s", name, shown)
		}
	}
	for held, want := range map[string]string{
		"none": "none", "read": "none", "add,free-busy": "deposit", "level:editor+share": "editor", "all": "manager",
		"level:manager+see": "manager", "see,read": "none", "level:viewer+add": "viewer",
	} {
		if got := policy.LevelOf(rights(t, held)); got != want {
			t.Errorf("who holds %s is shown as %s, want %s", held, got, want)
		}
	}
	if _, err := policy.LevelRights("king"); !errors.Is(err, policy.ErrInvalid) {
		t.Errorf("level king: %v", err)
	}
}

func TestParseClasses(t *testing.T) {
	for text, want := range map[string]policy.Classes{
		"": 0, "web": policy.Web, "web,mobile": policy.Web | policy.Mobile, "dav desktop": policy.DAV | policy.Desktop,
		"unknown": policy.UnknownClass,
	} {
		got, err := policy.ParseClasses(text)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
		var again policy.Classes
		written, _ := got.MarshalText()
		if err := again.UnmarshalText(written); err != nil || again != want {
			t.Errorf("%q written as %q and read as %v, %v", text, written, again, err)
		}
	}
	for _, text := range []string{"Web", "tv", "web,tv", "web;dav"} {
		if got, err := policy.ParseClasses(text); !errors.Is(err, policy.ErrInvalid) {
			t.Errorf("%q: %v, %v, want an error", text, got, err)
		}
	}
}

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]policy.Limit{
		"none": policy.NoLimit, " None ": policy.NoLimit, "0": 0, "7": 7, "7B": 7, "10GB": 10e9, "10 gb": 10e9, "512MiB": 512 << 20,
		"1k": 1000, "1KiB": 1024, "2t": 2e12, "3TiB": 3 << 40, "9223372036854775807": 1<<63 - 1, "8388607TiB": 8388607 << 40,
	} {
		got, err := policy.ParseLimit(text)
		if err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", text, got, err, want)
		}
		if again, err := policy.ParseLimit(got.String()); err != nil || again != got {
			t.Errorf("%q written as %q and read as %d, %v", text, got, again, err)
		}
	}
	for _, text := range []string{
		"", "-1", "1.5GB", "GB", "10XB", "10GBB", "1 0", "ten", "9223372036854775808", "8388608TiB", "9300000TB", "10GB none", "1KBi", "0x10",
	} {
		if got, err := policy.ParseLimit(text); !errors.Is(err, policy.ErrInvalid) {
			t.Errorf("%q: %d, %v, want an error", text, got, err)
		}
	}
	for limit, want := range map[policy.Limit]string{
		policy.NoLimit: "none", 0: "0B", 999: "999B", 1000: "1KB", 1024: "1024B", 5e6: "5MB", 5e9 + 1: "5000000001B", 2e12: "2TB", 1e15: "1000TB",
	} {
		if got := limit.String(); got != want {
			t.Errorf("%d is written %q, want %q", limit, got, want)
		}
	}
}

// TestPrincipalNames reads every spelling of a principal, and what is written is
// read back.
func TestPrincipalNames(t *testing.T) {
	w := newOrganisation(t)
	w.apply(policy.PutGroup{Group: policy.Group{ID: w.name("group:mia"), Name: "mia"}})
	for text, want := range map[string]string{
		"user:mia": "user:mia", "mia": "user:mia", "MIA": "user:mia", "group:mia": "group:mia", "staff": "group:staff",
		"role:auditor": "role:auditor", "members": "members", "anyone-signed-in": "anyone-signed-in", "links": "links",
	} {
		id, err := w.state.ParsePrincipal(text)
		if err != nil || id != w.id(want) {
			t.Errorf("%q: %d, %v, want %s", text, id, err, want)
		}
		if got := w.state.PrincipalName(id); got != want {
			t.Errorf("%q is written %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"", ":", "user:", "user:nobody", "auditor", "group:auditor", "role:staff", "space:team", "profile:standard", "user:user:mia"} {
		if id, err := w.state.ParsePrincipal(text); !errors.Is(err, policy.ErrNotFound) {
			t.Errorf("%q: %d, %v, want an error", text, id, err)
		}
	}
	if got := w.state.PrincipalName(4711); got != "nobody" {
		t.Errorf("nobody is written %q", got)
	}
}

func TestAccountNames(t *testing.T) {
	w := newOrganisation(t)
	for _, name := range []string{
		"m", "mia", "Mia Maier", "mia@example.org", "m_1-2.3", "Łukasz", "李雷", "e\u0301mile", "9", strings.Repeat("x", policy.NameMax),
	} {
		if err := w.try(policy.PutUser{User: w.account("mia", func(u *policy.User) { u.Name = name })}); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{
		"", " mia", "mia ", ".mia", "-mia", "@mia", "mi/a", "mi\\a", "mi:a", "mi\na", "mi\x00a", "mi*a", "mi%41", "<mia>", "mia\u200b", "\xff",
		"\u0301mia", strings.Repeat("x", policy.NameMax+1),
	} {
		if err := w.try(policy.PutUser{User: w.account("mia", func(u *policy.User) { u.Name = name })}); !errors.Is(err, policy.ErrInvalid) {
			t.Errorf("user %q: %v, want an error", name, err)
		}
		if err := w.try(policy.PutGroup{Group: policy.Group{ID: w.id("group:hr"), Name: name}}); !errors.Is(err, policy.ErrInvalid) {
			t.Errorf("group %q: %v, want an error", name, err)
		}
		if err := w.try(policy.PutProfile{Profile: policy.Profile{ID: w.id("profile:light"), Name: name}}); !errors.Is(err, policy.ErrInvalid) {
			t.Errorf("profile %q: %v, want an error", name, err)
		}
	}
}

func TestSpaceNames(t *testing.T) {
	w := newOrganisation(t)
	rename := func(name string) error {
		sp := *w.state.Space(w.id("space:team"))
		sp.Name = name
		return w.try(policy.PutSpace{Space: sp})
	}
	for _, name := range []string{"Finance", "R&D (new)", "Søknad", "homes", "a.b", "50%", strings.Repeat("x", policy.NameMax)} {
		if err := rename(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if sp := w.state.SpaceNamed(strings.ToUpper(name)); sp == nil || sp.ID != w.id("space:team") {
			t.Errorf("%q is not found", name)
		}
	}
	for _, name := range []string{
		"", "home", "HOME", "Shared", "shared", ".trash", ".", "..", "~mia", "a/b", "a\nb", "a\x7f", " a", "a ", "\xff",
		strings.Repeat("x", policy.NameMax+1),
	} {
		if err := rename(name); !errors.Is(err, policy.ErrInvalid) {
			t.Errorf("%q: %v, want an error", name, err)
		}
	}
	if err := rename("ROOM"); !errors.Is(err, policy.ErrExists) {
		t.Errorf("a second room: %v", err)
	}
}

// TestFold: folding twice is folding once, and case and Unicode form are one, for
// every character that has any of them.
func TestFold(t *testing.T) {
	const lastCased = rune(0x1ffff)
	for c := range lastCased {
		folded := policy.Fold(string(c))
		if again := policy.Fold(folded); again != folded {
			t.Errorf("%q (%U) folds to %q and that to %q", c, c, folded, again)
		}
		if got := policy.Fold("x" + folded); got != policy.Fold("x"+string(c)) {
			t.Errorf("x%c (%U) folds to %q", c, c, got)
		}
	}
}
