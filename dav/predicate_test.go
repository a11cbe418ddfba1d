package dav

import (
	"errors"
	"testing"

	"davit/dav/wire"
	"davit/store"
)

// RFC 5323, section 5.14
func TestLike(t *testing.T) {
	for _, row := range []struct {
		text, pattern string
		want          truth
	}{
		{"", "", yes}, {"", "%", yes}, {"", "%%", yes}, {"", "_", no}, {"a", "", no}, {"", `\%`, no},
		{"plan", "plan", yes}, {"plan", "pla", no}, {"plan", "plans", no}, {"plan", "p%", yes}, {"plan", "%n", yes}, {"plan", "%l%", yes},
		{"plan", "____", yes}, {"plan", "___", no}, {"Ärger ☂", "_rger _", yes}, {"abab", "%ab", yes}, {"aXbXc", "a%X_", yes}, {"aXbXc", "a%Xd", no},
		{"50%", `50\%`, yes}, {"50x", `50\%`, no}, {"a_b", `a\_b`, yes}, {"axb", `a\_b`, no}, {`a\b`, `a\\b`, yes}, {`a\`, `a\`, yes},
		{"mississippi", "m%iss%ip%i", yes}, {"mississippi", "m%iss%ip%z", no},
	} {
		q := &searching{steps: stepsMax}
		if got := q.like(&wire.Predicate{Kind: wire.Like, Literal: row.pattern}, textValue(row.text)); got != row.want {
			t.Errorf("%q like %q: %d", row.text, row.pattern, got)
		}
	}
}

// A search that has looked at all that it may says so.
func TestScanned(t *testing.T) {
	m := &member{Info: store.Info{Entry: store.Entry{Name: "a"}}}
	query := &wire.Search{Limit: -1, Where: &wire.Predicate{Kind: wire.IsCollection}}
	q := &searching{query: query, steps: stepsMax, scanned: scannedMax - 1}
	if err := q.look(m); err != nil {
		t.Error(err)
	}
	if err := q.look(m); !errors.Is(err, errScanned) {
		t.Errorf("after %d resources: %v", q.scanned, err)
	}
}
