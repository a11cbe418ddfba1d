// Package fetch gets calendars that are published elsewhere, over HTTP. Its caller says
// which hosts and which addresses may be asked; it asks no other, whatever a redirect or
// a name server says, reads no more than a limit, and takes no longer than one. It keeps
// nothing and understands no calendar.
//
//	got, err := fetch.Fetcher{Door: outward.Door{Host: allowed, Address: public}}.Get(ctx, "webcal://cal.example.org/a.ics", fetch.Tags{})
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"davit/dav/outward"
)

// Limits of one answer.
const (
	BytesMax     = 10 << 20         // of the content, unpacked
	TimeoutUsual = 30 * time.Second // of the whole
	tagMax       = 1024             // bytes of a validator
)

// A Fetcher gets calendars. Nothing may be asked by the zero value.
type Fetcher struct {
	outward.Door
	Timeout time.Duration // TimeoutUsual if 0
}

// Tags are the validators of an answer.
type Tags struct {
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"` // Last-Modified
}

// Got is an answer.
type Got struct {
	Unchanged bool // since the tags; nothing else is told then
	Content   []byte
	Tags
}

// Errors of what may not be asked, and of what is too much.
var (
	ErrHost    = errors.New("the server fetches nothing from there: an admin allows it with fetch-hosts")
	ErrAddress = outward.ErrAddress
	ErrTooMuch = fmt.Errorf("the calendar has more than %d bytes", BytesMax)
)

// schemes are those that stand for others.
var schemes = map[string]string{"webcal": "https", "webcals": "https", "http": "http", "https": "https"}

// Get gets what is published at a URL, if it has changed since the tags.
func (f Fetcher) Get(ctx context.Context, source string, since Tags) (Got, error) {
	u, err := url.Parse(source)
	if err != nil {
		return Got{}, errors.New("the source is no URL")
	}
	if u.Scheme = schemes[u.Scheme]; !f.Opens(u) {
		return Got{}, ErrHost
	}
	timeout := f.Timeout
	if timeout == 0 {
		timeout = TimeoutUsual
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return Got{}, errors.New("the source is no URL")
	}
	r.Header.Set("User-Agent", "davit")
	r.Header.Set("Accept", "text/calendar, */*;q=0.1")
	if since.ETag != "" {
		r.Header.Set("If-None-Match", since.ETag) // RFC 9110, section 13.1.2
	}
	if since.Modified != "" {
		r.Header.Set("If-Modified-Since", since.Modified)
	}
	client := f.Client()
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		return Got{}, plainly(err)
	}
	defer resp.Body.Close()
	return read(resp)
}

// read takes an answer in.
func read(resp *http.Response) (got Got, err error) {
	switch resp.StatusCode {
	case http.StatusNotModified:
		return Got{Unchanged: true}, nil
	case http.StatusOK:
	default:
		return got, fmt.Errorf("the server there answers %d", resp.StatusCode)
	}
	if got.Content, err = io.ReadAll(io.LimitReader(resp.Body, BytesMax+1)); err != nil {
		return got, plainly(err)
	}
	if len(got.Content) > BytesMax {
		return got, ErrTooMuch
	}
	got.Tags = Tags{tag(resp.Header.Get("ETag")), tag(resp.Header.Get("Last-Modified"))}
	return got, nil
}

// tag is a validator, nothing for one that is too long to keep.
func tag(text string) string {
	if len(text) > tagMax {
		return ""
	}
	return text
}

// plainly is an error without the URL, which may hold a secret.
func plainly(err error) error {
	if err = outward.Plainly(err); err == outward.ErrHost {
		return ErrHost
	}
	return err
}
