package dav

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// A violated precondition of the method ACL, by its name in DAV:.
// RFC 3744, section 8.1.1
type violated string

func (v violated) Error() string { return "the access list breaks the precondition " + string(v) }

// aclTag is the property that tells the tag of a resource's access list. ACL
// takes it in If-Match: a collection has no ETag, and the one of a file does not
// change with its list.
var (
	aclTagName = ownName("acl-etag")
	aclTag     = wire.NewElement(aclTagName)
)

// aclRestrictions: RFC 3744, section 5.6.
const aclRestrictions = "<D:no-invert/><D:deny-before-grant/>"

// acl answers ACL: the own lines of a resource become exactly those of the body.
// RFC 3744, section 8.1
func acl(rq *request) error {
	if err := rq.item(); err != nil {
		return err
	}
	body, err := rq.body()
	if err != nil {
		return err
	}
	aces, err := wire.ParseACL(body)
	if err != nil {
		return err
	}
	t, err := rq.terms()
	if err != nil {
		return err
	}
	cond, err := wire.ParseConditions(rq.r.Header)
	if err != nil {
		return err
	}
	err = rq.session.SetACL(rq.r.Context(), rq.path, store.NewACL{
		Match: func(target *store.Entry, tag string) error {
			if cond.CheckTags(false, true, target.Modified, target.ETag(), tag) == wire.Failed {
				return store.ErrStale
			}
			return nil
		},
		Lines: func(find store.Find) ([]policy.Entry, error) { return rq.lines(aces, find) },
	}, t)
	if errors.Is(err, store.ErrInvalid) {
		return errors.Join(violated("no-ace-conflict"), err)
	}
	if err != nil {
		return err
	}
	rq.w.WriteHeader(http.StatusOK)
	return nil
}

