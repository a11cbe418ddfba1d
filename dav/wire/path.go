package wire

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits of a path, in bytes of its decoded form.
const (
	NameSizeMax = 255
	PathSizeMax = 4096

	// A byte may arrive as three (%41), and a composed letter as up to three
	// times its bytes when the client decomposes it.
	escapedSizeMax = 9 * PathSizeMax
)

// Path is the canonical form of a path: the decoded names from the root of a
// URL space down, each valid UTF-8 in normalisation form C. The root is empty.
// Two requests mean the same resource exactly when their Paths are equal.
type Path []string

// PathError says why a path is refused. It is the client's mistake: 400.
type PathError struct{ Reason string }

func (e *PathError) Error() string { return "bad path: " + e.Reason }

// ParsePath decodes what is left of a request's escaped path when the prefix of
// the mount is removed: nothing, or text that begins with a slash. Repeated
// slashes count as one. Whether the path ended in a slash is told apart, since
// it is no part of the name.
func ParsePath(escaped string) (p Path, slash bool, err error) {
	p, slash, err = decodePath(escaped)
	if err != nil {
		return nil, false, err
	}
	if p.size() > PathSizeMax {
		return nil, false, &PathError{fmt.Sprintf("it is longer than %d bytes", PathSizeMax)}
	}
	return p, slash, nil
}

// AppendHref appends the URL path of p below prefix, which is escaped already
// and does not end in a slash. A collection's href ends in one. The result needs
// no further escaping inside XML.
func AppendHref(dst []byte, prefix string, p Path, collection bool) []byte {
	dst = append(dst, prefix...)
	for _, name := range p {
		dst = append(dst, '/')
		dst = appendName(dst, name)
	}
	if collection || len(p) == 0 { // RFC 4918, section 5.2
		dst = append(dst, '/')
	}
	return dst
}

// String is the path as people write it: decoded, with a leading slash.
func (p Path) String() string { return "/" + strings.Join(p, "/") }

// Within reports whether p is root or lies below it.
func (p Path) Within(root Path) bool {
	return len(p) >= len(root) && slices.Equal(p[:len(root)], root)
}

// size is the length of String without building it.
func (p Path) size() int {
	n := 0
	for _, name := range p {
		n += 1 + len(name)
	}
	return n
}

// decodePath is ParsePath without the limit on the whole path, which counts
// only once a prefix is gone.
func decodePath(escaped string) (p Path, slash bool, err error) {
	if escaped == "" {
		return nil, false, nil
	}
	if escaped[0] != '/' {
		return nil, false, &PathError{"it must begin with a slash"}
	}
	if len(escaped) > escapedSizeMax {
		return nil, false, &PathError{fmt.Sprintf("it is longer than %d bytes", PathSizeMax)}
	}
	for segment := range strings.SplitSeq(escaped, "/") {
		if segment == "" {
			continue
		}
		name, err := decodeName(segment)
		if err != nil {
			return nil, false, err
		}
		p = append(p, name)
	}
	return p, strings.HasSuffix(escaped, "/"), nil
}

// decodeName turns one segment into a canonical name. The order matters: what
// is checked is what will be used, so every check follows the last change.
func decodeName(segment string) (string, error) {
	name, err := url.PathUnescape(segment)
	if err != nil {
		return "", &PathError{"a percent sign must be followed by two hexadecimal digits"}
	}
	if !utf8.ValidString(name) {
		return "", &PathError{"a name must be UTF-8"}
	}
	name = norm.NFC.String(name)
	switch {
	case name == "." || name == "..":
		return "", &PathError{"a name must not be . or .."}
	case strings.Contains(name, "/"):
		return "", &PathError{"a name must not contain a slash"}
	case strings.ContainsFunc(name, isControl):
		return "", &PathError{"a name must not contain control characters"}
	case len(name) > NameSizeMax:
		return "", &PathError{fmt.Sprintf("a name is longer than %d bytes", NameSizeMax)}
	}
	return name, nil
}

func isControl(r rune) bool { return r < 0x20 || 0x7F <= r && r <= 0x9F }

const upperHex = "0123456789ABCDEF"

// appendName percent-encodes one name.
func appendName(dst []byte, name string) []byte {
	start := 0
	for i := range len(name) {
		if c := name[i]; !hrefSafe[c] {
			dst = append(dst, name[start:i]...)
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
			start = i + 1
		}
	}
	return append(dst, name[start:]...)
}

// hrefSafe holds the bytes of RFC 3986's pchar that stand for themselves: all
// but & and ', which XML would want escaped a second time.
var hrefSafe = byteSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$()*+,;=:@")

func byteSet(members string) (set [256]bool) {
	for _, c := range []byte(members) {
		set[c] = true
	}
	return set
}
