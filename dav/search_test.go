package dav_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// query is the body of a SEARCH below a scope.
func query(scope, depth, rest string) string {
	return `<searchrequest xmlns="DAV:"><basicsearch><select><prop><getetag/></prop></select>` +
		`<from><scope><href>` + scope + `</href><depth>` + depth + `</depth></scope></from>` + rest + `</basicsearch></searchrequest>`
}

func where(predicate string) string { return `<where>` + predicate + `</where>` }

// test is a comparison of a property in DAV: with a literal.
func test(op, prop, literal string) string {
	return `<` + op + `><prop><` + prop + `/></prop><literal>` + literal + `</literal></` + op + `>`
}

// found are the last names of what a search tells, in the order of the answer.
func found(t *testing.T, r *davtest.Response) (names []string) {
	t.Helper()
	for _, res := range readSync(t, r.Want(t, 207)).Responses {
		if res.Status != "" {
			names = append(names, res.Status[len("HTTP/1.1 "):][:3])
			continue
		}
		parts := strings.Split(strings.TrimSuffix(res.Href, "/"), "/")
		name, _ := url.PathUnescape(parts[len(parts)-1])
		names = append(names, name)
	}
	return names
}

// library is a folder with files of all sorts.
func library(t *testing.T) *davtest.Server {
	now := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	s := davtest.StartWith(t, store.Options{Clock: func() time.Time { return now }}, "mia", "max")
	s.Space("Team", "user:mia=editor", "user:max=viewer")
	mia := s.As("mia")
	for _, f := range []struct {
		path string
		size int
	}{{"Plan.odt", 30}, {"plan b.txt", 20}, {"Bild.png", 10}, {"empty", 0}} {
		mia.Do("PUT", "/dav/Team/"+url.PathEscape(f.path), content("x", f.size)).Want(t, 201)
	}
	now = now.Add(time.Hour)
	mia.Do("MKCOL", "/dav/Team/HR", "").Want(t, 201)
	mia.Do("PUT", "/dav/Team/HR/plan_c.txt", content("x", 40)).Want(t, 201)
	mia.Do("PROPPATCH", "/dav/Team/HR/plan_c.txt", setProp("note", "call Jo &amp; Ann")).Want(t, 207)
	return s
}

func TestSearchPredicates(t *testing.T) {
	t.Parallel()
	s := library(t)
	mia := s.As("mia")
	for _, row := range []struct{ where, want string }{
		{"", "Team Bild.png HR plan_c.txt Plan.odt empty plan b.txt"},
		{test("eq", "displayname", "plan.odt"), "Plan.odt"},
		{strings.Replace(test("eq", "displayname", "plan.odt"), "<eq>", `<eq caseless="no">`, 1), ""},
		{strings.Replace(test("eq", "displayname", "Plan.odt"), "<eq>", `<eq caseless="no">`, 1), "Plan.odt"},
		{test("like", "displayname", "plan%"), "plan_c.txt Plan.odt plan b.txt"},
		{test("like", "displayname", "%.txt"), "plan_c.txt plan b.txt"},
		{test("like", "displayname", "plan_%.txt"), "plan_c.txt plan b.txt"},
		{test("like", "displayname", `plan\_%`), "plan_c.txt"},
		{test("like", "displayname", "%l%n%t%"), "plan_c.txt Plan.odt plan b.txt"},
		{test("like", "displayname", "%"), "Team Bild.png HR plan_c.txt Plan.odt empty plan b.txt"},
		{test("like", "displayname", ""), ""},
		{test("eq", "getcontenttype", "image/png"), "Bild.png"},
		{test("like", "getcontenttype", "text/%"), "plan_c.txt plan b.txt"},
		{test("gt", "getcontentlength", "20"), "plan_c.txt Plan.odt"},
		{test("gte", "getcontentlength", "20"), "plan_c.txt Plan.odt plan b.txt"},
		{test("lt", "getcontentlength", " 10 "), "empty"},
		{test("lte", "getcontentlength", "10"), "Bild.png empty"},
		{test("eq", "getcontentlength", "many"), ""},
		{`<not>` + test("eq", "getcontentlength", "many") + `</not>`, ""},                                     // unknown stays unknown
		{`<not>` + test("eq", "getcontentlength", "0") + `</not>`, "Bild.png plan_c.txt Plan.odt plan b.txt"}, // a collection has no length
		{test("gte", "getlastmodified", "2026-05-01T11:00:00Z"), "HR plan_c.txt"},
		{test("lt", "getlastmodified", "Fri, 01 May 2026 11:00:00 GMT"), "Team Bild.png Plan.odt empty plan b.txt"},
		{test("eq", "creationdate", "2026-05-01T13:00:00+02:00"), "HR plan_c.txt"},
		{"<is-collection/>", "Team HR"},
		{"<not><is-collection/></not>", "Bild.png plan_c.txt Plan.odt empty plan b.txt"},
		{"<is-defined><prop><getcontentlength/></prop></is-defined>", "Bild.png plan_c.txt Plan.odt empty plan b.txt"},
		{`<is-defined><prop><note xmlns="urn:x"/></prop></is-defined>`, "plan_c.txt"},
		{`<is-defined><prop><lockdiscovery/></prop></is-defined>`, "Team Bild.png HR plan_c.txt Plan.odt empty plan b.txt"},
		{`<is-defined><prop><none/></prop></is-defined>`, ""},
		{`<like><prop><note xmlns="urn:x"/></prop><literal>%jo &amp; a%</literal></like>`, "plan_c.txt"},
		{`<eq><prop><acl/></prop><literal></literal></eq>`, ""},
		{`<and>` + test("like", "displayname", "plan%") + test("lt", "getcontentlength", "35") + `</and>`, "Plan.odt plan b.txt"},
		{`<or>` + test("eq", "displayname", "hr") + test("eq", "getcontentlength", "0") + `</or>`, "HR empty"},
		{`<or>` + test("eq", "none", "x") + test("eq", "displayname", "hr") + `</or>`, "HR"},
		{`<not><and>` + test("eq", "none", "x") + "<is-collection/>" + `</and></not>`, "Bild.png plan_c.txt Plan.odt empty plan b.txt"},
	} {
		rest := ""
		if row.where != "" {
			rest = where(row.where)
		}
		got := found(t, mia.Do("SEARCH", "/dav/Team/", query("/dav/Team/", "infinity", rest)))
		want := strings.Fields(strings.ReplaceAll(row.want, "plan b.txt", "plan+b.txt"))
		for i := range want {
			want[i] = strings.ReplaceAll(want[i], "+", " ")
		}
		if slices.Sort(want); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Errorf("%s: %q instead of %q", row.where, got, want)
		}
	}
}

