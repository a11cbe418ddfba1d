package wire

import (
	"encoding/xml"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParseReports(t *testing.T) {
	names := func(list ...xml.Name) []xml.Name { return list }
	display, mail := davName("displayname"), xml.Name{Space: "urn:m", Local: "mail"}
	for _, row := range []struct {
		body string
		want any
	}{
		{`<principal-property-search xmlns="DAV:"><property-search><prop><displayname/><m:mail xmlns:m="urn:m"/></prop><match>d&amp;E</match></property-search>
			<prop><displayname/></prop><apply-to-principal-collection-set/></principal-property-search>`,
			PrincipalSearch{Searches: []PropertySearch{{names(display, mail), "d&E"}}, Props: names(display), Asked: true, Everywhere: true}},
		{`<D:principal-property-search xmlns:D="DAV:" test="AnyOf"><D:property-search><D:match/><D:prop><D:displayname/></D:prop></D:property-search>
			<D:property-search><D:prop><D:displayname/></D:prop><D:match caseless="yes">x</D:match></D:property-search></D:principal-property-search>`,
			PrincipalSearch{Any: true, Searches: []PropertySearch{{names(display), ""}, {names(display), "x"}}}},
		{`<principal-match xmlns="DAV:"><self/><prop><displayname/></prop></principal-match>`, PrincipalMatch{Props: names(display), Asked: true}},
		{`<principal-match xmlns="DAV:"><principal-property><owner/></principal-property></principal-match>`, PrincipalMatch{Property: davName("owner")}},
		{`<expand-property xmlns="DAV:"><property name="owner"><property name="mail" namespace="urn:m"/></property><other/><property name="acl"/></expand-property>`,
			[]Expansion{{Name: davName("owner"), Props: []Expansion{{Name: mail}}}, {Name: davName("acl")}}},
		{`<acl-principal-prop-set xmlns="DAV:"><prop><displayname/></prop></acl-principal-prop-set>`, names(display)},
	} {
		got, err := parseReport(t, row.body)
		if err != nil || !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v", row.body, got, err, row.want)
		}
	}
}

// parseReport reads a report by the name of its document.
func parseReport(t *testing.T, body string) (any, error) {
	t.Helper()
	root, err := RootName([]byte(body))
	if err != nil {
		return nil, err
	}
	switch root {
	case davName("principal-property-search"):
		return ParsePrincipalSearch([]byte(body))
	case davName("principal-match"):
		return ParsePrincipalMatch([]byte(body))
	case davName("expand-property"):
		return ParseExpandProperty([]byte(body))
	}
	props, _, err := ParseReportProps([]byte(body), root)
	return props, err
}

