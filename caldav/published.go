package caldav

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"davit/caldav/ical"
	"davit/dav/wire"
	"davit/store"
)

// How often what is published elsewhere is fetched.
const (
	refreshMin   = 15 * time.Minute
	refreshUsual = 6 * time.Hour
	refreshMax   = 7 * 24 * time.Hour
)

// SourceOf is the URL at which a calendar says that it is published, empty for none.
func SourceOf(props []store.Prop) string {
	for _, p := range props {
		if p.Space != sourceName.Space || p.Local != sourceName.Local {
			continue
		}
		_, value, _ := strings.Cut(string(p.Value), "\x00") // behind the language
		kids, err := wire.ParseFragment([]byte(value))
		if err == nil && len(kids) == 1 && kids[0].Name == davName("href") {
			return strings.TrimSpace(kids[0].Text)
		}
	}
	return ""
}

// A Publication is what was fetched, as it is kept.
type Publication struct {
	Objects []store.PublishedObject
	Left    int           // objects that are none, which are left out
	Refresh time.Duration // after which it is fetched again
}

// Publish reads what was fetched. One bad object stops nothing; what is no calendar at
// all, or has too much in it, is an error.
func Publish(stream []byte, now time.Time) (p Publication, err error) {
	if !strings.Contains(strings.ToUpper(string(stream[:min(len(stream), 1024)])), "BEGIN:VCALENDAR") {
		return p, errors.New("what is published there is no calendar")
	}
	p.Objects, p.Refresh = []store.PublishedObject{}, refresh(stream)
	parts := Split(stream)
	if len(parts) > store.PublishedMax {
		return p, fmt.Errorf("what is published there has %d objects, and %d are the most", len(parts), store.PublishedMax)
	}
	near, names := store.Near(now), map[string]bool{}
	for i := range parts {
		part := &parts[i]
		var obj store.Object
		if part.Err == nil {
			part.Body = Unmanaged(unorganized(part.Body))
			obj, part.Err = Index(part.Body, near)
		}
		if part.Err != nil || names[part.Name()] {
			p.Left++
			continue
		}
		names[part.Name()] = true
		p.Objects = append(p.Objects, store.PublishedObject{Name: part.Name(), Content: part.Body, Object: obj})
	}
	return p, nil
}

// unorganized takes the organizers out of an object: what is only published invites
// nobody, and must not stand for an invitation that its reader has got.
func unorganized(body []byte) []byte {
	var b bytes.Buffer
	for line := range contentLines(string(body)) {
		name, _, _ := strings.Cut(line.text, ":")
		if name, _, _ = strings.Cut(name, ";"); !strings.EqualFold(strings.TrimSpace(name), "ORGANIZER") {
			b.WriteString(line.raw)
		}
	}
	return b.Bytes()
}

// refresh is how long what was fetched counts, by what it says of itself.
// RFC 7986, section 5.7
func refresh(stream []byte) time.Duration {
	for line := range contentLines(string(stream)) {
		name, value, _ := strings.Cut(line.text, ":")
		name, _, _ = strings.Cut(strings.ToUpper(name), ";")
		if name == "BEGIN" && !strings.EqualFold(strings.TrimSpace(value), "VCALENDAR") {
			break
		}
		if name != "REFRESH-INTERVAL" && name != "X-PUBLISHED-TTL" {
			continue
		}
		if d, err := ical.ParseDuration(strings.TrimSpace(value)); err == nil && !d.Negative() {
			seconds := min(d.Length(), int64(refreshMax/time.Second))
			return max(time.Duration(seconds)*time.Second, refreshMin)
		}
	}
	return refreshUsual
}
