package imiptest

import (
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"slices"
	"strings"
	"time"
)

// A Part is one of the contents of a letter, without its transfer encoding.
type Part struct{ Type, Text string }

// Open takes a letter apart.
func (l Letter) Open() (mail.Header, []Part, error) {
	m, err := mail.ReadMessage(strings.NewReader(l.Data))
	if err != nil {
		return nil, nil, err
	}
	parts, err := partsOf(m.Header.Get("Content-Type"), m.Body)
	return m.Header, parts, err
}

// partsOf are the leaves of a body.
func partsOf(kind string, body io.Reader) (all []Part, err error) {
	media, params, err := mime.ParseMediaType(kind)
	if err != nil || !strings.HasPrefix(media, "multipart/") {
		return nil, fmt.Errorf("%q has no parts: %v", kind, err)
	}
	reader := multipart.NewReader(body, params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		inner := part.Header.Get("Content-Type")
		if strings.HasPrefix(inner, "multipart/") {
			more, err := partsOf(inner, part)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
			continue
		}
		var r io.Reader = part
		switch part.Header.Get("Content-Transfer-Encoding") {
		case "base64":
			r = base64.NewDecoder(base64.StdEncoding, part)
		case "quoted-printable":
			r = quotedprintable.NewReader(part)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		all = append(all, Part{inner, string(text)})
	}
}

// Text is all of a letter that can be read: its head, line by line, and its parts.
func (l Letter) Text() (string, error) {
	header, parts, err := l.Open()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	var words mime.WordDecoder
	for _, name := range names {
		text, err := words.DecodeHeader(header.Get(name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "%s: %s\n", name, text)
	}
	for _, p := range parts {
		fmt.Fprintf(&b, "\n%s\n\n%s", p.Type, strings.ReplaceAll(p.Text, "\r\n", "\n"))
	}
	return b.String(), nil
}

// Await is the letter of that number, from 0, that came to an address; false when it
// has not come in the time given.
func (s *Server) Await(to string, number int, patience time.Duration) (Letter, bool) {
	end := time.Now().Add(patience)
	alarm := time.AfterFunc(patience, func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.came.Broadcast()
	})
	defer alarm.Stop()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for {
		n := 0
		for _, l := range s.letters {
			if l.To != to {
				continue
			}
			if n == number {
				return l, true
			}
			n++
		}
		if !time.Now().Before(end) {
			return Letter{}, false
		}
		s.came.Wait()
	}
}
