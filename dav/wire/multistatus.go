package wire

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// ContentType is that of every XML body this package writes.
const ContentType = "application/xml; charset=utf-8"

const (
	chunkSize     = 32 << 10 // bytes that are gathered before they are sent
	bufferSize    = chunkSize + 16<<10
	bufferKeepMax = 256 << 10 // a buffer that grew larger is not kept
)

var buffers = sync.Pool{New: func() any {
	b := make([]byte, 0, bufferSize)
	return &b
}}

// Multistatus writes the body of a 207 answer (RFC 4918, section 13) as it goes,
// in constant memory. Call Response for each resource, then either the methods
// that write properties, or Status; at the end End, or Abort.
//
// Properties belong to a group of one status; it is 200 until Group says
// otherwise. A group that gets no property is not written. Methods do not return
// errors: the first one is kept, stops all output, and comes back from Err and
// End.
type Multistatus struct {
	w      io.Writer
	buf    []byte
	pooled *[]byte
	err    error
	sent   bool   // something left the buffer
	root   string // local name of the document's element
	status int
	response
}

// response is what was begun of a DAV:response.
type response struct {
	responding bool // it is open
	answered   bool // it has a propstat or status
	grouping   bool // a propstat is open
	code       int
	conditions []Precondition
}

// NewMultistatus begins an answer to w. If w is an http.ResponseWriter, its
// headers and the status 207 are sent with the first bytes, not before: an
// answer that fails early can still become another one.
func NewMultistatus(w io.Writer) *Multistatus {
	return newMultistatus(w, "multistatus", http.StatusMultiStatus)
}

// NewMkcolResponse begins the answer to an extended MKCOL, which has that status
// and names properties of the one resource without a Response: RFC 5689, section
// 5.2.
func NewMkcolResponse(w io.Writer, status int) *Multistatus {
	m := newMultistatus(w, "mkcol-response", status)
	m.code = http.StatusOK
	return m
}

func newMultistatus(w io.Writer, root string, status int) *Multistatus {
	m := &Multistatus{w: w, pooled: buffers.Get().(*[]byte), root: root, status: status}
	m.buf = append((*m.pooled)[:0], prolog+"<D:"+root+` xmlns:D="DAV:">`+"\n"...)
	return m
}

var errUsedUp = errors.New("write to a multistatus that has ended")

const prolog = `<?xml version="1.0" encoding="utf-8"?>` + "\n"

// Response begins the answer for one resource, named as by AppendHref.
func (m *Multistatus) Response(prefix string, p Path, collection bool) {
	m.endResponse()
	m.buf = append(m.buf, "<D:response><D:href>"...)
	m.buf = AppendHref(m.buf, prefix, p, collection)
	m.buf = append(m.buf, "</D:href>"...)
	m.responding = true
}

// ResponseHref is Response for a URL as it was sent, such as one in a multiget
// report.
func (m *Multistatus) ResponseHref(href string) {
	m.endResponse()
	m.buf = appendHrefElement(append(m.buf, "<D:response>"...), href)
	m.responding = true
}

// Status answers for the resource as a whole, without properties, and may say
// why.
func (m *Multistatus) Status(code int, why ...Precondition) {
	m.endGroup()
	m.buf = appendStatus(m.buf, code)
	m.buf = appendErrorElement(m.buf, why)
	m.answered = true
}

// Group puts the properties that follow under another status, and may say why.
func (m *Multistatus) Group(code int, why ...Precondition) {
	m.endGroup()
	m.code, m.conditions = code, why
}

// Text writes a property that is text.
func (m *Multistatus) Text(e Element, value string) {
	m.openGroup()
	m.buf = append(m.buf, e.start...)
	m.buf = AppendText(m.buf, value)
	m.endProp(e.end)
}

// Int writes a property that is a number.
func (m *Multistatus) Int(e Element, n int64) {
	m.openGroup()
	m.buf = append(m.buf, e.start...)
	m.buf = strconv.AppendInt(m.buf, n, 10)
	m.endProp(e.end)
}

// HTTPTime writes a property that is a date like getlastmodified.
func (m *Multistatus) HTTPTime(e Element, t time.Time) {
	m.openGroup()
	m.buf = append(m.buf, e.start...)
	m.buf = AppendHTTPTime(m.buf, t)
	m.endProp(e.end)
}

// RFC3339 writes a property that is a date like creationdate.
func (m *Multistatus) RFC3339(e Element, t time.Time) {
	m.openGroup()
	m.buf = append(m.buf, e.start...)
	m.buf = AppendRFC3339(m.buf, t)
	m.endProp(e.end)
}

// Href writes a property that holds one DAV:href, named as by AppendHref.
func (m *Multistatus) Href(e Element, prefix string, p Path, collection bool) {
	m.openGroup()
	m.buf = append(m.buf, e.start...)
	m.buf = append(m.buf, "<D:href>"...)
	m.buf = AppendHref(m.buf, prefix, p, collection)
	m.buf = append(m.buf, "</D:href>"...)
	m.endProp(e.end)
}

// Raw writes a property whose content is XML already. The prefix D stands for
// DAV: in it.
func (m *Multistatus) Raw(e Element, inner string) {
	m.openGroup()
	m.buf = append(m.buf, e.start...)
	m.buf = append(m.buf, inner...)
	m.endProp(e.end)
}