// RFC 5323, sections 5.6 and 5.17
func TestSearchOrder(t *testing.T) {
	t.Parallel()
	mia := library(t).As("mia")
	files := where("<not><is-collection/></not>")
	order := func(prop, how string) string { return `<order><prop><` + prop + `/></prop>` + how + `</order>` }
	for _, row := range []struct{ rest, want string }{
		{files + `<orderby>` + order("getcontentlength", "<ascending/>") + `</orderby>`, "[empty Bild.png plan b.txt Plan.odt plan_c.txt]"},
		{files + `<orderby>` + order("getcontentlength", "<descending/>") + `</orderby>`, "[plan_c.txt Plan.odt plan b.txt Bild.png empty]"},
		{files + `<orderby>` + order("getcontentlength", "<descending/>") + `</orderby><limit><nresults>2</nresults></limit>`, "[plan_c.txt Plan.odt]"},
		{files + `<orderby>` + order("displayname", "") + `</orderby>`, "[Bild.png empty plan b.txt Plan.odt plan_c.txt]"},
		{files + `<orderby>` + order("creationdate", "<descending/>") + order("displayname", "") + `</orderby>`, "[plan_c.txt Bild.png empty plan b.txt Plan.odt]"},
		{`<orderby>` + order("getcontentlength", "") + order("displayname", "") + `</orderby><limit><nresults>3</nresults></limit>`, "[HR Team empty]"}, // null comes first
		{files + `<limit><nresults>1</nresults></limit>`, "[Bild.png]"},
		{files + `<limit><nresults>0</nresults></limit>`, "[]"},
	} {
		if got := fmt.Sprint(found(t, mia.Do("SEARCH", "/dav/Team/", query("/dav/Team", "infinity", row.rest)))); got != row.want {
			t.Errorf("%s: %s instead of %s", row.rest, got, row.want)
		}
	}
}

