package wire

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestParseDepth(t *testing.T) {
	for value, want := range map[string]Depth{
		"": DepthAbsent, " ": DepthAbsent, "0": Depth0, " 1 ": Depth1, "infinity": DepthInfinity, "Infinity": DepthInfinity,
	} {
		if got, err := ParseDepth(value); err != nil || got != want {
			t.Errorf("ParseDepth(%q) = %v, %v; want %v", value, got, err, want)
		}
	}
	for _, value := range []string{"2", "-1", "01", "1,noroot", "infinite", "0, 1"} {
		if got, err := ParseDepth(value); !errors.Is(err, ErrHeader) {
			t.Errorf("ParseDepth(%q) = %v, %v; want an error", value, got, err)
		}
	}
}

func TestParseOverwrite(t *testing.T) {
	for value, want := range map[string]bool{"": true, "T": true, "t": true, "F": false, " f ": false} {
		if got, err := ParseOverwrite(value); err != nil || got != want {
			t.Errorf("ParseOverwrite(%q) = %v, %v; want %v", value, got, err, want)
		}
	}
	for _, value := range []string{"true", "0", "T, F"} {
		if _, err := ParseOverwrite(value); !errors.Is(err, ErrHeader) {
			t.Errorf("ParseOverwrite(%q): error %v", value, err)
		}
	}
}

func TestParseTimeout(t *testing.T) {
	const most = (1<<32 - 1) * time.Second
	for value, want := range map[string]time.Duration{
		"":                             0,
		"Second-3600":                  time.Hour,
		"second-60":                    time.Minute,
		"Infinite":                     TimeoutInfinite,
		"Infinite, Second-4100000000":  TimeoutInfinite, // cadaver, litmus, Windows
		"Second-4100000000, Infinite":  4100000000 * time.Second,
		"Extend-7, Second-5":           5 * time.Second,
		"Second-, Second-5":            5 * time.Second,
		"Second--5":                    0,
		"Second-+5":                    0,
		"Second-5s":                    0,
		"Second-0":                     0,
		"Second-4294967296":            most,
		"Second-99999999999999999999":  most,
		"Second-18446744073709551616":  most,
		"Second-9223372036854775807":   most,
		"Second-5, Second-99999999999": 5 * time.Second,
	} {
		if got := ParseTimeout(value); got != want {
			t.Errorf("ParseTimeout(%q) = %v, want %v", value, got, want)
		}
	}
	if most >= TimeoutInfinite {
		t.Error("a number of seconds reaches infinity")
	}
}

func TestParsePrefer(t *testing.T) {
	minimal := Preferences{Minimal: true}
	for _, test := range []struct {
		header http.Header
		want   Preferences
	}{
		{http.Header{}, Preferences{}},
		{http.Header{"Prefer": {"return=minimal"}}, minimal},
		{http.Header{"Prefer": {`respond-async, Return = "Minimal"; x=y`}}, minimal},
		{http.Header{"Prefer": {"return-minimal"}}, minimal},
		{http.Header{"Prefer": {"return=representation"}}, Preferences{Representation: true}},
		{http.Header{"Prefer": {"return=minimal", "depth-noroot"}}, Preferences{Minimal: true, NoRoot: true}},
		{http.Header{"Prefer": {"depth-noroot, return=minimal, return=representation"}}, Preferences{Minimal: true, NoRoot: true}},
		{http.Header{"Prefer": {"return=representation, return-minimal"}}, Preferences{Representation: true}},
		{http.Header{"Prefer": {"return=other; minimal"}}, Preferences{}},
		{http.Header{"Brief": {"t"}}, minimal},
		{http.Header{"Brief": {"f"}}, Preferences{}},
		{http.Header{"Brief": {"t"}, "Prefer": {"return=representation"}}, Preferences{Representation: true}},
	} {
		if got := ParsePrefer(test.header); got != test.want {
			t.Errorf("ParsePrefer(%v) = %+v, want %+v", test.header, got, test.want)
		}
	}
}
