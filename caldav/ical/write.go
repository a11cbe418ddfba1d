package ical

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// foldAt is how long a line may be, in bytes without its end: RFC 5545, section 3.1.
const foldAt = 75

// AppendContent appends a content line of our own, folded between characters and
// ended.
func AppendContent(dst []byte, s string) []byte {
	for room := foldAt; len(s) > room; room = foldAt - 1 {
		cut := room
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		dst = append(append(dst, s[:cut]...), "\r\n "...)
		s = s[cut:]
	}
	return append(append(dst, s...), "\r\n"...)
}

// ParamText writes parameters but for some, in the order of their names, each with
// the semicolon before it.
func ParamText(params Params, without ...string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if slices.Contains(without, name) {
			continue
		}
		b.WriteString(";" + name)
		for i, value := range params[name] {
			b.WriteByte("=,"[min(i, 1)])
			if strings.ContainsAny(value, ",;:") {
				value = `"` + value + `"`
			}
			b.WriteString(value)
		}
	}
	return b.String()
}