func TestParseReportsRefuses(t *testing.T) {
	const search = `<property-search><prop><displayname/></prop><match>x</match></property-search>`
	deep := strings.Repeat(`<property name="owner">`, ExpandDepthMax+1) + strings.Repeat(`</property>`, ExpandDepthMax+1)
	for _, body := range []string{
		``, `<`,
		`<principal-property-search xmlns="DAV:"/>`,
		`<principal-property-search xmlns="DAV:"><property-search><prop><displayname/></prop></property-search></principal-property-search>`,
		`<principal-property-search xmlns="DAV:"><property-search><prop/><match>x</match></property-search></principal-property-search>`,
		`<principal-property-search xmlns="DAV:"><property-search><prop><a/></prop><match/><match/></property-search></principal-property-search>`,
		`<principal-property-search xmlns="DAV:">` + search + `</principal-property-search><more/>`,
		`<principal-property-search xmlns="DAV:">` + strings.Repeat(search, SearchesMax+1) + `</principal-property-search>`,
		`<principal-match xmlns="DAV:"/>`,
		`<principal-match xmlns="DAV:"><self/><principal-property><owner/></principal-property></principal-match>`,
		`<principal-match xmlns="DAV:"><principal-property><owner/><group/></principal-property></principal-match>`,
		`<expand-property xmlns="DAV:">` + deep + `</expand-property>`,
		`<expand-property xmlns="DAV:">` + strings.Repeat(`<property name="a"/>`, PropsMax+1) + `</expand-property>`,
		`<expand-property xmlns="DAV:"><property/></expand-property>`,
		`<expand-property xmlns="DAV:"><property name="a b"/></expand-property>`,
		`<expand-property xmlns="DAV:"><property name="a/&gt;&lt;b"/></expand-property>`,
		`<expand-property xmlns="DAV:"><property name="a:b"/></expand-property>`,
		`<expand-property xmlns="DAV:"><property name="a" namespace="` + xmlnsNS + `"/></expand-property>`,
		`<expand-property xmlns="DAV:"><property name="a"/></expand-property><more/>`,
	} {
		if got, err := parseReport(t, body); !errors.Is(err, ErrXML) {
			t.Errorf("%.200s: %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{`<principal-match xmlns="DAV:"/>`, `<a/>`} {
		_, err1 := ParsePrincipalSearch([]byte(body))
		_, err2 := ParseExpandProperty([]byte(body))
		if !errors.Is(err1, ErrRoot) || !errors.Is(err2, ErrRoot) {
			t.Errorf("%s: %v, %v", body, err1, err2)
		}
	}
}

func TestAppendSearchProperties(t *testing.T) {
	got := string(AppendSearchProperties(nil, []SearchProperty{{davName("displayname"), "a <name>"}}))
	const want = `<D:principal-search-property><D:prop><D:displayname/></D:prop><D:description xml:lang="en">a &lt;name&gt;</D:description></D:principal-search-property>`
	if err := Guard([]byte(got)); err != nil || !strings.Contains(got, want) {
		t.Errorf("%s: %v", got, err)
	}
}

// A property may hold responses, and what stands around it goes on as it was.
func TestNestedResponses(t *testing.T) {
	var out strings.Builder
	m := NewMultistatus(&out)
	m.Response("/dav", Path{"a"}, false)
	m.Nested(Owner, func() {
		m.Response("/principals", Path{"users", "mia"}, true)
		m.Text(DisplayName, "mia")
		m.Group(404)
		m.Name(davName("x"))
		m.Response("/principals", Path{"users", "max"}, true)
		m.Status(507)
	})
	m.Text(DisplayName, "a")
	m.Nested(GroupMembers, func() {})
	m.Group(404)
	m.Name(davName("y"))
	if err := m.End(); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(out.String(), "\n", "")
	const want = `<D:multistatus xmlns:D="DAV:"><D:response><D:href>/dav/a</D:href><D:propstat><D:prop><D:owner>` +
		`<D:response><D:href>/principals/users/mia/</D:href><D:propstat><D:prop><D:displayname>mia</D:displayname></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>` +
		`<D:propstat><D:prop><D:x/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response>` +
		`<D:response><D:href>/principals/users/max/</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status></D:response>` +
		`</D:owner><D:displayname>a</D:displayname><D:group-member-set></D:group-member-set></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>` +
		`<D:propstat><D:prop><D:y/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat></D:response></D:multistatus>`
	if !strings.HasSuffix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// One of several tags is enough for If-Match, and too much for If-None-Match.
func TestConditionsOfSeveralTags(t *testing.T) {
	for _, row := range []struct {
		name, value string
		want        Verdict
	}{
		{"If-Match", `"a"`, Proceed}, {"If-Match", `"b"`, Proceed}, {"If-Match", `"c"`, Failed}, {"If-Match", "*", Proceed},
		{"If-None-Match", `"b"`, Failed}, {"If-None-Match", `"c"`, Proceed},
	} {
		c, err := ParseConditions(map[string][]string{row.name: {row.value}})
		if got := c.CheckTags(false, true, c.modifiedSince, `"a"`, `"b"`); got != row.want || err != nil {
			t.Errorf("%s: %s is %d instead of %d, %v", row.name, row.value, got, row.want, err)
		}
	}
}
