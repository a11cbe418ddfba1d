package wire

import (
	"encoding/xml"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// wholeACL has every form of a line: RFC 3744, section 5.5, and our own.
const wholeACL = `<D:acl xmlns:D="DAV:" xmlns:x="urn:davit" xmlns:o="urn:other">
<D:ace><D:principal><D:href>/principals/users/m&amp;m/</D:href></D:principal><D:deny><D:privilege><D:write/></D:privilege></D:deny></D:ace>
<D:ace><D:principal><D:all/></D:principal><D:grant><D:privilege><D:read/></D:privilege><D:privilege><x:share/></D:privilege></D:grant>
  <x:revoke><D:privilege><D:bind/></D:privilege></x:revoke><x:until>7</x:until><o:note>ignored</o:note></D:ace>
<o:ace/>
<D:ace><D:principal><D:property><D:owner/></D:property></D:principal><D:grant><D:privilege><D:all/></D:privilege></D:grant><D:protected/>
  <D:inherited><D:href>/dav/</D:href></D:inherited></D:ace>
<D:ace><D:invert><D:principal><D:self/></D:principal></D:invert><D:deny><D:privilege><D:all/></D:privilege></D:deny></D:ace>
</D:acl>`

func TestParseACL(t *testing.T) {
	got, err := ParseACL([]byte(wholeACL))
	if err != nil {
		t.Fatal(err)
	}
	names := func(list ...xml.Name) []xml.Name { return list }
	want := []ACE{
		{Principal: ACEPrincipal{"href", "/principals/users/m&m/"}, Deny: names(davName("write"))},
		{Principal: ACEPrincipal{Kind: "all"}, Grant: names(davName("read"), ownName("share")), Revoke: names(davName("bind")),
			Conditions: []ACECondition{{"until", "7"}}},
		{Principal: ACEPrincipal{Kind: "property"}, Grant: names(davName("all")), Protected: true, Inherited: true},
		{Invert: true, Deny: names(davName("all"))},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if none, err := ParseACL([]byte(`<acl xmlns="DAV:"/>`)); err != nil || len(none) > 0 {
		t.Errorf("an empty list: %v, %v", none, err)
	}
}

// What is no list is bad syntax, as in the example of RFC 3744, section 8.1.5.
func TestParseACLRefuses(t *testing.T) {
	const who, read = `<principal><all/></principal>`, `<privilege><read/></privilege>`
	for _, ace := range []string{
		``, who, `<grant>` + read + `</grant>`, who + `<grant/>`, who + `<grant><read/></grant>`, who + who + `<grant>` + read + `</grant>`,
		who + `<grant>` + read + `</grant><deny>` + read + `</deny>`, who + `<deny>` + read + `</deny><revoke xmlns="urn:davit"><privilege xmlns="DAV:"><read/></privilege></revoke>`,
		`<principal/><grant>` + read + `</grant>`, `<principal><all/><self/></principal><grant>` + read + `</grant>`,
		who + `<invert>` + who + `</invert><grant>` + read + `</grant>`, who + `<deny/>`,
	} {
		if got, err := ParseACL([]byte(`<acl xmlns="DAV:"><ace>` + ace + `</ace></acl>`)); !errors.Is(err, ErrXML) {
			t.Errorf("%s: %+v, %v", ace, got, err)
		}
	}
	if _, err := ParseACL([]byte(`<propfind xmlns="DAV:"/>`)); !errors.Is(err, ErrRoot) {
		t.Errorf("another document: %v", err)
	}
	one := `<ace>` + who + `<grant>` + read + `</grant></ace>`
	if got, err := ParseACL([]byte(`<acl xmlns="DAV:">` + strings.Repeat(one, ACEsMax) + `</acl>`)); err != nil || len(got) != ACEsMax {
		t.Errorf("%d aces: %d, %v", ACEsMax, len(got), err)
	}
	if _, err := ParseACL([]byte(`<acl xmlns="DAV:">` + strings.Repeat(one, ACEsMax+1) + `</acl>`)); !errors.Is(err, ErrACEs) {
		t.Errorf("%d aces: %v", ACEsMax+1, err)
	}
}
