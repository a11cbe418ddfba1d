package filter

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// A Collation says when texts are the same: RFC 4790.
type Collation string

// The collations that are known: RFC 4791, section 7.5, and RFC 5051.
const (
	ASCIICasemap   Collation = "i;ascii-casemap"
	Octet          Collation = "i;octet"
	UnicodeCasemap Collation = "i;unicode-casemap"
)

// Collations lists them, as supported-collation-set does.
var Collations = []Collation{ASCIICasemap, Octet, UnicodeCasemap}

// known returns the collation that a name means: the default where there is none.
func (c Collation) known() (Collation, bool) {
	switch c {
	case "", "default":
		return ASCIICasemap, true // RFC 4791, section 9.7.5
	case ASCIICasemap, Octet, UnicodeCasemap:
		return c, true
	}
	return c, false
}

func (t *Text) check() error {
	if t == nil {
		return nil
	}
	if _, ok := t.Collation.known(); !ok {
		return &Error{"supported-collation", "the collation is not supported"}
	}
	if len(t.Value) > TextMax {
		return &Error{"supported-filter", "a text-match is too long"}
	}
	return nil
}

func (t *Text) matches(s string) bool {
	collation, _ := t.Collation.known()
	s = s[:min(len(s), SeenMax)]
	return strings.Contains(collation.fold(s), collation.fold(t.Value)) != t.Negate
}

// fold brings texts that are the same into one form.
func (c Collation) fold(s string) string {
	switch c {
	case ASCIICasemap:
		return strings.Map(func(r rune) rune {
			if 'A' <= r && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return r
		}, s)
	case UnicodeCasemap:
		return norm.NFKD.String(strings.Map(unicode.ToTitle, s)) // RFC 5051, section 2
	}
	return s
}
