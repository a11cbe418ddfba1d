package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"davit/policy"
)

// label labels a version of a file.
func label(s *Session, path string, version int, text string) error {
	return s.Label(ctx, append(Path{VersionsRoot}, append(split(path), fmt.Sprintf("version-%d", version))...), text, Terms{})
}

// wantLabels holds the versions of a file to their labels, the oldest first.
func (of *office) wantLabels(s *Session, path string, labels ...string) {
	of.t.Helper()
	page, _, err := s.List(append(Path{VersionsRoot}, split(path)...), "", 100, Want{})
	must(of.t, err)
	var got []string
	for _, info := range page {
		got = append(got, info.Origin.Label)
	}
	if !slices.Equal(got, labels) {
		of.t.Errorf("the versions of %s carry %q, want %q", path, got, labels)
	}
}

// TestLabels: who may restore a version labels it, and nobody else.
func TestLabels(t *testing.T) {
	of := newOffice(t, Options{}, "mia max lea zoe", "Team mia=editor max=viewer lea=portal zoe=reviser")
	mia, max, lea, zoe := of.as("mia"), of.as("max"), of.as("lea"), of.as("zoe")
	of.entry("/Team", policy.Entry{Principal: max.User(), Allow: policy.History})
	for i := range 3 {
		of.put(mia, "/Team/doc", text(i, 100))
	}
	must(t, label(mia, "/Team/doc", 1, "as signed"))
	must(t, label(zoe, "/Team/doc", 2, "für später"))
	of.wantLabels(max, "/Team/doc", "as signed", "für später")
	for name, s := range map[string]*Session{"max, who does not write": max, "lea, who holds no history": lea} {
		for _, version := range []int{1, 9} {
			err := label(s, "/Team/doc", version, "mine")
			if kind := kindOf(err); kind != errRefused && (version != 9 || kind != ErrNotFound) {
				t.Errorf("%s labelled version %d: %v", name, version, err)
			}
		}
	}
	of.lock(zoe, "/Team/doc", LockRequest{})
	if err := label(mia, "/Team/doc", 1, "mine"); kindOf(err) != errLocked {
		t.Errorf("a version of what somebody locked: %v", err)
	}
}

// TestLabelBounds: what is no label, or one too many, changes nothing.
func TestLabelBounds(t *testing.T) {
	of := newOffice(t, Options{}, "mia", "Team mia=editor")
	mia := of.as("mia")
	of.settings(func(s *policy.Settings) { s.Versions = labelCountMax + 2 })
	for i := range labelCountMax + 2 {
		of.put(mia, "/Team/doc", text(i, 10))
	}
	for what, bad := range map[string]string{
		"long": strings.Repeat("x", LabelSizeMax+1), "of two lines": "a\nb", "not UTF-8": "\xff", "with a mark": "a\x00b",
	} {
		if err := label(mia, "/Team/doc", 2, bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("a label that is %s: %v", what, err)
		}
	}
	for what, p := range map[string]string{"a file's versions": ".versions/Team/doc", "a folder": ".versions/Team", "the trash": ".trash/Team"} {
		if err := mia.Label(ctx, split(p), "x", Terms{}); !errors.Is(err, ErrReserved) {
			t.Errorf("a label of %s: %v", what, err)
		}
	}
	long := strings.Repeat("x", LabelSizeMax)
	for i := range labelCountMax {
		must(t, label(mia, "/Team/doc", i+2, long))
	}
	if err := label(mia, "/Team/doc", labelCountMax+2, "x"); kindOf(err) != ErrNotFound {
		t.Errorf("a version that is not there: %v", err)
	}
	of.put(mia, "/Team/doc", text(0, 20))
	if err := label(mia, "/Team/doc", labelCountMax+2, "x"); kindOf(err) != ErrTooMany {
		t.Errorf("one label too many: %v", err)
	}
	must(t, label(mia, "/Team/doc", 2, "another"))
	must(t, label(mia, "/Team/doc", 2, ""))
	must(t, label(mia, "/Team/doc", labelCountMax+2, "x"))
}

// TestLabelsKeep: neither days nor numbers nor a full place end a labelled version,
// until the label goes; it is charged all the time.
func TestLabelsKeep(t *testing.T) {
	c := newClock()
	of := newOffice(t, Options{Clock: c.Now}, "mia", "Team mia=manager")
	mia := of.as("mia")
	of.settings(func(s *policy.Settings) { s.Versions, s.VersionDays = 2, 30 })
	for i := range 3 {
		of.put(mia, "/Team/doc", text(i, 100))
	}
	must(t, label(mia, "/Team/doc", 1, "one"))
	must(t, label(mia, "/Team/doc", 2, "two"))
	for i := 3; i < 7; i++ {
		c.advance(time.Hour)
		of.put(mia, "/Team/doc", text(i, 100))
	}
	of.wantLabels(mia, "/Team/doc", "one", "two", "", "")
	of.wantUsage("/Team", policy.Usage{Live: 100, Versions: 400})

	c.advance(31 * 24 * time.Hour)
	of.collect(0)
	of.wantVersions("/Team/doc", text(0, 100), text(1, 100))
	of.reopen()
	mia = of.as("mia")
	of.wantLabels(mia, "/Team/doc", "one", "two")

	// Versions give way to who may delete the file; these do not, also where the room
	// is asked for beforehand.
	of.quota("/Team", 400)
	of.put(mia, "/Team/doc", text(7, 90))
	of.wantVersions("/Team/doc", text(0, 100), text(1, 100), text(6, 100))
	of.put(mia, "/Team/doc", text(8, 200))
	of.wantVersions("/Team/doc", text(0, 100), text(1, 100))
	if _, err := mia.Begin(split("/Team/doc"), 201, Terms{}); kindOf(err) != ErrQuota {
		t.Errorf("an upload begins for which labelled versions had to go: %v", err)
	}
	if _, _, err := put(mia, "/Team/doc", text(9, 201)); kindOf(err) != ErrQuota {
		t.Errorf("labelled versions gave way: %v", err)
	}

	// A file that is emptied gets its content back: the version of it stays one.
	of.quota("/Team", 1000)
	of.put(mia, "/Team/doc", nil)
	must(t, label(mia, "/Team/doc", 8, "eight"))
	of.put(mia, "/Team/doc", text(8, 200))
	of.wantLabels(mia, "/Team/doc", "one", "two", "eight")

	must(t, label(mia, "/Team/doc", 1, ""))
	c.advance(31 * 24 * time.Hour)
	of.collect(0)
	of.wantLabels(mia, "/Team/doc", "two", "eight")
	must(t, remove(mia, ".versions/Team/doc/version-2"))
	of.wantLabels(mia, "/Team/doc", "eight")
	of.wantUsage("/Team", policy.Usage{Live: 200, Versions: 200})
}
