package policy_test

import (
	"errors"
	"strings"
	"testing"

	"davit/policy"
)

func TestParseFunctions(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "none",
		"all":                      "all",
		"files":                    "files.personal,files.shared-access,files.download",
		"files.upload,chan.mobile": "files.upload,chan.mobile",
		"history mobile":           "files.versions-read,chan.mobile",
		"files,write,files.upload": "files.personal,files.shared-access,files.upload,files.download,files.modify,files.delete,files.restore-trash,files.purge,files.lock",
	} {
		f, err := policy.ParseFunctions(text)
		if err != nil || f.String() != want {
			t.Errorf("%q: %q, %v", text, f, err)
		}
		var back policy.Functions
		if b, err := f.MarshalText(); err != nil || back.UnmarshalText(b) != nil || back != f {
			t.Errorf("%q does not come back: %q", text, b)
		}
	}
	if _, err := policy.ParseFunctions("files,fly"); !errors.Is(err, policy.ErrInvalid) || !strings.Contains(err.Error(), `"fly"`) {
		t.Errorf("fly: %v", err)
	}
}

// TestProfileCuts: each function that is off takes its rights, and nothing else.
func TestProfileCuts(t *testing.T) {
	for off, lost := range map[string]policy.Rights{
		"files.upload": policy.Add, "files.download": policy.Read, "files.modify": policy.Write | policy.Props,
		"files.delete": policy.Delete | policy.DeleteOwn, "files.restore-trash": policy.Trash, "files.purge": policy.Purge,
		"files.versions-read": policy.History, "files.lock": policy.BreakLock, "space.edit-own": policy.ManageMembers,
		"space.acl-manage": policy.Manage, "share.internal,share.links,cal.publish": policy.Reshare, "share.internal": 0, "share.links": 0, "cal.publish": 0, "cal.subscribe": 0, "share.internal,share.links": 0, "files.shared-access": policy.All, "files.personal": 0,
		"chan.mobile": 0, "chan.desktop": 0, "review.run": 0, "cal.schedule-send": policy.Schedule,
	} {
		w := newOrganisation(t)
		full := w.held("mona", "/team/Sales", policy.Web)
		w.functions(policy.AllFunctions &^ parsed(t, off))
		if got, want := w.held("mona", "/team/Sales", policy.Web), full&^lost; got != want {
			t.Errorf("without %s: %s instead of %s", off, got, want)
		}
	}
}

// TestProfileOpensPlaces: the own drive and everything else are switched apart,
// and so are the classes of clients.
func TestProfileOpensPlaces(t *testing.T) {
	for _, row := range []struct {
		off, who, at string
		class        policy.Class
		open         bool
	}{
		{"files.personal", "mia", "/home-mia", policy.Web, false},
		{"files.personal", "mia", "/team", policy.Web, true},
		{"files.shared-access", "mia", "/home-mia", policy.Web, true},
		{"files.shared-access", "mia", "/team", policy.Web, false},
		{"chan.mobile", "mia", "/team", policy.Mobile, false},
		{"chan.mobile", "mia", "/team", policy.DAV, true},
		{"chan.desktop", "mia", "/team", policy.DAV, false},
		{"chan.desktop", "mia", "/team", policy.Desktop, false},
		{"chan.desktop", "mia", "/team", policy.Web, true},
		{"chan.desktop", "mia", "/team", policy.UnknownClass, false},
		{"files.purge", "mia", "/team", policy.UnknownClass, true},
	} {
		w := newOrganisation(t)
		w.functions(policy.AllFunctions &^ parsed(t, row.off))
		if got := w.held(row.who, row.at, row.class)&policy.See != 0; got != row.open {
			t.Errorf("without %s, %s at %s by %s: open %t", row.off, row.who, row.at, row.class, got)
		}
	}
}

// TestDropProfile: a profile in use goes only with a successor, and its users
// change with it.
func TestDropProfile(t *testing.T) {
	w := newOrganisation(t)
	standard := w.state.ProfileNamed("standard").ID
	none := policy.Functions(0)
	next, _, err := w.state.Apply(policy.PutProfile{Profile: policy.Profile{ID: 9000, Name: "nothing", Functions: &none}})
	if err != nil {
		t.Fatal(err)
	}
	for _, successor := range []policy.ID{policy.Nobody, standard, 4711} {
		if _, _, err := next.Apply(policy.DropProfile{ID: standard, Successor: successor}); !errors.Is(err, policy.ErrInvalid) {
			t.Errorf("successor %d: %v", successor, err)
		}
	}
	after, d, err := next.Apply(policy.DropProfile{ID: standard, Successor: 9000})
	if err != nil {
		t.Fatal(err)
	}
	if after.ProfileNamed("standard") != nil || after.UserNamed("mia").Profile != 9000 || d.Profiles[standard] != nil || d.Users[after.UserNamed("mia").ID] == nil {
		t.Error("its users did not change")
	}
	if _, _, err := next.Apply(policy.DropProfile{ID: 4711}); !errors.Is(err, policy.ErrNotFound) {
		t.Errorf("no such profile: %v", err)
	}
	if _, _, err := next.Apply(policy.DropProfile{ID: 9000}); err != nil {
		t.Errorf("nobody has it: %v", err)
	}
}

func parsed(t *testing.T, text string) policy.Functions {
	t.Helper()
	f, err := policy.ParseFunctions(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// functions gives the profile of the staff other functions.
func (w *world) functions(f policy.Functions) {
	w.Helper()
	p := *w.state.ProfileNamed("standard")
	p.Functions = &f
	w.apply(policy.PutProfile{Profile: p})
}

func (w *world) held(user, path string, class policy.Class) policy.Rights {
	w.Helper()
	return w.state.Held(policy.Subject{User: w.id("user:" + user), Mask: policy.All, Class: class}, w.place(path))
}
