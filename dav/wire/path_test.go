package wire

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	long := strings.Repeat("n", NameSizeMax)
	for _, test := range []struct {
		escaped string
		want    Path
		slash   bool
	}{
		{"", nil, false},
		{"/", nil, true},
		{"/a", Path{"a"}, false},
		{"/a/", Path{"a"}, true},
		{"//a///b//", Path{"a", "b"}, true},
		{"/100%25%20a%23b", Path{"100% a#b"}, false},
		{"/%2541", Path{"%41"}, false}, // decoded once
		{"/a+b;c=d&e'f", Path{"a+b;c=d&e'f"}, false},
		{"/caf%c3%a9", Path{"café"}, false},
		{"/cafe%CC%81", Path{"café"}, false}, // NFD
		{"/café", Path{"café"}, false},
		{"/%F0%9F%9A%A2", Path{"🚢"}, false},
		{"/...", Path{"..."}, false},
		{"/.hidden", Path{".hidden"}, false},
		{"/" + long, Path{long}, false},
		{"/" + strings.Repeat("e%CC%81", NameSizeMax/2), Path{strings.Repeat("é", NameSizeMax/2)}, false},
	} {
		got, slash, err := ParsePath(test.escaped)
		if err != nil || !slices.Equal(got, test.want) || slash != test.slash {
			t.Errorf("ParsePath(%q) = %q, %v, %v; want %q, %v", test.escaped, got, slash, err, test.want, test.slash)
		}
	}
}

func TestParsePathRefuses(t *testing.T) {
	for escaped, reason := range map[string]string{
		"a":                                  "begin with a slash",
		"foo/bar":                            "begin with a slash",
		"/a%":                                "hexadecimal",
		"/a%2":                               "hexadecimal",
		"/a%zz":                              "hexadecimal",
		"/%ff":                               "UTF-8",
		"/%C0%AF":                            "UTF-8", // an overlong slash
		"/%ED%A0%80":                         "UTF-8", // a surrogate
		"/a/./b":                             ". or ..",
		"/a/..":                              ". or ..",
		"/%2e%2E/b":                          ". or ..",
		"/%2e":                               ". or ..",
		"/a%2Fb":                             "slash",
		"/..%2f..%2fetc":                     "slash",
		"/a%00":                              "control",
		"/a%0d%0ab":                          "control",
		"/a%7f":                              "control",
		"/a%c2%85":                           "control",
		"/" + strings.Repeat("n", 256):       "255 bytes",
		strings.Repeat("/1234567", 513):      "4096 bytes",
		"/" + strings.Repeat("x/", 1000_000): "4096 bytes",
		strings.Repeat("/", 1000_000):        "4096 bytes",
	} {
		_, _, err := ParsePath(escaped)
		var bad *PathError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), reason) {
			t.Errorf("ParsePath(%.40q): error %v, want one about %q", escaped, err, reason)
		}
	}
	if _, _, err := ParsePath(strings.Repeat("/1234567", 512)); err != nil {
		t.Errorf("a path of %d bytes: %v", PathSizeMax, err)
	}
}

func TestAppendHref(t *testing.T) {
	for _, test := range []struct {
		prefix     string
		path       Path
		collection bool
		want       string
	}{
		{"", nil, true, "/"},
		{"", nil, false, "/"},
		{"/dav", nil, true, "/dav/"},
		{"/dav", Path{"a", "b"}, false, "/dav/a/b"},
		{"/dav", Path{"a", "b"}, true, "/dav/a/b/"},
		{"", Path{`a b#%?&'<>"\`}, false, "/a%20b%23%25%3F%26%27%3C%3E%22%5C"},
		{"", Path{"A-z_0.9~!$()*+,;=:@"}, false, "/A-z_0.9~!$()*+,;=:@"},
		{"", Path{"é🚢"}, false, "/%C3%A9%F0%9F%9A%A2"},
	} {
		if got := string(AppendHref(nil, test.prefix, test.path, test.collection)); got != test.want {
			t.Errorf("AppendHref(%q, %q, %v) = %s, want %s", test.prefix, test.path, test.collection, got, test.want)
		}
	}
}

func TestPathWithin(t *testing.T) {
	for _, test := range []struct {
		path, root Path
		want       bool
	}{
		{nil, nil, true},
		{Path{"a"}, nil, true},
		{Path{"a", "b"}, Path{"a"}, true},
		{Path{"a"}, Path{"a"}, true},
		{Path{"a"}, Path{"a", "b"}, false},
		{Path{"ab"}, Path{"a"}, false},
	} {
		if got := test.path.Within(test.root); got != test.want {
			t.Errorf("%s within %s = %v", test.path, test.root, got)
		}
	}
}
