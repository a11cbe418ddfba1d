package wire

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
)

func TestParsePropfind(t *testing.T) {
	x := func(local string) xml.Name { return xml.Name{Space: "urn:x", Local: local} }
	for body, want := range map[string]Propfind{
		"":     {},
		" \n ": {},
		`<propfind xmlns="DAV:"><allprop/></propfind>`:                                                         {},
		`<D:propfind xmlns:D="DAV:"><D:propname/></D:propfind>`:                                                {Kind: PropName},
		`<propfind xmlns="DAV:"><prop/></propfind>`:                                                            {Kind: Props},
		`<a:propfind xmlns:a="DAV:"><a:prop><a:getetag/><b xmlns="urn:x"/><b xmlns=""/></a:prop></a:propfind>`: {Kind: Props, Props: []xml.Name{davName("getetag"), x("b"), {Local: "b"}}},
		`<propfind xmlns="DAV:"><include><acl/></include><allprop/></propfind>`:                                {Props: []xml.Name{davName("acl")}},
		`<propfind xmlns="DAV:"><e:leave-out xmlns:e="urn:x"><prop/></e:leave-out>text<propname/></propfind>`:  {Kind: PropName}, // RFC 4918, section 17
		`<propfind xmlns="DAV:"><prop><a><b/></a><c/></prop></propfind>`:                                       {Kind: Props, Props: []xml.Name{davName("a"), davName("c")}},
	} {
		got, err := ParsePropfind([]byte(body))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %+v, %v\nwant %+v", body, got, err, want)
		}
	}
}

func TestParsePropfindRefuses(t *testing.T) {
	for _, body := range []string{
		`<foo>`, // litmus propfind_invalid
		`<D:propfind xmlns:D="DAV:"><D:prop><bar:foo xmlns:bar=""/></D:prop></D:propfind>`, // litmus propfind_invalid2
		`<propfind xmlns="DAV:"/>`,
		`<propfind><prop/></propfind>`,
		`<propfind xmlns="DAV:"><prop/><allprop/></propfind>`,
		`<propfind xmlns="DAV:"><prop/><prop/></propfind>`,
		`<propfind xmlns="DAV:"><prop/><include/></propfind>`,
		`<propfind xmlns="DAV:"><prop/></propfind><!DOCTYPE a>`,
		`<propfind xmlns="DAV:"><prop/></propfind>junk`,
		`<propfind xmlns="DAV:"><prop/>`,
		`<lockinfo xmlns="DAV:"><prop/></lockinfo>`,
		`<propfind xmlns="DAV:"><prop>` + strings.Repeat("<a/>", PropsMax+1) + `</prop></propfind>`,
	} {
		if got, err := ParsePropfind([]byte(body)); !errors.Is(err, ErrXML) {
			t.Errorf("%.80s: %+v, %v", body, got, err)
		}
	}
}

func TestParseLock(t *testing.T) {
	const scope, kind = `<D:lockscope><D:exclusive/></D:lockscope>`, `<D:locktype><D:write/></D:locktype>`
	const shared = `<D:lockscope><D:shared/></D:lockscope>`
	for inside, want := range map[string]Lock{
		scope + kind:                {},
		kind + shared:               {Shared: true},
		scope + kind + `<D:owner/>`: {Owner: []byte{}},
		scope + kind + `<D:owner>Mia &amp; Ben</D:owner>`:               {Owner: []byte(`Mia &amp; Ben`)},
		scope + kind + `<D:owner><D:href>mailto:m@x</D:href></D:owner>`: {Owner: []byte(`<D:href xmlns:D="DAV:">mailto:m@x</D:href>`)},
		scope + `<future xmlns="urn:x"><D:locktype/></future>` + kind:   {},
	} {
		got, err := ParseLock([]byte(`<D:lockinfo xmlns:D="DAV:">` + inside + `</D:lockinfo>`))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %+v, %v\nwant %+v", inside, got, err, want)
		}
	}
	for _, inside := range []string{
		"", scope, kind, scope + shared + kind, `<D:lockscope/>` + kind, scope + `<D:locktype/>`, scope + `<D:locktype><D:read/></D:locktype>`,
		scope + kind + `<D:owner>` + strings.Repeat("o", OwnerSizeMax+1) + `</D:owner>`,
	} {
		if got, err := ParseLock([]byte(`<D:lockinfo xmlns:D="DAV:">` + inside + `</D:lockinfo>`)); !errors.Is(err, ErrXML) {
			t.Errorf("%.80s: %+v, %v", inside, got, err)
		}
	}
	if _, err := ParseLock(nil); !errors.Is(err, ErrXML) {
		t.Errorf("an empty body is a refresh, not a lock: %v", err)
	}
}