// A search finds what a listing of its scope shows to who asks, and no more.
func TestSearchHides(t *testing.T) {
	t.Parallel()
	s := library(t)
	s.Entry("/Team/HR", "user:max", policy.Entry{Deny: policy.See})
	max := s.As("max")
	everything := where(test("like", "displayname", "%"))
	max.Do("SEARCH", "/dav/", query("/dav/", "infinity", everything)).Want(t, 207, "Bild.png", "!HR", "!plan_c")
	max.Do("SEARCH", "/dav/Team/", query("/dav/Team/", "infinity", where(`<is-defined><prop><note xmlns="urn:x"/></prop></is-defined>`))).Want(t, 207, "!plan_c")
	// A hidden scope, or a hidden resource that is asked, is a missing one.
	for _, pair := range [][2]*davtest.Response{
		{max.Do("SEARCH", "/dav/Team/", query("/dav/Team/HR/", "1", "")), max.Do("SEARCH", "/dav/Team/", query("/dav/Team/none/", "1", ""))},
		{max.Do("SEARCH", "/dav/Team/HR/", query("", "1", "")), max.Do("SEARCH", "/dav/Team/no/", query("", "1", ""))},
	} {
		if pair[0].Status != pair[1].Status || pair[0].Body != pair[1].Body {
			t.Errorf("hidden: %d %s\nmissing: %d %s", pair[0].Status, pair[0].Body, pair[1].Status, pair[1].Body)
		}
	}
	for _, who := range []string{"mia", "max"} {
		c := s.As(who)
		for depth, scope := range map[string]string{"infinity": "/dav/Team/", "1": "/dav/", "0": "/dav/Team/Bild.png"} {
			got := found(t, c.Do("SEARCH", "/dav/", query(scope, depth, "")))
			want := found(t, c.Do("PROPFIND", scope, "", "Depth", depth))
			if !slices.Equal(got, want) {
				t.Errorf("%s in %s: %q, PROPFIND tells %q", who, scope, got, want)
			}
		}
	}
}

// RFC 5323, sections 3 and 4
func TestSearchDiscovery(t *testing.T) {
	t.Parallel()
	s := library(t)
	mia := s.As("mia")
	for path, searched := range map[string]bool{"/": true, "/dav/": true, "/dav/Team/": true, "/dav/Team/Bild.png": true, "/principals/": false} {
		h := mia.Do("OPTIONS", path, "").Header
		if (h.Get("DASL") == "<DAV:basicsearch>") != searched || strings.Contains(h.Get("Allow"), "SEARCH") != searched {
			t.Errorf("%s: DASL %q, Allow %q", path, h.Get("DASL"), h.Get("Allow"))
		}
	}
	mia.Do("PROPFIND", "/dav/Team/", `<propfind xmlns="DAV:"><prop><supported-query-grammar-set/></prop></propfind>`, "Depth", "0").
		Want(t, 207, "<D:grammar><D:basicsearch/></D:grammar>")
	mia.Do("SEARCH", "/dav/Team/", `<query-schema-discovery xmlns="DAV:"><basicsearch><from><scope><href></href><depth>infinity</depth></scope></from></basicsearch></query-schema-discovery>`).
		Want(t, 207, "<D:href>/dav/Team/</D:href>", "<D:query-schema>", "<D:prop><D:getcontentlength/></D:prop><D:datatype><xs:nonNegativeInteger/>", "<D:like/>")
	mia.Do("SEARCH", "/principals/", query("/principals/", "1", "")).Want(t, 405)
}

