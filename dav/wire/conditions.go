package wire

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

const etagsMax = 1000 // entity tags in one header

// Conditions are the conditional headers of RFC 9110, section 13. The zero value
// has none and lets everything proceed.
type Conditions struct {
	match, noneMatch               etagList
	modifiedSince, unmodifiedSince time.Time // zero when absent
}

// Verdict is what conditions say about a request.
type Verdict uint8

// The verdicts, with the status code of the latter two.
const (
	Proceed     Verdict = iota
	NotModified         // 304
	Failed              // 412
)

// ParseConditions reads If-Match, If-None-Match, If-Modified-Since and
// If-Unmodified-Since. A date that cannot be read counts as absent.
func ParseConditions(h http.Header) (c Conditions, err error) {
	if c.match, err = parseETags(h, "If-Match"); err != nil {
		return Conditions{}, err
	}
	if c.noneMatch, err = parseETags(h, "If-None-Match"); err != nil {
		return Conditions{}, err
	}
	c.modifiedSince = parseDate(h.Get("If-Modified-Since"))     // RFC 9110, section 13.1.3
	c.unmodifiedSince = parseDate(h.Get("If-Unmodified-Since")) // RFC 9110, section 13.1.4
	return c, nil
}

// Check judges the conditions against a resource: whether it exists, its entity
// tag as it stands in an ETag header, and when it was modified (zero when that
// is unknown). safe says that the request is a GET or HEAD.
func (c Conditions) Check(safe, exists bool, etag string, modified time.Time) Verdict {
	return c.CheckTags(safe, exists, modified, etag)
}

// CheckTags is Check for a resource that goes by several tags.
func (c Conditions) CheckTags(safe, exists bool, modified time.Time, etags ...string) Verdict {
	modified = modified.Truncate(time.Second) // the precision of an HTTP date
	dated := exists && !modified.IsZero()

	// The order of RFC 9110, section 13.2.2.
	switch {
	case c.match.present:
		if !exists || !c.match.has(etags, strongEqual) {
			return Failed
		}
	case !c.unmodifiedSince.IsZero():
		if dated && modified.After(c.unmodifiedSince) {
			return Failed
		}
	}
	switch {
	case c.noneMatch.present:
		if exists && c.noneMatch.has(etags, weakEqual) {
			if safe {
				return NotModified
			}
			return Failed
		}
	case safe && !c.modifiedSince.IsZero():
		if dated && !modified.After(c.modifiedSince) {
			return NotModified
		}
	}
	return Proceed
}

// etagList is the value of If-Match or If-None-Match.
type etagList struct {
	present bool
	any     bool // "*"
	tags    []string
}

func (l etagList) has(etags []string, equal func(a, b string) bool) bool {
	if l.any {
		return true
	}
	for _, tag := range l.tags {
		for _, etag := range etags {
			if equal(tag, etag) {
				return true
			}
		}
	}
	return false
}

// strongEqual and weakEqual are the comparisons of RFC 9110, section 8.8.3.2.
func strongEqual(a, b string) bool { return a == b && !strings.HasPrefix(a, "W/") }

func weakEqual(a, b string) bool {
	return strings.TrimPrefix(a, "W/") == strings.TrimPrefix(b, "W/")
}

func parseDate(value string) time.Time {
	if value == "" {
		return time.Time{} // most requests; a failed parse costs an error
	}
	t, err := http.ParseTime(value)
	if err != nil {
		return time.Time{}
	}
	return t
}

func parseETags(h http.Header, name string) (etagList, error) {
	values := h.Values(name)
	if len(values) == 0 {
		return etagList{}, nil
	}
	list := etagList{present: true}
	rest := strings.Trim(strings.Join(values, ","), " \t")
	if rest == "*" {
		list.any = true
		return list, nil
	}
	for {
		rest = strings.TrimLeft(rest, ", \t") // RFC 9110, section 5.6.1.2: empty elements are ignored
		if rest == "" {
			break
		}
		if len(list.tags) == etagsMax {
			return etagList{}, fmt.Errorf("%w: %s has more than %d entity tags", ErrHeader, name, etagsMax)
		}
		tag, after, ok := cutETag(rest)
		after = strings.TrimLeft(after, " \t")
		if !ok || tag == `"*"` && rest[0] == '*' || after != "" && after[0] != ',' {
			return etagList{}, fmt.Errorf("%w: %s must be * or a list of quoted entity tags", ErrHeader, name)
		}
		list.tags = append(list.tags, tag)
		rest = after
	}
	if len(list.tags) == 0 {
		return etagList{}, fmt.Errorf("%w: %s is empty", ErrHeader, name)
	}
	return list, nil
}

// cutETag splits an entity tag off the front of s. A tag without its quotes is
// read as if it had them: some clients drop them, and Thunderbird's probe "If-Match:
// nothing" has to be a condition that fails, not a header that is refused.
func cutETag(s string) (tag, rest string, ok bool) {
	body, weak := strings.CutPrefix(s, "W/")
	if opaque, quoted := strings.CutPrefix(body, `"`); quoted {
		end := strings.IndexByte(opaque, '"')
		if end < 0 || strings.ContainsFunc(opaque[:end], isControl) {
			return "", s, false
		}
		size := len(s) - len(opaque) + end + 1
		return s[:size], s[size:], true
	}
	end := strings.IndexAny(body, " \t,]\"")
	if end < 0 {
		end = len(body)
	}
	if end == 0 || strings.ContainsFunc(body[:end], isControl) {
		return "", s, false
	}
	tag = `"` + body[:end] + `"`
	if weak {
		tag = "W/" + tag
	}
	return tag, body[end:], true
}