// lines are the entries that aces stand for.
func (rq *request) lines(aces []wire.ACE, find store.Find) ([]policy.Entry, error) {
	lines := make([]policy.Entry, 0, len(aces))
	granted := false
	for i := range aces {
		ace := &aces[i]
		denies := len(ace.Deny) > 0
		switch {
		case ace.Protected:
			return nil, violated("no-protected-ace-conflict")
		case ace.Inherited:
			return nil, violated("no-inherited-ace-conflict")
		case ace.Invert:
			return nil, violated("no-invert")
		case denies && granted:
			return nil, violated("deny-before-grant")
		}
		granted = !denies
		line, err := rq.line(ace, find)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func (rq *request) line(ace *wire.ACE, find store.Find) (policy.Entry, error) {
	e, err := conditionsOf(ace.Conditions)
	if err != nil {
		return e, err
	}
	if e.Principal, err = rq.principalOf(ace.Principal, find); err != nil {
		return e, err
	}
	for _, name := range slices.Concat(ace.Grant, ace.Revoke, ace.Deny) {
		if _, ok := rightsOf(name); !ok {
			return e, violated("not-supported-privilege")
		}
	}
	for _, name := range ace.Grant {
		rights, _ := rightsOf(name)
		e.Allow |= rights
	}
	for _, name := range ace.Revoke {
		rights, _ := rightsOf(name)
		e.Revoke |= rights
	}
	for _, name := range ace.Deny {
		rights, _ := rightsOf(name)
		e.Deny |= rights
	}
	return e, nil
}

// principalOf finds whom an ace speaks of. Nobody comes here without signing in,
// and DAV:self and DAV:property have no meaning that a file could give them: who
// owns a space has its rights without a line.
func (rq *request) principalOf(p wire.ACEPrincipal, find store.Find) (policy.ID, error) {
	switch p.Kind {
	case "all", "authenticated":
		return policy.AnyoneSignedIn, nil
	case "href":
	default:
		return policy.Nobody, violated("allowed-principal")
	}
	url, err := wire.ParseDestination(p.Href, rq.r.Host, principalPrefix)
	if err != nil {
		return policy.Nobody, violated("recognized-principal")
	}
	id := policy.Nobody
	switch len(url) {
	case 1:
		id = builtInNamed(url[0])
	case 2:
		if kind, ok := kindNamed(url[0]); ok {
			id = find(kind, url[1])
		}
	}
	if id == policy.Nobody {
		return id, violated("recognized-principal")
	}
	return id, nil
}

// noConditions are the fields of an entry that an ace tells in its own words, or
// not at all. What else an entry has is a condition, told in an element of our
// own under the name that it is kept by.
var noConditions = []string{"principal", "allow", "revoke", "deny", "level", "rank"}

// conditionsOf is an entry with nothing but conditions. One that is not known
// here is refused: without it the line would give more than was meant.
func conditionsOf(told []wire.ACECondition) (e policy.Entry, err error) {
	if len(told) == 0 {
		return e, nil
	}
	fields := map[string]json.RawMessage{}
	for _, c := range told {
		if slices.Contains(noConditions, c.Name) || !lowercase(c.Name) {
			return e, violated("no-ace-conflict")
		}
		value := []byte(c.Text)
		if !json.Valid(value) {
			value, _ = json.Marshal(c.Text)
		}
		fields[c.Name] = value
	}
	text, err := json.Marshal(fields)
	if err != nil {
		return e, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return policy.Entry{}, errors.Join(violated("no-ace-conflict"), err)
	}
	return e, nil
}

// lowercase: package json takes names in any case, and the names of what is no
// condition too.
func lowercase(name string) bool {
	return !slices.ContainsFunc([]byte(name), func(c byte) bool { return (c < 'a' || c > 'z') && c != '_' })
}

// appendConditions tells the conditions of an entry.
func appendConditions(dst []byte, e policy.Entry) []byte {
	text, err := json.Marshal(&e)
	fields := map[string]json.RawMessage{}
	if err != nil || json.Unmarshal(text, &fields) != nil {
		return dst
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if slices.Contains(noConditions, name) {
			continue
		}
		value := string(fields[name])
		if plain, err := strconv.Unquote(value); err == nil {
			value = plain
		}
		dst = wire.AppendElement(dst, ownName(name), value)
	}
	return dst
}

// writeACL tells the list that counts at a resource: what denies before what
// grants, what stands here before what is inherited. RFC 3744, section 5.5
func writeACL(f *finding, m *member) {
	f.m.Append(wire.ACL, func(dst []byte) []byte {
		own := m.depth()
		for _, l := range m.ACL.Lines {
			if l.Depth == own {
				dst = f.appendACE(dst, m, &l, denies)
			}
		}
		for _, l := range m.ACL.Lines {
			if l.Depth == own {
				dst = f.appendACE(dst, m, &l, grants, revokes)
			}
		}
		dst = f.appendShares(dst, m, func(depth int) bool { return depth == own })
		for _, l := range m.ACL.Lines {
			if l.Depth != own {
				dst = f.appendACE(dst, m, &l, denies, grants, revokes)
			}
		}
		return f.appendShares(dst, m, func(depth int) bool { return depth != own })
	})
}

// A verb is one of the three things that a line may say. A revoke has no form in
// RFC 3744: it goes into an element of our own beside a grant of nothing, which
// is refused when it comes back alone.
type verb struct {
	of          func(*policy.Line) policy.Rights
	open, close string
}

var (
	denies  = verb{func(l *policy.Line) policy.Rights { return l.Deny }, "<D:deny>", "</D:deny>"}
	grants  = verb{func(l *policy.Line) policy.Rights { return l.Allow }, "<D:grant>", "</D:grant>"}
	revokes = verb{func(l *policy.Line) policy.Rights { return l.Revoke }, `<D:grant/><x:revoke xmlns:x="` + wire.NS + `">`, "</x:revoke>"}
)

// appendACE tells a line, in an ace for each verb that it has something to say
// with.
func (f *finding) appendACE(dst []byte, m *member, l *policy.Line, verbs ...verb) []byte {
	who := f.known(l.Principal)
	if len(who) == 0 {
		return dst
	}
	for _, v := range verbs {
		rights := v.of(l)
		if rights == 0 {
			continue
		}
		dst = append(dst, "<D:ace><D:principal>"...)
		if l.Principal == policy.AnyoneSignedIn {
			dst = append(dst, "<D:authenticated/>"...)
		} else {
			dst = wire.AppendHrefElement(dst, principalPrefix, principalURL(&who[0]), true)
		}
		dst = append(append(dst, "</D:principal>"...), v.open...)
		dst = everyPrivilege.appendCover(dst, rights)
		dst = append(dst, v.close...)
		dst = appendConditions(dst, l.Entry)
		dst = appendOrigin(dst, m, l.Depth)
		dst = append(dst, "</D:ace>"...)
	}
	return dst
}

// appendOrigin tells where a line stands that is not the resource's own. The
// levels of a space stand at its root, where no ACL changes them.
// RFC 3744, sections 5.5.3 and 5.5.4
func appendOrigin(dst []byte, m *member, depth int) []byte {
	if depth == m.depth() {
		return dst
	}
	if m.depth() == 0 {
		dst = append(dst, "<D:protected/>"...)
	}
	dst = append(dst, "<D:inherited>"...)
	dst = wire.AppendHrefElement(dst, m.prefix, m.url[:m.above()+max(depth, 0)+1], true)
	return append(dst, "</D:inherited>"...)
}

// depth is how deep the member stands in its space, 0 for the root.
func (m *member) depth() int { return len(m.url) - 1 - m.above() }

// above is how many names of the URL stand before that of the space: drives of
// others are told below one name more.
func (m *member) above() int {
	switch {
	case m.realm && len(m.url) > 0 && m.url[0][0] == '.': // beside the homes, where spaces go by their names
		return 0
	case m.realm: // a home stands for the calendars of a space, not for the space
		return -1
	case len(m.url) > 0 && m.url[0] == sharedName:
		return 1
	}
	return 0
}

// appendShares tells the shares that lead to a member: every way in is listed at
// the folder. They are ended by their own commands, so no ACL may change them.
func (f *finding) appendShares(dst []byte, m *member, at func(depth int) bool) []byte {
	for i := range m.ACL.Shares {
		g := &m.ACL.Shares[i]
		if !at(g.Depth) {
			continue
		}
		to := "<D:unauthenticated/>" // whoever has the link: RFC 3744, section 5.5.1
		if !g.Share.IsLink() {
			who := f.known(g.Share.To)
			if len(who) == 0 {
				continue
			}
			to = string(wire.AppendHrefElement(nil, principalPrefix, principalURL(&who[0]), true))
		}
		dst = append(append(append(dst, "<D:ace><D:principal>"...), to...), "</D:principal><D:grant>"...)
		dst = append(everyPrivilege.appendCover(dst, g.Share.Rights), "</D:grant>"...)
		dst = wire.AppendElement(dst, ownName("share"), strconv.FormatUint(uint64(g.Share.ID), 36))
		if g.Depth == m.depth() {
			dst = append(dst, "<D:protected/>"...)
		} else {
			dst = append(dst, "<D:protected/><D:inherited>"...)
			dst = wire.AppendHrefElement(dst, m.prefix, m.url[:m.above()+g.Depth+1], true)
			dst = append(dst, "</D:inherited>"...)
		}
		dst = append(dst, "</D:ace>"...)
	}
	return dst
}
