package wire

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestGuardAccepts(t *testing.T) {
	for _, body := range []string{
		`<a/>`,
		"\uFEFF" + `<?xml version="1.0" encoding="UTF-8"?>` + "\n<a/>\n<!-- end --><?pi?>\n",
		`<a xmlns="urn:a" xmlns:b="urn:b" b:c="1" c="2"><b:d xmlns=""/></a>`,
		`<a xml:lang="en" xmlns:xml="http://www.w3.org/XML/1998/namespace"/>`,
		`<a>&lt;&#65;<![CDATA[<&]]></a>`,
		`<Été/>`,
		strings.Repeat("<a>", xmlDepthMax) + strings.Repeat("</a>", xmlDepthMax),
	} {
		if err := Guard([]byte(body)); err != nil {
			t.Errorf("%.60q: %v", body, err)
		}
	}
}

func TestGuardRefuses(t *testing.T) {
	for body, reason := range map[string]string{
		"":               "no document",
		" \n":            "no document",
		"<!-- -->":       "no document",
		"plain":          "outside",
		"<a>":            "too early",
		"<a><b></a></b>": "does not match",
		"<a></A>":        "does not match",
		"</a>":           "does not match",
		"<a":             "EOF",
		"<a/><b/>":       "more than one root",
		"<a/>junk":       "outside",
		"<a/>&#32;":      "outside", "<a/><![CDATA[ ]]>": "outside",
		"<p:a/>":                        "not declared",
		"<a p:b='1'/>":                  "not declared",
		"<a><b xmlns:p='u'/><p:c/></a>": "not declared",
		`<D:propfind xmlns:D="DAV:"><D:prop><bar:foo xmlns:bar=""/></D:prop></D:propfind>`: "bound to no namespace", // litmus propfind_invalid2
		"<xmlns:a/>":                                  "not declared",
		"<a xmlns:xmlns='u'/>":                        "reserved",
		"<a xmlns:xml='u'/>":                          "reserved",
		"<a xmlns:p='" + xmlNS + "'/>":                "reserved",
		"<a xmlns='" + xmlnsNS + "'/>":                "reserved",
		"<a b='1' b='2'/>":                            "twice",
		"<a xmlns='u' xmlns='v'/>":                    "twice",
		"<a xmlns:p='u' xmlns:p='v'/>":                "twice",
		"<a xmlns:p='u' xmlns:q='u' p:b='' q:b=''/>":  "twice",
		"<a:b:c xmlns:a='u'/>":                        "",
		"<:a/>":                                       "name",
		"<a:/>":                                       "name",
		"<a:1 xmlns:a='u'/>":                          "name",
		"<a:\u0301 xmlns:a='u'/>":                     "name",
		"<a xmlns:='u'/>":                             "name",
		"<a xmlns:p='u' xmlns:1='v'/>":                "name",
		"<a b=1/>":                                    "",
		"<a b/>":                                      "",
		"<a b='<'/>":                                  "",
		"<a>&nbsp;</a>":                               "entity",
		"<a>&#0;</a>":                                 "",
		"<a>]]></a>":                                  "]]>",
		"<a>\x01</a>":                                 "control",
		"<a><!-- \xff --></a>":                        "UTF-8",
		"<a><!-- \x01 --></a>":                        "control",
		"<a>\xff</a>":                                 "UTF-8",
		"<a>\uFFFF</a>":                               "control",
		"\xff\xfe<\x00a\x00":                          "UTF-8",
		"<!DOCTYPE a><a/>":                            "document type",
		"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>":    "document type",
		"<a/><!ENTITY b 'c'>":                         "document type",
		" <?xml version='1.0'?><a/>":                  "come first",
		"<a><?xml version='1.0'?></a>":                "come first",
		"<?xml version='1.1'?><a/>":                   "XML 1.0",
		"<?xml version='1.0' encoding='latin1'?><a/>": "UTF-8",
		strings.Repeat("<a>", xmlDepthMax+1) + strings.Repeat("</a>", xmlDepthMax+1):                             "deeper",
		"<a" + attrs("b", xmlAttrsMax+1) + "/>":                                                                  "attributes",
		"<a" + attrs("xmlns:b", 60) + "><a" + attrs("xmlns:c", 60) + "><a" + attrs("xmlns:d", 60) + "/></a></a>": "namespaces",
		"<a>" + strings.Repeat("<a/>", xmlTokensMax/2) + "</a>":                                                  "too many parts",
	} {
		err := Guard([]byte(body))
		if !errors.Is(err, ErrXML) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.60q: error %v, want one about %q", body, err, reason)
		}
	}
}

