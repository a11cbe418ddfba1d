package wire

import (
	"encoding/xml"
	"errors"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// A path has one canonical form: the href of a path means that path, and needs
// no escaping in XML.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"", "/", "/a", "//a//b/", "/100%25", "/%2541", "/a+b;c", "/caf%c3%a9", "/cafe%CC%81", "/%F0%9F%9A%A2", "/%2e%2e/a", "/a%2fb",
		"/%", "/%00", "/%ff", "/%CD%BE", "/%E2%84%AA", "/\u0338=", "/a'&<>\"b", "/%f0%9d%85%97", "/\u1100\u1161", "/.%cc%87",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, escaped string) {
		p, slash, err := ParsePath(escaped)
		var bad *PathError
		if err != nil {
			if !errors.As(err, &bad) {
				t.Fatalf("error %T", err)
			}
			return
		}
		checkCanonical(t, p)
		href := string(AppendHref(nil, "", p, slash))
		again, slashAgain, err := ParsePath(href)
		if err != nil || !slices.Equal(again, p) || slashAgain != (slash || len(p) == 0) {
			t.Fatalf("%q is %q, its href %s is %q (%v)", escaped, p, href, again, err)
		}
		if xml := string(appendAttrValue(nil, href)); xml != href {
			t.Errorf("%s needs escaping", href)
		}
		if decoded, err := url.PathUnescape(strings.TrimSuffix(href, "/")); err != nil || len(p) > 0 && decoded != p.String() {
			t.Errorf("%s decodes to %q, want %q (%v)", href, decoded, p, err)
		}
	})
}

func checkCanonical(t *testing.T, p Path) {
	t.Helper()
	if p.size() > PathSizeMax {
		t.Errorf("%q is too long", p)
	}
	for _, name := range p {
		if name == "" || name == "." || name == ".." || len(name) > NameSizeMax || strings.ContainsAny(name, "/\x00\r\n\x7f") {
			t.Errorf("bad name %q", name)
		}
	}
}

// A destination is a canonical path below the prefix, or an error.
func FuzzDestination(f *testing.F) {
	for _, seed := range []string{
		"http://dav.example/dav/a", "https://DAV.example:443/dav/a%20b/", "/dav/a", "/dav", "//dav.example/dav/a", "/dav/../a", "/d%61v/a",
		"http://other/dav/a", "ftp://dav.example/dav/a", "/dav/a?b", "/dav/a#b", "/davfoo", "dav/a", "http:dav/a", "http://u:p@dav.example/dav/a",
		"/dav/%2e%2e/%2e%2e", "http://[::1]/dav/a", "", "%", "/dav//a", "*",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		p, err := ParseDestination(header, "dav.example", "/dav")
		if err != nil {
			if !errors.Is(err, ErrDestination) && !errors.Is(err, ErrOtherHost) && !errors.Is(err, ErrOutside) {
				t.Fatalf("error %v", err)
			}
			return
		}
		checkCanonical(t, p)
		href := string(AppendHref(nil, "/dav", p, false))
		again, err := ParseDestination("https://dav.example"+href, "dav.example", "/dav")
		if err != nil || !slices.Equal(again, p) {
			t.Fatalf("%q is %q, %s is %q (%v)", header, p, href, again, err)
		}
	})
}

// An If header means the same when it is written anew.
func FuzzIf(f *testing.F) {
	for _, seed := range []string{
		"(<urn:uuid:1>)", `(<a:1> ["tag"]) (Not <DAV:no-lock> [W/"x"])`, "<http://h/a> (<a:1>) (Not[bare]) </b>(<a:2>)", `(["]>)"])`,
		"()", "(", "<a>", "(Not)", "(<a:1>) </r> (<a:2>)", "(<a<>)", `([W/])`, `(["a)`, "NOT", "(Not Not <a:1>)", "(<a:1>)\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		i, err := ParseIf([]string{header})
		if err != nil {
			if !errors.Is(err, ErrHeader) {
				t.Fatalf("error %v", err)
			}
			return
		}
		written := formatIf(i)
		again, err := ParseIf([]string{written})
		if err != nil || !reflect.DeepEqual(again, i) {
			t.Fatalf("%q is %+v, written anew %q is %+v (%v)", header, i, written, again, err)
		}
		all := State{ETag: `"tag"`, Tokens: i.Tokens()}
		holds := slices.ContainsFunc(i.Lists, func(l List) bool { return l.Holds(all) })
		if i.Eval("/r", func(string) State { return all }) != holds {
			t.Errorf("%q: Eval and Holds disagree", header)
		}
	})
}

func formatIf(i If) string {
	var b strings.Builder
	last := ""
	for _, list := range i.Lists {
		if list.Resource != last {
			b.WriteString("<" + list.Resource + ">")
			last = list.Resource
		}
		b.WriteString("(")
		for _, c := range list.Conditions {
			if c.Not {
				b.WriteString("Not ")
			}
			if c.Token != "" {
				b.WriteString("<" + c.Token + ">")
			} else {
				b.WriteString("[" + c.ETag + "]")
			}
		}
		b.WriteString(")")
	}
	return b.String()
}

