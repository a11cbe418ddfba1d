package wire

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
)

var (
	monday  = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	before  = "Mon, 01 Jun 2026 11:59:59 GMT"
	exactly = "Mon, 01 Jun 2026 12:00:00 GMT"
	after   = "Mon, 01 Jun 2026 12:00:01 GMT"
)

// TestConditions asks each set of headers about a resource that has the tag "a"
// and was modified on monday, and about one that does not exist.
func TestConditions(t *testing.T) {
	const p, n, f = Proceed, NotModified, Failed
	for _, test := range []struct {
		headers           string
		get, put, missing Verdict // missing: PUT of a new resource
	}{
		{"", p, p, p},
		{`If-Match: "a"`, p, p, f},
		{`If-Match: "b"`, f, f, f},
		{`If-Match: "b", "a"`, p, p, f},
		{`If-Match: ,"b" ,, "a",`, p, p, f},
		{`If-Match: "b"|If-Match: "a"`, p, p, f},
		{`If-Match: *`, p, p, f},
		{`If-Match: W/"a"`, f, f, f},
		{`If-Match: nothing`, f, f, f},
		{`If-Match: a`, p, p, f},
		{`If-None-Match: "a"`, n, f, p},
		{`If-None-Match: W/"a"`, n, f, p},
		{`If-None-Match: "b"`, p, p, p},
		{`If-None-Match: *`, n, f, p},
		{`If-Modified-Since: ` + before, p, p, p},
		{`If-Modified-Since: ` + exactly, n, p, p},
		{`If-Modified-Since: ` + after, n, p, p},
		{`If-Modified-Since: yesterday`, p, p, p},
		{`If-Unmodified-Since: ` + before, f, f, p},
		{`If-Unmodified-Since: ` + exactly, p, p, p},
		{`If-Unmodified-Since: yesterday`, p, p, p},
		{`If-Match: "a"|If-Unmodified-Since: ` + before, p, p, f},
		{`If-None-Match: "b"|If-Modified-Since: ` + after, p, p, p},
		{`If-Match: "a"|If-None-Match: "a"`, n, f, f},
		{`If-Match: "b"|If-None-Match: "a"`, f, f, f},
		{`If-Unmodified-Since: ` + exactly + `|If-None-Match: "a"`, n, f, p},
		{`If-Match: "a"|If-Modified-Since: ` + after, n, p, f},
		{`If-Unmodified-Since: ` + before + `|If-Modified-Since: ` + before, f, f, p},
		{`If-Match: "with, comma"`, f, f, f},
	} {
		c, err := ParseConditions(headers(test.headers))
		if err != nil {
			t.Errorf("%s: %v", test.headers, err)
			continue
		}
		modified := monday.Add(900 * time.Millisecond) // finer than a header can say
		get := c.Check(true, true, `"a"`, modified)
		put := c.Check(false, true, `"a"`, modified)
		missing := c.Check(false, false, "", time.Time{})
		if get != test.get || put != test.put || missing != test.missing {
			t.Errorf("%s: GET %d, PUT %d, PUT of a new one %d; want %d, %d, %d", test.headers, get, put, missing, test.get, test.put, test.missing)
		}
	}
}

func TestConditionsWithoutDate(t *testing.T) {
	c, err := ParseConditions(headers("If-Unmodified-Since: " + before + "|If-Modified-Since: " + after))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Check(true, true, `"a"`, time.Time{}); got != Proceed {
		t.Errorf("a resource without a date: %d, want %d", got, Proceed)
	}
}

func TestConditionsWeakResource(t *testing.T) {
	for header, want := range map[string]Verdict{
		`If-Match: W/"a"`:      Failed,
		`If-Match: "a"`:        Failed,
		`If-None-Match: "a"`:   NotModified,
		`If-None-Match: W/"a"`: NotModified,
	} {
		c, err := ParseConditions(headers(header))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Check(true, true, `W/"a"`, monday); got != want {
			t.Errorf("%s against a weak tag: %d, want %d", header, got, want)
		}
	}
}

func TestParseConditionsRefuses(t *testing.T) {
	for _, value := range []string{
		"", " ", ",", `"a`, `a"`, `"a" "b"`, `"a"b`, `*, "a"`, `"a", *`, `W/`, "\"a\x01\"", "a\x01",
		strings.Repeat(`"a",`, etagsMax) + `"a"`,
	} {
		for _, name := range []string{"If-Match", "If-None-Match"} {
			if _, err := ParseConditions(http.Header{name: {value}}); !errors.Is(err, ErrHeader) {
				t.Errorf("%s: %.40q: error %v", name, value, err)
			}
		}
	}
	if _, err := ParseConditions(http.Header{"If-Match": {strings.Repeat(`"a",`, etagsMax)}}); err != nil {
		t.Errorf("%d tags: %v", etagsMax, err)
	}
}

// headers reads "Name: value|Name: value".
func headers(lines string) http.Header {
	h := http.Header{}
	for line := range strings.SplitSeq(lines, "|") {
		if name, value, ok := strings.Cut(line, ": "); ok {
			h.Add(name, value)
		}
	}
	return h
}
