package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"davit/policy"
)

func TestNumberedNames(t *testing.T) {
	long, wide := strings.Repeat("n", 255), strings.Repeat("ä", 127)
	for name, want := range map[string]string{
		"a.pdf":             "a (2).pdf",
		"a":                 "a (2)",
		".profile":          ".profile (2)",
		"a.tar.gz":          "a.tar (2).gz",
		"1. a draft":        "1. a draft (2)",
		"a.":                "a (2).",
		long:                long[:251] + " (2)",
		wide:                strings.Repeat("ä", 125) + " (2)",
		"n." + long[:253]:   ("n." + long)[:251] + " (2)",
		long[:251] + ".pdf": long[:247] + " (2).pdf",
	} {
		if got := numbered(name, "2"); got != want || len(got) > nameSizeMax || !utf8.ValidString(got) {
			t.Errorf("%q after %q, want %q", got, name, want)
		}
	}
}

// TestDropBoxIsBounded: the names for one file come to an end, and then it is
// told.
func TestDropBoxIsBounded(t *testing.T) {
	of := newOffice(t, Options{}, "mia max", "Box mia=editor max=deposit")
	mia, max := of.as("mia"), of.as("max")
	of.mkdir(mia, "/Box/dir")
	of.put(mia, "/Box/a", nil)
	for i := 2; i <= numberMax; i++ {
		if _, err := mia.Copy(ctx, split("/Box/a"), split(fmt.Sprintf("/Box/a (%d)", i)), false, false, Terms{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := put(max, "/Box/a", nil); !errors.Is(err, ErrExists) {
		t.Errorf("one more: %v", err)
	}
	// What one may see in a drop box answers as what it is.
	of.entry("/Box/dir", policy.Entry{Principal: max.User(), Allow: policy.See | policy.Read})
	if _, _, err := put(max, "/Box/dir", nil); kindOf(err) != errRefused {
		t.Errorf("over a folder that is seen: %v", err)
	}
	if _, err := max.Mkdir(ctx, split("/Box/dir"), Terms{}); !errors.Is(err, ErrExists) {
		t.Errorf("a folder that is seen made again: %v", err)
	}
}
