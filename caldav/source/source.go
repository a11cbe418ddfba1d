// Package source reads what other servers publish: the calendars of an account, to
// be moved here, and single ones that somebody subscribes to. It believes nothing
// that it gets: every answer has a limit in size and time, and none leads to another
// host. It writes nothing, here or there, and keeps nothing.
//
//	s, err := source.Open("https://dav.example.org/", "lena", secret)
//	calendars, err := s.Calendars(ctx)
//	objects, err := s.Objects(ctx, calendars[0].Path)
package source

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/emersion/go-webdav/caldav"
)

// Limits of what another server may answer.
const (
	answerMax    = 64 << 20 // bytes of a listing
	objectMax    = 10 << 20 // bytes of one object
	redirectsMax = 5        // in a row
	calendarsMax = 1000
	objectsMax   = 100_000 // of one calendar
	answerWithin = 2 * time.Minute
)

// Errors of what another server answers.
var (
	ErrTooLarge  = errors.New("the answer of the other server is larger than what is taken")
	ErrElsewhere = errors.New("the other server leads to another host, which nobody has named")
	ErrLogin     = errors.New("the other server refuses the name or the password")
	ErrNone      = errors.New("the other server shows no calendars there")

	errRedirects = errors.New("the other server sends from one place to the next without end")
)

// A Server is one account on another server.
type Server struct {
	client *client
	dav    *caldav.Client
	url    *url.URL
}

// A Calendar is one of the account's.
type Calendar struct {
	Path        string // on the other server
	Name, Color string // as its owner calls and colours it, empty if not at all
	Components  []string
}

// Base is the last name of the path.
func (c *Calendar) Base() string { return path.Base(c.Path) }

// An Object is a file in a calendar.
type Object struct {
	Path string // on the other server
	ETag string // empty when that server tells none
}

// Base is the last name of the path.
func (o *Object) Base() string { return path.Base(o.Path) }

// Open prepares reading as an account; nothing is sent yet.
func Open(endpoint, user, secret string) (*Server, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return nil, fmt.Errorf("%q is no URL such as https://dav.example.org/, without a name and a password", endpoint)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	c := &client{host: u.Host, user: user, secret: secret, most: answerMax, http: &http.Client{
		Timeout:       answerWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	s := &Server{client: c, url: u}
	s.dav, err = caldav.NewClient(c, u.String())
	return s, err
}

// Calendars finds the calendars of the account: from the URL itself, which may be
// the server's, a principal's, a home's or that of one calendar, and from where
// servers tell clients to look. RFC 6764, section 6
func (s *Server) Calendars(ctx context.Context) ([]Calendar, error) {
	if found, err := s.below(ctx, ""); err != nil || len(found) > 0 {
		return found, err
	}
	for _, start := range []string{"", "/.well-known/caldav"} {
		principal, err := s.principal(ctx, start)
		if errors.Is(err, ErrLogin) || errors.Is(err, ErrElsewhere) || ctx.Err() != nil {
			return nil, err
		}
		if err != nil || principal == "" {
			continue
		}
		home, err := s.dav.FindCalendarHomeSet(ctx, principal)
		if err != nil || home == "" {
			continue
		}
		if found, err := s.below(ctx, home); err != nil || len(found) > 0 {
			return found, err
		}
	}
	return nil, ErrNone
}

// principal asks a URL who the account is.
func (s *Server) principal(ctx context.Context, at string) (string, error) {
	if at == "" {
		return s.dav.FindCurrentUserPrincipal(ctx)
	}
	there, err := caldav.NewClient(s.client, s.at(at))
	if err != nil {
		return "", err
	}
	return there.FindCurrentUserPrincipal(ctx)
}

// at is the URL of a path of the server, or the one that was given for none.
func (s *Server) at(path string) string {
	if path == "" {
		return s.url.String()
	}
	return (&url.URL{Scheme: s.url.Scheme, Host: s.url.Host, Path: path}).String()
}

// below lists the calendars of a collection, or the one that it is; none for what
// is neither.
func (s *Server) below(ctx context.Context, at string) ([]Calendar, error) {
	found, err := s.dav.FindCalendars(ctx, at)
	if isAnswer(err) {
		return nil, err
	}
	if err != nil && len(found) == 0 {
		return nil, nil // no home: what leads there is looked for
	}
	if len(found) > calendarsMax {
		return nil, fmt.Errorf("%d calendars: %w", len(found), ErrTooLarge)
	}
	colors := s.colors(ctx, at)
	calendars := make([]Calendar, len(found))
	for i, c := range found {
		calendars[i] = Calendar{c.Path, c.Name, colors[c.Path], c.SupportedComponentSet}
	}
	return calendars, nil
}

// isAnswer: what no other URL of the server would mend.
func isAnswer(err error) bool {
	return errors.Is(err, ErrLogin) || errors.Is(err, errRedirects) || errors.Is(err, ErrElsewhere) || errors.Is(err, ErrTooLarge) || errors.Is(err, context.Canceled)
}

const colorQuery = `<?xml version="1.0"?><propfind xmlns="DAV:"><prop><calendar-color xmlns="http://apple.com/ns/ical/"/></prop></propfind>`

// colors asks for the colours of calendars. They are not worth failing for.
func (s *Server) colors(ctx context.Context, at string) map[string]string {
	req, err := http.NewRequestWithContext(ctx, "PROPFIND", s.at(at), strings.NewReader(colorQuery))
	if err != nil {
		return nil
	}
	req.Header.Set("Depth", "1")
	req.Header.Set("Content-Type", "application/xml")
	resp, err := s.client.Do(req)
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var list struct {
		Responses []struct {
			Href  string `xml:"DAV: href"`
			Color string `xml:"propstat>prop>calendar-color"`
		} `xml:"DAV: response"`
	}
	if resp.StatusCode != http.StatusMultiStatus || xml.NewDecoder(resp.Body).Decode(&list) != nil {
		return nil
	}
	colors := map[string]string{}
	for _, r := range list.Responses {
		if u, err := url.Parse(strings.TrimSpace(r.Href)); err == nil {
			colors[u.Path] = strings.TrimSpace(r.Color)
		}
	}
	return colors
}

// Objects lists the files of a calendar, and how many the server cannot tell of.
func (s *Server) Objects(ctx context.Context, calendar string) (objects []Object, untold int, err error) {
	list, err := s.dav.ReadDir(ctx, calendar, false)
	if err != nil && len(list) == 0 {
		return nil, 0, err
	}
	if joined, is := err.(interface{ Unwrap() []error }); is {
		untold = len(joined.Unwrap())
	}
	for _, f := range list {
		if f.IsDir || path.Dir(f.Path) != strings.TrimSuffix(calendar, "/") {
			continue // such as the calendar itself, or something that nobody asked for
		}
		objects = append(objects, Object{f.Path, f.ETag})
	}
	if len(objects) > objectsMax {
		return nil, 0, fmt.Errorf("%d objects: %w", len(objects), ErrTooLarge)
	}
	return objects, untold, nil
}

// Read reads an object as it is kept there.
func (s *Server) Read(ctx context.Context, o Object) ([]byte, error) {
	body, err := s.dav.Open(ctx, o.Path)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	content, err := io.ReadAll(io.LimitReader(body, objectMax+1))
	if err == nil && len(content) > objectMax {
		err = ErrTooLarge
	}
	return content, err
}
