package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a request body.
const (
	BodySizeMax = 1 << 20

	xmlDepthMax    = 64
	xmlTokensMax   = 200_000
	xmlAttrsMax    = 64  // of one element
	xmlBindingsMax = 128 // namespace declarations in scope at one place
)

// What can be wrong with a request body.
var (
	ErrTooLarge = errors.New("the request body is too large")               // 413
	ErrXML      = errors.New("bad XML")                                     // 400
	ErrRoot     = errors.New("the document is of another kind than wanted") // also ErrXML; 415 for MKCOL: RFC 4918, section 9.3
)

// ReadBody reads a body of at most limit bytes, and never many more than that.
// It does not look at them: each parser of this package guards itself, and
// whoever hands the bytes to another decoder calls Guard first.
func ReadBody(r io.Reader, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, limit+1))
	var cut *http.MaxBytesError
	if int64(len(body)) > limit || errors.As(err, &cut) {
		return nil, ErrTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("read the request body: %w", err)
	}
	return body, nil
}

// Guard reports whether body is one well-formed XML document, with its
// namespaces declared, without a document type, and within the limits on depth
// and number. Another decoder may then have it.
func Guard(body []byte) error {
	r, _, err := openDocument(body)
	if err != nil {
		return err
	}
	return r.finish()
}

// reader is a pull parser over encoding/xml's raw tokens. It adds what
// encoding/xml leaves out: strict namespaces, one root, and limits.
type reader struct {
	body   []byte
	dec    *xml.Decoder
	open   []frame
	bound  []binding // innermost last
	attrs  []xml.Name
	tokens int
	rooted bool
	copied int // bytes handed out by inner
}

// frame is an element whose end is still to come.
type frame struct {
	raw   xml.Name // Space is the prefix
	name  xml.Name
	bound int // len(reader.bound) outside
	lang  string
}

type binding struct{ prefix, uri string }

// event is a token with its name resolved. Comments and processing instructions
// are no events.
type event struct {
	kind  eventKind
	name  xml.Name         // of a start or end
	start xml.StartElement // with prefixes in place of namespaces; an end has the name only
	text  []byte           // valid until the next event
}

type eventKind uint8

const (
	startEvent eventKind = iota
	endEvent
	textEvent
)

// openDocument reads up to and including the start of the root.
func openDocument(body []byte) (*reader, event, error) {
	body = bytes.TrimPrefix(body, []byte("\uFEFF"))
	if i := badChar(body); i >= 0 {
		line := 1 + bytes.Count(body[:i], []byte("\n"))
		return nil, event{}, fmt.Errorf("%w: line %d: it must be UTF-8 without control characters", ErrXML, line)
	}
	r := &reader{body: body, dec: xml.NewDecoder(bytes.NewReader(body))}
	root, err := r.next()
	return r, root, err
}