// What a parser lets pass, a multistatus can hold without harm or loss.
func FuzzXML(f *testing.F) {
	for _, seed := range []string{
		`<propertyupdate xmlns="DAV:"><set><prop><a>text</a></prop></set></propertyupdate>`,
		`<D:propertyupdate xmlns:D="DAV:" xmlns:p="urn:p"><D:set><D:prop><p:a xml:lang="de"><p:b c='p:d"'/>&amp;]]&gt;<![CDATA[<]]></p:a></D:prop></D:set></D:propertyupdate>`,
		`<D:propertyupdate xmlns:D="DAV:"><D:remove><D:prop><a xmlns=""/></D:prop></D:remove></D:propertyupdate>`,
		`<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:a xmlns:x="u"><x:b/><D:c/><d xmlns="x:"><x:e xmlns:x="v"/></d></x:a></D:prop></D:set></D:propertyupdate>`,
		`<D:propfind xmlns:D="DAV:"><D:prop><bar:foo xmlns:bar=""/></D:prop></D:propfind>`,
		`<D:propfind xmlns:D="DAV:"><D:allprop/><D:include><D:acl/></D:include></D:propfind>`,
		`<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>m</D:href></D:owner></D:lockinfo>`,
		`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`, "<a>", "<a/><b/>", "\uFEFF<a/>", "<a b='1'c='2'/>", "<a:/>", "<a><!-- --></a>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		guarded := Guard(body)
		if guarded != nil && !errors.Is(guarded, ErrXML) {
			t.Fatalf("error %v", guarded)
		}
		_, findErr := ParsePropfind(body)
		lock, lockErr := ParseLock(body)
		patches, patchErr := ParsePropertyUpdate(body)
		if guarded != nil && (findErr == nil && strings.TrimSpace(string(body)) != "" || lockErr == nil || patchErr == nil) {
			t.Fatalf("%q passes a parser but not the guard: %v", body, guarded)
		}
		checkReemitted(t, patches)
		checkReemitted(t, []PropPatch{{Name: davName("owner"), Value: lock.Owner}})
	})
}

// What a parser of reports and access lists lets pass is a well-formed document
// within the limits, and the names in it can be written.
func FuzzReports(f *testing.F) {
	for _, seed := range []string{
		wholeACL,
		`<acl xmlns="DAV:"><ace><principal><href>//h/%zz</href></principal><grant/><x:revoke xmlns:x="urn:davit"><privilege xmlns="DAV:"><read/></privilege></x:revoke></ace></acl>`,
		`<expand-property xmlns="DAV:"><property name="a" namespace="urn:x"><property name="b&#xA;"/></property></expand-property>`,
		`<principal-property-search xmlns="DAV:" test="anyof"><property-search><prop><a xmlns=""/></prop><match><![CDATA[x]]></match></property-search></principal-property-search>`,
		`<principal-match xmlns="DAV:"><principal-property><owner/></principal-property></principal-match>`,
		`<acl-principal-prop-set xmlns="DAV:"><prop><x:y xmlns:x="u"/></prop></acl-principal-prop-set>`, `<a/>`, `<a><!--`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		root, err := RootName(body)
		if err != nil && !errors.Is(err, ErrXML) {
			t.Fatalf("error %v", err)
		}
		var names []xml.Name
		passed := false
		note := func(err error, some ...xml.Name) {
			passed = passed || err == nil
			names = append(names, some...)
			if err != nil && !errors.Is(err, ErrXML) && !errors.Is(err, ErrACEs) {
				t.Fatalf("error %v", err)
			}
		}
		aces, err := ParseACL(body)
		for _, a := range aces {
			names = append(append(append(names, a.Grant...), a.Deny...), a.Revoke...)
		}
		note(err)
		search, err := ParsePrincipalSearch(body)
		note(err, search.Props...)
		match, err := ParsePrincipalMatch(body)
		note(err, match.Props...)
		props, _, err := ParseReportProps(body, root)
		note(err, props...)
		expansions, err := ParseExpandProperty(body)
		note(err, expanded(expansions)...)
		if guarded := Guard(body); passed && guarded != nil {
			t.Fatalf("%q passes a parser but not the guard: %v", body, guarded)
		}
		for _, name := range names {
			text := appendEmptyTag(nil, name)
			again, err := RootName([]byte(strings.Replace(string(text), "/>", ` xmlns:D="DAV:"/>`, 1)))
			if err != nil || again != name {
				t.Errorf("%v is written %s: %v, %v", name, text, again, err)
			}
		}
	})
}

func expanded(list []Expansion) (names []xml.Name) {
	for _, x := range list {
		names = append(append(names, x.Name), expanded(x.Props)...)
	}
	return names
}
