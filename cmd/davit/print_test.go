package main

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func TestSize(t *testing.T) {
	for bytes, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 KB", 1499: "1.5 KB", 999_949: "999.9 KB", 999_950: "1.0 MB",
		50_000_000_000: "50.0 GB", 1 << 62: "4.6 EB",
	} {
		if got := size(bytes); got != want {
			t.Errorf("size(%d) = %q, want %q", bytes, got, want)
		}
	}
}

func TestParseMoment(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	for text, want := range map[string]time.Time{
		"90d":                  now.AddDate(0, 0, 90),
		"12h":                  now.Add(12 * time.Hour),
		"2027-01-31":           time.Date(2027, 1, 31, 0, 0, 0, 0, time.Local),
		"2027-01-31T18:00":     time.Date(2027, 1, 31, 18, 0, 0, 0, time.Local),
		"2027-01-31T18:00:00Z": time.Date(2027, 1, 31, 18, 0, 0, 0, time.UTC),
	} {
		if got, err := parseMoment(text, now); err != nil || !got.Equal(want) {
			t.Errorf("parseMoment(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"soon", "-1h", "d", "99999d", "2027-13-01", "0h"} {
		if got, err := parseMoment(text, now); err == nil {
			t.Errorf("parseMoment(%q) = %v", text, got)
		}
	}
	if got, err := parseMoment("", now); got != nil || err != nil {
		t.Errorf("no time: %v, %v", got, err)
	}
}

func TestFirstLine(t *testing.T) {
	for in, want := range map[string]string{
		"secret": "secret", "secret\n": "secret", "secret\r\nmore": "secret", " with spaces \n": " with spaces ", "": "",
	} {
		if got, err := firstLine(strings.NewReader(in)); err != nil || got != want {
			t.Errorf("firstLine(%q) = %q, %v", in, got, err)
		}
	}
	if _, err := firstLine(strings.NewReader(strings.Repeat("x", passwordLineMax+1))); err == nil {
		t.Error("an endless password was read")
	}
	if _, err := firstLine(broken{}); err == nil {
		t.Error("a failing input was read")
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, os.ErrClosed }

// TestPrintFails: what cannot be printed is an error, also in the middle.
func TestPrintFails(t *testing.T) {
	for _, json := range []bool{false, true} {
		g := &global{json: json, out: failing{}}
		if err := g.print([]string{"a"}, func(p *printer) { p.row("a", "b") }); err == nil {
			t.Errorf("json %t: no error", json)
		}
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
