package wire

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParseDestination(t *testing.T) {
	for _, test := range []struct {
		header, host, prefix string
		want                 Path
	}{
		{"http://dav.example/dav/a/b", "dav.example", "/dav", Path{"a", "b"}},
		{"https://dav.example/dav/a/", "dav.example", "/dav", Path{"a"}}, // TLS ends at a proxy
		{"HTTP://DAV.Example:80/dav/a", "dav.example", "/dav", Path{"a"}},
		{"https://dav.example/dav/a", "dav.example:443", "/dav", Path{"a"}},
		{"http://[::1]:8080/dav/a", "[::1]:8080", "/dav", Path{"a"}},
		{"http://mia:secret@dav.example/dav/a", "dav.example", "/dav", Path{"a"}},
		{"/dav/a%20b", "dav.example", "/dav", Path{"a b"}}, // Nextcloud's client
		{"  /dav/caf%c3%a9 ", "dav.example", "/dav", Path{"café"}},
		{"/d%61v/cafe%CC%81", "dav.example", "/dav", Path{"café"}},
		{"//dav.example/dav/a", "dav.example", "/dav", Path{"a"}},
		{"/dav", "dav.example", "/dav", nil},
		{"/dav/", "dav.example", "/dav/", nil},
		{"/a", "dav.example", "", Path{"a"}},
		{"http://dav.example", "dav.example", "", nil},
		{"/dav/%28x%29%5B%5D%2C", "h", "/dav", Path{"(x)[],"}}, // LibreOffice escapes more than it must
		{"/dav" + strings.Repeat("/1234567", 512), "h", "/dav", Path(slices.Repeat([]string{"1234567"}, 512))},
	} {
		got, err := ParseDestination(test.header, test.host, test.prefix)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("ParseDestination(%q, %q, %q) = %q, %v; want %q", test.header, test.host, test.prefix, got, err, test.want)
		}
	}
}

func TestParseDestinationRefuses(t *testing.T) {
	for header, want := range map[string]error{
		"":                                   ErrDestination,
		"a/b":                                ErrDestination,
		"http:dav/a":                         ErrDestination,
		"http:///dav/a":                      ErrDestination,
		"http://h\x00/dav":                   ErrDestination,
		"/dav/a%zz":                          ErrDestination,
		"/dav/a?b":                           ErrDestination,
		"/dav/a?":                            ErrDestination,
		"/dav/a#b":                           ErrDestination,
		"/dav/a#":                            ErrDestination,
		"/dav/../etc":                        ErrDestination,
		"/dav/%2e%2e/etc":                    ErrDestination,
		"/dav/a%2fb":                         ErrDestination,
		"/dav/" + strings.Repeat("n/", 3000): ErrDestination,
		strings.Repeat("/", 100_000):         ErrDestination,
		"http://other.example/dav/a":         ErrOtherHost,
		"http://dav.example:8080/dav/a":      ErrOtherHost,
		"//other.example/dav/a":              ErrOtherHost,
		"ftp://dav.example/dav/a":            ErrOtherHost,
		"/davfoo/a":                          ErrOutside,
		"/":                                  ErrOutside,
		"http://dav.example":                 ErrOutside,
		"/caldav/mia":                        ErrOutside,
	} {
		if p, err := ParseDestination(header, "dav.example", "/dav"); !errors.Is(err, want) {
			t.Errorf("ParseDestination(%.40q) = %q, %v; want %v", header, p, err, want)
		}
	}
}