// attrs makes n attributes.
func attrs(name string, n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(" " + name + strings.Repeat("x", i) + "='u'")
	}
	return b.String()
}

func TestGuardNamesTheLine(t *testing.T) {
	for _, body := range []string{"<a>\n\n<p:b/></a>", "<a>\n\n\x01</a>", "<a>\n\n</b></a>"} {
		if err := Guard([]byte(body)); err == nil || !strings.Contains(err.Error(), "line 3") {
			t.Errorf("%q: error %v, want line 3", body, err)
		}
	}
}

func TestReadBody(t *testing.T) {
	if body, err := ReadBody(strings.NewReader("12345"), 5); err != nil || string(body) != "12345" {
		t.Errorf("at the limit: %q, %v", body, err)
	}
	if _, err := ReadBody(strings.NewReader("123456"), 5); !errors.Is(err, ErrTooLarge) {
		t.Errorf("over the limit: %v", err)
	}
	capped := http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader("123456")), 3)
	if _, err := ReadBody(capped, 5); !errors.Is(err, ErrTooLarge) {
		t.Errorf("over the limit of net/http: %v", err)
	}
	broken := io.MultiReader(strings.NewReader("12"), errReader{})
	if _, err := ReadBody(broken, 5); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("broken off: %v", err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// 100 MB of XML are cut at the limit, not read.
func TestReadBodyStopsEarly(t *testing.T) {
	huge := &endless{left: 100 << 20}
	if _, err := ReadBody(huge, BodySizeMax); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if read := 100<<20 - huge.left; read > BodySizeMax+1 {
		t.Errorf("read %d bytes", read)
	}
}

// endless is a reader of nested tags.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	n := min(len(p), e.left)
	copy(p, bytes.Repeat([]byte("<a>"), n/3+1))
	e.left -= n
	return n, nil
}

// What is made to be slow or large takes a bounded amount of both. The bound is
// far above what is needed, and far below what quadratic work would take.
func TestHostileBodies(t *testing.T) {
	const size = BodySizeMax / 4
	fill := func(head, part, tail string) string {
		head, tail = `<propertyupdate xmlns="DAV:"`+head, tail+`</propertyupdate>`
		return head + strings.Repeat(part, (size-len(head)-len(tail))/len(part)) + tail
	}
	long := " xmlns:p='" + strings.Repeat("u", size/8) + "'"
	for name, test := range map[string]struct{ body, reason string }{
		"nested":                              {`<propertyupdate xmlns="DAV:">` + strings.Repeat("<a>", 100_000), "deeper"},
		"many siblings":                       {fill("><set><prop><b>", "<c/>", "</b></prop></set>"), ""},
		"many attributes":                     {fill("><set><prop><b/></prop></set>", "<a b='' c='' d='' e='' f='' g='' h=''/>", ""), ""},
		"many names":                          {fill("><set><prop>", "<b/>", "</prop></set>"), "more than 1000"},
		"one long name":                       {fill("><", "a", "/>"), "names no property"},
		"one long text":                       {fill("><set><prop><b>", ">", "</b></prop></set>"), ""},
		"comments":                            {fill("><set><prop><b/></prop></set>", "<!---->", ""), ""},
		"many namespaces":                     {fill(attrs("xmlns:p", 60)+"><set"+attrs("xmlns:q", 60)+"><prop><b>", "<pxxx:c/>", "</b></prop></set>"), ""},
		"a long namespace used by siblings":   {fill(long+"><set><prop><b>", "<p:c/>", "</b></prop></set>"), "too large"},
		"a long namespace used by properties": {fill(long+"><set><prop>", "<b><p:c/></b>", "</prop></set>"), "too large"},
	} {
		began := time.Now()
		_, err := ParsePropertyUpdate([]byte(test.body))
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if test.reason == "" && err != nil || test.reason != "" && (err == nil || !strings.Contains(err.Error(), test.reason)) {
			t.Errorf("%s: error %v, want one about %q", name, err, test.reason)
		}
	}
}