// finish reads what is left, which closes the root and may hold nothing more.
func (r *reader) finish() error {
	for {
		if _, err := r.next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// next returns the next event, and io.EOF after a complete document.
func (r *reader) next() (event, error) {
	for {
		offset := r.dec.InputOffset()
		raw, err := r.dec.RawToken()
		if err == io.EOF && r.rooted && len(r.open) == 0 {
			return event{}, io.EOF
		}
		if err != nil {
			return event{}, r.malformed(err)
		}
		if r.tokens++; r.tokens > xmlTokensMax {
			return event{}, r.fail("the document has too many parts")
		}
		switch t := raw.(type) {
		case xml.StartElement:
			return r.start(t)
		case xml.EndElement:
			return r.end(t)
		case xml.CharData:
			if len(r.open) > 0 {
				return event{kind: textEvent, text: t}, nil
			}
			// The bytes of the body, not t: outside the document a reference or a
			// CDATA section is wrong even if it stands for a space.
			if written := r.body[offset:r.dec.InputOffset()]; len(bytes.Trim(written, " \t\r\n")) > 0 {
				return event{}, r.fail("there is text outside the document")
			}
		case xml.ProcInst:
			if strings.EqualFold(t.Target, "xml") && offset > 0 {
				return event{}, r.fail("an XML declaration must come first")
			}
		case xml.Directive:
			// No client needs one, and entities are how small documents grow large.
			return event{}, r.fail("a document type is not accepted")
		}
	}
}

func (r *reader) start(t xml.StartElement) (event, error) {
	switch {
	case len(r.open) == 0 && r.rooted:
		return event{}, r.fail("there is more than one root element")
	case len(r.open) == xmlDepthMax:
		return event{}, r.fail(fmt.Sprintf("elements are nested deeper than %d", xmlDepthMax))
	case len(t.Attr) > xmlAttrsMax:
		return event{}, r.fail(fmt.Sprintf("an element has more than %d attributes", xmlAttrsMax))
	}
	f := frame{raw: t.Name, bound: len(r.bound), lang: r.lang()}
	for _, a := range t.Attr {
		if err := r.declare(a); err != nil {
			return event{}, err
		}
		if a.Name.Space == "xml" && a.Name.Local == "lang" {
			f.lang = a.Value
		}
	}
	if err := r.checkAttrs(t.Attr); err != nil {
		return event{}, err
	}
	var err error
	if f.name, err = r.resolve(t.Name, r.lookup("")); err != nil {
		return event{}, err
	}
	r.rooted, r.open = true, append(r.open, f)
	return event{kind: startEvent, name: f.name, start: t}, nil
}

func (r *reader) end(t xml.EndElement) (event, error) {
	if len(r.open) == 0 || r.top().raw != t.Name {
		return event{}, r.fail("an end tag does not match its start tag")
	}
	f := r.top()
	r.open, r.bound = r.open[:len(r.open)-1], r.bound[:f.bound]
	return event{kind: endEvent, name: f.name, start: xml.StartElement{Name: f.raw}}, nil
}

func (r *reader) top() frame { return r.open[len(r.open)-1] }

// lang is the xml:lang in scope.
func (r *reader) lang() string {
	if len(r.open) == 0 {
		return ""
	}
	return r.top().lang
}

// declare brings the namespace into scope that an attribute declares, if it is
// such an attribute. The refusals are the constraints of Namespaces in XML 1.0,
// sections 3 and 5.
func (r *reader) declare(a xml.Attr) error {
	prefix := ""
	switch {
	case a.Name.Space == "xmlns":
		prefix = a.Name.Local
	case a.Name.Space != "" || a.Name.Local != "xmlns":
		return nil
	}
	switch {
	case prefix == "xmlns" || a.Value == xmlnsNS || (prefix == "xml") != (a.Value == xmlNS):
		return r.fail("a reserved namespace is declared")
	case prefix != "" && a.Value == "":
		return r.fail("a prefix is bound to no namespace")
	case len(r.bound) == xmlBindingsMax:
		return r.fail(fmt.Sprintf("more than %d namespaces are declared", xmlBindingsMax))
	}
	r.bound = append(r.bound, binding{prefix, a.Value})
	return nil
}

// lookup returns the namespace bound to a prefix, or "".
func (r *reader) lookup(prefix string) string {
	for _, b := range slices.Backward(r.bound) {
		if b.prefix == prefix {
			return b.uri
		}
	}
	switch prefix {
	case "xml":
		return xmlNS
	case "xmlns":
		return xmlnsNS
	}
	return ""
}

// resolve replaces the prefix of a name by its namespace; unprefixed is the
// namespace of a name that has none.
func (r *reader) resolve(raw xml.Name, unprefixed string) (xml.Name, error) {
	if !isNCName(raw.Local) {
		return xml.Name{}, r.fail("a name is malformed")
	}
	space := unprefixed
	if raw.Space != "" {
		if space = r.lookup(raw.Space); space == "" || raw.Space == "xmlns" {
			return xml.Name{}, r.fail("a prefix is not declared")
		}
	}
	return xml.Name{Space: space, Local: raw.Local}, nil
}

// checkAttrs resolves the names of attributes and refuses duplicates.
func (r *reader) checkAttrs(attrs []xml.Attr) error {
	r.attrs = r.attrs[:0]
	for _, a := range attrs {
		name := xml.Name{Space: xmlnsNS, Local: a.Name.Local}
		if a.Name.Space != "xmlns" {
			var err error
			if name, err = r.resolve(a.Name, ""); err != nil {
				return err
			}
		} else if !isNCName(name.Local) {
			return r.fail("a name is malformed")
		}
		if slices.Contains(r.attrs, name) {
			return r.fail("an attribute is given twice")
		}
		r.attrs = append(r.attrs, name)
	}
	return nil
}

// isNCName completes encoding/xml's own check of names, which lets stray colons
// pass and wants a letter in front of a prefix but not behind it.
func isNCName(local string) bool {
	first, _ := utf8.DecodeRuneInString(local)
	return (first == '_' || unicode.IsLetter(first) || unicode.Is(unicode.Nl, first)) && !strings.Contains(local, ":")
}

// badChar returns where body stops being UTF-8 made of XML's characters, or -1.
func badChar(body []byte) int {
	for i := 0; i < len(body); {
		if c := body[i]; c < utf8.RuneSelf {
			if c < 0x20 && c != '\t' && c != '\n' && c != '\r' {
				return i
			}
			i++
			continue
		}
		c, size := utf8.DecodeRune(body[i:])
		if c == utf8.RuneError && size == 1 || c == 0xFFFE || c == 0xFFFF { // XML 1.0, section 2.2
			return i
		}
		i += size
	}
	return -1
}

func (r *reader) fail(reason string) error {
	line, _ := r.dec.InputPos()
	return fmt.Errorf("%w: line %d: %s", ErrXML, line, reason)
}

// malformed explains an error of encoding/xml.
func (r *reader) malformed(err error) error {
	var syntax *xml.SyntaxError
	switch {
	case err == io.EOF && !r.rooted:
		return r.fail("there is no document")
	case err == io.EOF:
		return r.fail("the document ends too early")
	case errors.As(err, &syntax):
		return r.fail(syntax.Msg)
	}
	return r.fail("only UTF-8 and XML 1.0 are accepted")
}
