package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	"davit/policy"
)

// Fetch is Stat and Open, whoever asks and whatever stands at the name.
func TestFetchIsStatAndOpen(t *testing.T) {
	mask := func([]byte) []byte { return []byte("masked") }
	of := newOffice(t, Options{Index: toyIndex, Mask: mask}, "mia max ann", "Team mia=manager max=viewer ann=editor")
	mia := of.as("mia")
	if _, err := mia.Calendars(ctx, Want{}); err != nil {
		t.Fatal(err)
	}
	dir := cal("Team", "calendar")
	names := []string{"none", ""}
	for i := range 6 {
		name := fmt.Sprint("o", i)
		o := Object{UID: name, Component: "VEVENT", Extent: day(3, 9, 1), Private: i == 2}
		if err := of.putObject(mia, append(dir[:len(dir):len(dir)], name), o); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	// One that max does not see, and one that he sees and does not read.
	for name, hidden := range map[string]policy.Rights{"o3": policy.See, "o4": policy.Read} {
		err := of.st.Operator().ChangeAt(ctx, append(dir[:len(dir):len(dir)], name), func(_ *policy.State, at policy.Place) ([]policy.Change, error) {
			return []policy.Change{policy.SetEntry{At: at, Entry: policy.Entry{Principal: of.user("max"), Revoke: hidden}}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []Path{dir, cal("Team", "nowhere"), cal("Team"), cal("Nowhere", "calendar"), {"Team"}} {
		for _, who := range []string{"mia", "max", "ann"} {
			s := of.as(who)
			list, err := s.Fetch(at, names, Want{Props: true, Locks: true})
			if err != nil || len(list) != len(names) {
				t.Fatalf("%s fetches %d of %d from %s, %v", who, len(list), len(names), at, err)
			}
			for i, name := range names {
				of.holdFetched(s, append(at[:len(at):len(at)], name), &list[i])
			}
		}
	}
}

// holdFetched holds what was fetched to what Stat and Open give.
func (of *office) holdFetched(s *Session, p Path, got *Fetched) {
	of.t.Helper()
	info, unseen := s.Stat(p, Want{Props: true, Locks: true})
	if fmt.Sprint(unseen) != fmt.Sprint(got.Unseen) || errors.Is(unseen, ErrNotFound) != errors.Is(got.Unseen, ErrNotFound) {
		of.t.Errorf("%s sees %s: %v, fetched %v", s.UserName(), p, unseen, got.Unseen)
	}
	if unseen != nil {
		if len(got.Content) > 0 || got.Info.Name != "" {
			of.t.Errorf("%s is told of %s: %+v", s.UserName(), p, got)
		}
		return
	}
	if fmt.Sprintf("%+v", info) != fmt.Sprintf("%+v", got.Info) {
		of.t.Errorf("%s is told of %s\n%+v, fetched\n%+v", s.UserName(), p, info, got.Info)
	}
	var content []byte
	f, unread := s.Open(p, Terms{})
	if unread == nil {
		var err error
		if content, err = io.ReadAll(f.Content()); err != nil {
			of.t.Error(err)
		}
		f.Close()
	}
	if (unread == nil) != (got.Unread == nil) || errors.Is(unread, ErrNotFound) != errors.Is(got.Unread, ErrNotFound) || !bytes.Equal(content, got.Content) {
		of.t.Errorf("%s reads %q in %s, %v, fetched %q, %v", s.UserName(), content, p, unread, got.Content, got.Unread)
	}
}

// A Fetch of much ends early, and says by its length where.
func TestFetchEndsEarly(t *testing.T) {
	of := newOffice(t, Options{}, "mia")
	mia := of.as("mia")
	var names []string
	for i := range 3 {
		name := fmt.Sprint(i)
		of.put(mia, "~mia/"+name, make([]byte, fetchMax/2+i))
		names = append(names, name)
	}
	list, err := mia.Fetch(split("~mia"), names, Want{})
	if err != nil || len(list) != 2 || len(list[1].Content) != fetchMax/2+1 {
		t.Errorf("%d were fetched, %v", len(list), err)
	}
	if list, err = mia.Fetch(split("~mia"), names[2:], Want{}); err != nil || len(list) != 1 || list[0].Unread != nil {
		t.Errorf("of the rest %d, %v", len(list), err)
	}
}
