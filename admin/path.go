package admin

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"davit/policy"
	"davit/store"
)

// Limits of a path, in bytes.
const (
	pathMax = 4096
	nameMax = 255
)

// ParsePath reads a path as commands spell it: "/Finance/2026" from the root of
// all spaces, "~mia/notes" in a personal drive. The slash in front may be left
// out. With "calendar:" before them they lead to calendars instead of files.
func ParsePath(text string) (store.Path, error) {
	if rest, is := strings.CutPrefix(text, store.CalendarScheme); is && (strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "~")) {
		p, err := ParsePath(rest)
		if err != nil {
			return nil, err
		}
		return p.Calendars(), nil
	}
	var p store.Path
	if len(text) > pathMax || !utf8.ValidString(text) {
		return nil, invalid("", "path %q: use at most %d bytes of UTF-8", clip(text), pathMax)
	}
	for name := range strings.SplitSeq(norm.NFC.String(text), "/") {
		switch {
		case name == "":
			continue
		case name == "." || name == "..":
			return nil, invalid("", "path %q: write it without %s", text, name)
		case len(name) > nameMax:
			return nil, invalid("", "path with %q: a name has at most %d bytes", clip(name), nameMax)
		case strings.ContainsFunc(name, unicode.IsControl):
			return nil, invalid("", "path %q: no control characters", text)
		}
		p = append(p, name)
	}
	if len(p) == 0 {
		return nil, invalid("write /SPACE/FOLDER, or ~USER/FOLDER for a personal drive", "path %q names nothing", text)
	}
	return p, nil
}

// clip shortens what is too long to be shown.
func clip(text string) string {
	const shown = 40
	if len(text) <= shown {
		return text
	}
	return strings.ToValidUTF8(text[:shown], "") + "..."
}

// place finds a file or folder for a question or a change of policy.
func (a *Admin) place(text string) (store.Path, policy.Place, store.Entry, error) {
	p, err := ParsePath(text)
	if err != nil {
		return nil, policy.Place{}, store.Entry{}, err
	}
	at, e, err := a.op.Place(p)
	return p, at, e, err
}