func TestSearchRefuses(t *testing.T) {
	t.Parallel()
	s := library(t)
	mia := s.As("mia")
	deep := strings.Repeat("<not>", 100) + "<is-collection/>" + strings.Repeat("</not>", 100)
	wide := "<or>" + strings.Repeat("<is-collection/>", 300) + "</or>"
	for _, row := range []struct {
		body   string
		status int
		text   string
	}{
		{"", 400, ""},
		{"<x/>", 400, ""},
		{`<searchrequest xmlns="DAV:"/>`, 400, "basicsearch"},
		{`<searchrequest xmlns="DAV:"><sql xmlns="urn:x"/></searchrequest>`, 403, "search-grammar-supported"},
		{`<searchrequest xmlns="DAV:"><basicsearch/></searchrequest>`, 400, "select"},
		{query("/dav/Team/", "infinity", where(`<contains>words</contains>`)), 422, "contains"},
		{query("/dav/Team/", "infinity", where(`<language-defined/>`)), 422, "language-defined"},
		{query("/dav/Team/", "infinity", where("")), 400, ""},
		{query("/dav/Team/", "infinity", where("<and/>")), 400, ""},
		{query("/dav/Team/", "infinity", where("<not><is-collection/><is-collection/></not>")), 400, ""},
		{query("/dav/Team/", "infinity", where("<eq><literal>x</literal></eq>")), 400, ""},
		{query("/dav/Team/", "infinity", where(test("like", "displayname", strings.Repeat("%a", 1000)))), 400, "longer than 1024"},
		{query("/dav/Team/", "infinity", where(deep)), 400, "nested"},
		{query("/dav/Team/", "infinity", where(wide)), 400, "more than 200"},
		{query("/dav/Team/", "infinity", `<orderby><order><score/></order></orderby>`), 422, "score"},
		{query("/dav/Team/", "infinity", `<orderby>`+strings.Repeat("<order><prop><a/></prop></order>", 11)+`</orderby>`), 400, ""},
		{query("/dav/Team/", "infinity", `<limit><nresults>-1</nresults></limit>`), 400, ""},
		{query("/dav/Team/", "2", ""), 400, "depth"},
		{query("/dav/none/", "1", ""), 409, "search-scope-valid"},
		{query("http://elsewhere.example/dav/", "1", ""), 409, "search-scope-valid"},
		{query("/principals/", "1", ""), 409, "search-scope-valid"},
		{query("/dav/Team/%zz", "1", ""), 409, "search-scope-valid"},
		{query("/dav/Team/", "1", `<from><scope><href>/dav/</href><depth>1</depth></scope></from>`), 400, ""},
		{strings.Replace(query("/dav/Team/", "1", ""), "</from>", "<scope><href>/dav/</href><depth>1</depth></scope></from>", 1), 403, "search-multiple-scope-supported"},
	} {
		mia.Do("SEARCH", "/dav/Team/", row.body).Want(t, row.status, row.text)
	}
	// The discovery of what can be searched for is a search, of which the scope counts.
	discovery := func(grammar string) string {
		return `<query-schema-discovery xmlns="DAV:">` + grammar + `</query-schema-discovery>`
	}
	scope := func(href string) string { return `<scope><href>` + href + `</href><depth>infinity</depth></scope>` }
	for _, row := range []struct {
		body   string
		status int
		text   string
	}{
		{discovery(""), 400, "basicsearch"},
		{discovery(`<sql xmlns="urn:x"/>`), 403, "search-grammar-supported"},
		{discovery(`<basicsearch/>`), 400, "from"},
		{discovery(`<basicsearch><from/></basicsearch>`), 400, "scope"},
		{discovery(`<basicsearch><from>` + scope("/dav/Team/") + scope("/dav/") + `</from></basicsearch>`), 403, "search-multiple-scope-supported"},
		{discovery(`<basicsearch><from>` + scope("/dav/none/") + `</from></basicsearch>`), 409, "search-scope-valid"},
		{discovery(`<basicsearch><from>` + scope("http://elsewhere.example/dav/") + `</from></basicsearch>`), 409, "search-scope-valid"},
		{discovery(`<basicsearch><from>` + scope("/dav/Team/Bild.png") + `</from></basicsearch>`), 207, "<D:query-schema>"},
	} {
		mia.Do("SEARCH", "/dav/Team/", row.body).Want(t, row.status, row.text)
	}
	// A relative scope is below what is asked, an absolute one needs our name.
	mia.Do("SEARCH", "/dav/Team/", query("HR/", "1", "")).Want(t, 207, "/dav/Team/HR/plan_c.txt", "!Bild")
	mia.Do("SEARCH", "/dav/Team/", query(s.URL+"/dav/Team/HR", "0", "")).Want(t, 207, "/dav/Team/HR/<", "!plan_c")
}

// A pattern made to be slow ends like any other.
func TestSearchSlowPattern(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	mia.Do("PUT", "/dav/home/a", "x").Want(t, 201)
	mia.Do("PROPPATCH", "/dav/home/a", setProp("note", strings.Repeat("a", 30_000))).Want(t, 207)
	mia.Do("PUT", "/dav/home/b", "x").Want(t, 201)
	like := `<like><prop><note xmlns="urn:x"/></prop><literal>%` + strings.Repeat("a", 1000) + "b</literal></like>"
	ors := where("<or>" + strings.Repeat(like, 100) + "<is-collection/></or>")
	if got := fmt.Sprint(found(t, mia.Do("SEARCH", "/dav/home/", query("", "infinity", ors)))); got != "[home 507]" {
		t.Errorf("found %s", got)
	}
}

// A search looks at so many resources and says when there were more.
func TestSearchLimits(t *testing.T) {
	t.Parallel()
	s := davtest.Start(t, "mia")
	mia := s.As("mia")
	fill(t, s, "many", 1100)
	if got := found(t, mia.Do("SEARCH", "/dav/home/", query("", "infinity", ""))); len(got) != 1102 {
		t.Errorf("%d results", len(got))
	}
	order := `<orderby><order><prop><displayname/></prop><descending/></order></orderby>`
	got := found(t, mia.Do("SEARCH", "/dav/home/", query("", "infinity", order)))
	if len(got) != 1001 || got[0] != "many" || got[1] != "home" || got[1000] != "507" {
		t.Errorf("%d results: %.200q", len(got), got)
	}
	if got := found(t, mia.Do("SEARCH", "/dav/home/", query("", "infinity", order+"<limit><nresults>3</nresults></limit>"))); len(got) != 3 {
		t.Errorf("%q", got)
	}
}
