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
func AppendContent[Text string | []byte](dst []byte, s Text) []byte {
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
	return string(AppendParams(nil, params, without...))
}

// AppendParams is ParamText into memory that is there.
func AppendParams(dst []byte, params Params, without ...string) []byte {
	if len(params) == 0 {
		return dst
	}
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if slices.Contains(without, name) {
			continue
		}
		dst = append(append(dst, ';'), name...)
		for i, value := range params[name] {
			dst = append(dst, "=,"[min(i, 1)])
			if strings.ContainsAny(value, ",;:") {
				dst = append(append(append(dst, '"'), value...), '"')
			} else {
				dst = append(dst, value...)
			}
		}
	}
	return dst
}