func TestParsePropertyUpdate(t *testing.T) {
	const body = `<?xml version="1.0" encoding="utf-8"?>
<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:z" xml:lang="en">
  <D:set><D:prop>
    <Z:Win32LastModifiedTime>Mon, 01 Jun 2026 12:00:00 GMT</Z:Win32LastModifiedTime>
    <Z:author xml:lang="de">J<!-- gone -->&#252;rgen</Z:author>
  </D:prop></D:set>
  <D:remove><D:prop><Z:old>value</Z:old></D:prop></D:remove>
  <D:unknown><D:prop><Z:no/></D:prop></D:unknown>
  <D:set><D:prop><plain xmlns="">&lt;x/&gt;</plain></D:prop><D:prop><D:displayname/></D:prop></D:set>
</D:propertyupdate>`
	want := []PropPatch{
		{Name: xml.Name{Space: "urn:z", Local: "Win32LastModifiedTime"}, Value: []byte("Mon, 01 Jun 2026 12:00:00 GMT"), Lang: "en"},
		{Name: xml.Name{Space: "urn:z", Local: "author"}, Value: []byte("Jürgen"), Lang: "de"},
		{Name: xml.Name{Space: "urn:z", Local: "old"}, Remove: true},
		{Name: xml.Name{Local: "plain"}, Value: []byte("&lt;x/&gt;"), Lang: "en"},
		{Name: davName("displayname"), Value: []byte{}, Lang: "en"},
	}
	got, err := ParsePropertyUpdate([]byte(body))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v, %v\nwant %+v", got, err, want)
	}
	if text := got[3].Text(); text != "<x/>" {
		t.Errorf("text %q", text)
	}
	for _, body := range []string{
		"", `<propertyupdate xmlns="DAV:"/>`, `<propertyupdate xmlns="DAV:"><set/></propertyupdate>`, `<propertyupdate xmlns="DAV:"><set><a><b/></a></set></propertyupdate>`, `<propfind xmlns="DAV:"/>`,
		`<propertyupdate xmlns="DAV:"><set><prop>` + strings.Repeat("<a/>", PropsMax+1) + `</prop></set></propertyupdate>`,
		`<propertyupdate xmlns="DAV:"><remove><prop>` + strings.Repeat("<a/>", PropsMax+1) + `</prop></remove></propertyupdate>`,
	} {
		if got, err := ParsePropertyUpdate([]byte(body)); !errors.Is(err, ErrXML) {
			t.Errorf("%.80s: %v, %v", body, got, err)
		}
	}
}