// Append is Raw for content that is made on the spot: write appends it to dst.
func (m *Multistatus) Append(e Element, write func(dst []byte) []byte) {
	m.openGroup()
	m.buf = append(m.buf, e.start...)
	m.buf = write(m.buf)
	m.endProp(e.end)
}

// Nested writes a property that holds responses, which write makes by further
// calls: RFC 3253, section 3.8.
func (m *Multistatus) Nested(e Element, write func()) {
	m.openGroup()
	m.buf = append(m.buf, e.start...)
	outer := m.response
	m.response = response{}
	write()
	m.endResponse()
	m.response = outer
	m.endProp(e.end)
}

// Empty writes a property without content.
func (m *Multistatus) Empty(e Element) {
	m.openGroup()
	m.endProp(e.empty)
}

// Prop writes a property as ParsePropertyUpdate read it.
func (m *Multistatus) Prop(name xml.Name, lang string, inner []byte) {
	m.openGroup()
	m.buf = appendStartTag(m.buf, name, lang)
	m.buf = append(m.buf, inner...)
	m.buf = appendEndTag(m.buf, name)
	m.endProp("")
}

// Name writes the name of a property alone: for propname, for what is not
// found, and for the answer to a PROPPATCH. The name is one that a parser of
// this package let pass.
func (m *Multistatus) Name(name xml.Name) {
	m.openGroup()
	m.buf = appendEmptyTag(m.buf, name)
	m.endProp("")
}

// SyncToken ends a sync-collection report with its token: RFC 6578, section
// 6.2. Only End may follow.
func (m *Multistatus) SyncToken(token string) {
	m.endResponse()
	m.buf = append(m.buf, "<D:sync-token>"...)
	m.buf = AppendText(m.buf, token)
	m.buf = append(m.buf, "</D:sync-token>\n"...)
}

// Err returns the first error of writing, so that a long listing can stop early.
func (m *Multistatus) Err() error { return m.err }

// End completes the answer and sends what is left of it. The Multistatus is then
// used up.
func (m *Multistatus) End() error {
	if m.pooled == nil {
		return m.err
	}
	m.endGroup()
	m.endResponse()
	m.buf = append(m.buf, "</D:"+m.root+">\n"...)
	if w, ok := m.w.(http.ResponseWriter); ok && !m.sent {
		w.Header().Set("Content-Length", strconv.Itoa(len(m.buf)))
	}
	m.flush()
	err := m.err
	m.release()
	return err
}

// Abort drops what was not sent yet, and the Multistatus is used up. It reports
// whether something was sent: then no other answer is possible, and the caller
// has to break the connection (http.ErrAbortHandler), lest the client take half
// a listing for a whole one.
func (m *Multistatus) Abort() (sent bool) {
	m.release()
	return m.sent
}

func (m *Multistatus) openGroup() {
	if !m.grouping {
		m.buf = append(m.buf, "<D:propstat><D:prop>"...)
		m.grouping = true
	}
}

// endProp writes the end of a property, and sends a chunk when one is full.
func (m *Multistatus) endProp(end string) {
	m.buf = append(m.buf, end...)
	if len(m.buf) >= chunkSize {
		m.flush()
	}
}

func (m *Multistatus) endGroup() {
	if m.grouping {
		m.buf = append(m.buf, "</D:prop>"...)
		m.buf = appendStatus(m.buf, m.code)
		m.buf = appendErrorElement(m.buf, m.conditions)
		m.buf = append(m.buf, "</D:propstat>"...)
		m.grouping, m.answered = false, true
	}
}

// endResponse closes the open response, if any, and readies the next one.
func (m *Multistatus) endResponse() {
	if m.responding {
		m.endGroup()
		if !m.answered { // RFC 4918, section 14.24: a status or a propstat is a must
			m.buf = append(m.buf, "<D:propstat><D:prop/>"...)
			m.buf = appendStatus(m.buf, http.StatusOK)
			m.buf = append(m.buf, "</D:propstat>"...)
		}
		m.buf = append(m.buf, "</D:response>\n"...)
	}
	m.responding, m.answered = false, false
	m.code, m.conditions = http.StatusOK, nil
	if len(m.buf) >= chunkSize {
		m.flush()
	}
}

func (m *Multistatus) flush() {
	if m.err == nil {
		if w, ok := m.w.(http.ResponseWriter); ok && !m.sent {
			w.Header().Set("Content-Type", ContentType)
			w.WriteHeader(m.status)
		}
		m.sent = true
		_, m.err = m.w.Write(m.buf)
	}
	m.buf = m.buf[:0]
}

// release gives the buffer back. What is still called afterwards writes nowhere.
func (m *Multistatus) release() {
	if m.pooled == nil {
		return
	}
	if cap(m.buf) <= bufferKeepMax {
		*m.pooled = m.buf[:0]
		buffers.Put(m.pooled)
	}
	m.buf, m.pooled = nil, nil
	if m.err == nil {
		m.err = errUsedUp
	}
}

// appendStatus appends a DAV:status: RFC 4918, section 14.28.
func appendStatus(dst []byte, code int) []byte {
	dst = append(dst, "<D:status>HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(code), 10)
	dst = append(dst, ' ')
	dst = append(dst, http.StatusText(code)...)
	return append(dst, "</D:status>"...)
}
