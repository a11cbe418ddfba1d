package source

import (
	"bytes"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// client sends requests to one host, as one account.
type client struct {
	http         *http.Client
	host         string
	user, secret string
	most         int64 // bytes of an answer
}

// Do sends a request. Redirects are followed with the method and the body as they
// are, within the host.
func (c *client) Do(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body.Close()
	}
	for range redirectsMax + 1 {
		if req.URL.Host != c.host {
			return nil, ErrElsewhere
		}
		sent := req.Clone(req.Context())
		sent.Body, sent.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		if body == nil {
			sent.Body = nil
		}
		sent.SetBasicAuth(c.user, c.secret)
		resp, err := c.http.Do(sent)
		if err != nil {
			return nil, err
		}
		next, err := redirected(req.URL, resp)
		switch {
		case err != nil:
			resp.Body.Close()
			return nil, err
		case resp.StatusCode == http.StatusUnauthorized:
			resp.Body.Close()
			return nil, ErrLogin
		case next == nil:
			resp.Body = &limited{ReadCloser: resp.Body, left: c.most}
			return resp, flat(resp)
		}
		resp.Body.Close()
		req = req.Clone(req.Context())
		req.URL = next
	}
	return nil, errRedirects
}

// depthMax is how deep the XML of an answer may nest: the library that reads it
// goes down step by step, and its fall would be ours.
const depthMax = 64

// flat reads an answer of XML, and refuses one that nests too deep.
func flat(resp *http.Response) error {
	if resp.StatusCode != http.StatusMultiStatus && !strings.Contains(resp.Header.Get("Content-Type"), "xml") {
		return nil
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	d := xml.NewDecoder(bytes.NewReader(body))
	for depth := 0; err == nil; {
		var token xml.Token
		if token, err = d.RawToken(); err != nil {
			return nil // its end, or what the library complains of
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
		if depth > depthMax {
			err = ErrTooLarge
		}
	}
	return err
}

// redirected is where an answer sends to, nil for one that does not. What was asked
// for in private is not asked for in the clear.
func redirected(from *url.URL, resp *http.Response) (*url.URL, error) {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	to, err := from.Parse(resp.Header.Get("Location"))
	if err != nil {
		return nil, err
	}
	if to.Scheme != "https" && (to.Scheme != "http" || from.Scheme != "http") {
		return nil, ErrElsewhere
	}
	return to, nil
}

// limited is a body that fails beyond its limit: what is cut off must not look
// whole.
type limited struct {
	io.ReadCloser
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, ErrTooLarge
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.ReadCloser.Read(p)
	l.left -= int64(n)
	return n, err
}