func TestParseMkcol(t *testing.T) {
	root := xml.Name{Space: "urn:ietf:params:xml:ns:caldav", Local: "mkcalendar"}
	body := `<C:mkcalendar xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:set><D:prop><D:displayname>Crew</D:displayname></D:prop></D:set></C:mkcalendar>`
	got, err := ParseMkcol([]byte(body), root)
	if err != nil || len(got) != 1 || got[0].Name != davName("displayname") || got[0].Text() != "Crew" {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := ParseMkcol([]byte(body), davName("mkcol")); !errors.Is(err, ErrRoot) || !errors.Is(err, ErrXML) {
		t.Errorf("another root: %v", err)
	}
	if _, err := ParseMkcol([]byte("<mkcol"), davName("mkcol")); errors.Is(err, ErrRoot) || !errors.Is(err, ErrXML) {
		t.Errorf("no XML: %v", err)
	}
}

// TestInnerStandsAlone sends the content of a property through a PROPPATCH and
// out again under other prefixes, and compares what a reader sees.
func TestInnerStandsAlone(t *testing.T) {
	for _, test := range []struct{ scope, value, want string }{
		{``, ``, ``},
		{``, `text`, `text`},
		{``, `a]]&gt;b`, `a]]&gt;b`},
		{``, `<![CDATA[<&>]]>`, `&lt;&amp;&gt;`},
		{``, `a&#13;b`, `a&#xD;b`},
		{``, `<a/>`, `<a></a>`},
		{``, `<a b="1"c='"&#10;'/>`, `<a b="1" c="&quot;&#xA;"></a>`},
		{``, `<?pi?><!-- --><a/>`, `<a></a>`},
		{` xmlns:p="urn:p"`, `<p:a/>`, `<p:a xmlns:p="urn:p"></p:a>`},
		{` xmlns:p="urn:p"`, `<a/><b><c p:d=""/></b>`, `<a></a><b xmlns:p="urn:p"><c p:d=""></c></b>`},
		{` xmlns:p="urn:p"`, `<p:a xmlns:p="urn:q"/>`, `<p:a xmlns:p="urn:q"></p:a>`},
		{` xmlns:p="urn:&quot;&amp;"`, `<p:a/>`, `<p:a xmlns:p="urn:&quot;&amp;"></p:a>`},
		{` xmlns:p="urn:p"`, `<a type="p:string">p</a>`, `<a xmlns:p="urn:p" type="p:string">p</a>`},
		{` xmlns="urn:d"`, `<a/>`, `<a xmlns="urn:d"></a>`},
		{` xmlns=""`, `<a/>`, `<a></a>`},
		{` xmlns="urn:d"`, `<a xmlns=""/>`, `<a xmlns=""></a>`},
		{` xmlns="urn:d" xmlns:p="urn:p"`, `<p:a/><p:a><b/></p:a>`, `<p:a xmlns:p="urn:p"></p:a><p:a xmlns="urn:d" xmlns:p="urn:p"><b></b></p:a>`},
		{``, `<D:href>/x</D:href>`, `<D:href xmlns:D="DAV:">/x</D:href>`},
		{` xmlns:D="urn:notdav"`, `<D:href/>`, `<D:href xmlns:D="urn:notdav"></D:href>`},
		{``, `<a xml:lang="fr"/>`, `<a xml:lang="fr"></a>`},
	} {
		doc := `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><Z:v xmlns:Z="urn:z"` + test.scope + `>` + test.value + `</Z:v></D:prop></D:set></D:propertyupdate>`
		patches, err := ParsePropertyUpdate([]byte(doc))
		if err != nil {
			t.Errorf("%s: %v", doc, err)
			continue
		}
		if got := string(patches[0].Value); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", doc, got, test.want)
		}
		checkReemitted(t, patches)
	}
}

// checkReemitted writes properties into a multistatus, where other prefixes are
// in scope, and compares what a reader sees there with what it sees in them
// alone.
func checkReemitted(t *testing.T, patches []PropPatch) {
	t.Helper()
	for _, p := range patches {
		var out strings.Builder
		m := NewMultistatus(&out)
		m.Response("", nil, true)
		m.Prop(p.Name, "", p.Value)
		if err := m.End(); err != nil {
			t.Fatal(err)
		}
		if err := Guard([]byte(out.String())); err != nil {
			t.Errorf("written: %s\n%v", out.String(), err)
			continue
		}
		alone := meaning(t, fmt.Sprintf("<v>%s</v>", p.Value))
		want := fmt.Sprintf("(%s %s%s", p.Name.Space, p.Name.Local, strings.TrimPrefix(alone, "( v"))
		if got := meaning(t, out.String()); !strings.Contains(got, want) {
			t.Errorf("%s\nmeans %s\nwhich lacks %s", out.String(), got, want)
		}
	}
}

// meaning lists what a namespace-aware reader sees in a document: names without
// prefixes, attributes without declarations, text.
func meaning(t *testing.T, doc string) string {
	t.Helper()
	var b strings.Builder
	for dec := xml.NewDecoder(strings.NewReader(doc)); ; {
		token, err := dec.Token()
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			fmt.Fprintf(&b, "(%s %s", e.Name.Space, e.Name.Local)
			for _, a := range e.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					fmt.Fprintf(&b, " %s %s=%q", a.Name.Space, a.Name.Local, a.Value)
				}
			}
			b.WriteString(")")
		case xml.EndElement:
			b.WriteString("/")
		case xml.CharData:
			b.Write(e)
		}
	}
}

func BenchmarkPropfindParse(b *testing.B) {
	var props strings.Builder
	for _, name := range strings.Fields("creationdate displayname getcontentlength getcontenttype getetag getlastmodified resourcetype lockdiscovery " +
		"supportedlock quota-available-bytes quota-used-bytes owner current-user-principal current-user-privilege-set supported-report-set sync-token") {
		fmt.Fprintf(&props, "<D:%s/>", name)
	}
	body := []byte(`<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop>` + props.String() + `</D:prop></D:propfind>`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if find, err := ParsePropfind(body); err != nil || len(find.Props) != 16 {
			b.Fatal(find, err)
		}
	}
}
