package wire

import "unicode/utf8"

// AppendText appends s as XML character data. What XML cannot hold, control
// characters and bytes that are no UTF-8, becomes U+FFFD: XML 1.0, section 2.2.
func AppendText[T string | []byte](dst []byte, s T) []byte {
	return appendEscaped(dst, s, &textPlain)
}

// appendAttrValue is AppendText for a value between double quotes.
func appendAttrValue(dst []byte, value string) []byte {
	return appendEscaped(dst, value, &attrPlain)
}

// The ASCII bytes that stand for themselves. A carriage return does not, nor
// white space in attributes: a parser would turn it into something else.
var (
	textPlain = plainSet("\t\n", "&<>")
	attrPlain = plainSet("", "&<>\"")
)

func plainSet(also, except string) (set [256]bool) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		set[c] = true
	}
	for _, c := range []byte(also) {
		set[c] = true
	}
	for _, c := range []byte(except) {
		set[c] = false
	}
	return set
}

func appendEscaped[T string | []byte](dst []byte, s T, plain *[256]bool) []byte {
	start := 0
	for i := 0; i < len(s); {
		if plain[s[i]] {
			i++
			continue
		}
		size, replacement := 1, entity(s[i])
		if s[i] >= utf8.RuneSelf {
			var c rune
			c, size = utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			if (c != utf8.RuneError || size > 1) && c != 0xFFFE && c != 0xFFFF {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		dst = append(dst, replacement...)
		i += size
		start = i
	}
	return append(dst, s[start:]...)
}

// entity is what stands for a byte that cannot stand for itself.
func entity(c byte) string {
	switch c {
	case '&':
		return "&amp;"
	case '<':
		return "&lt;"
	case '>':
		return "&gt;"
	case '"':
		return "&quot;"
	case '\t':
		return "&#x9;"
	case '\n':
		return "&#xA;"
	case '\r':
		return "&#xD;"
	}
	return "\uFFFD"
}
