package davit_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"davit/auth"
	"davit/dav/davtest"
	"davit/policy"
	"davit/store"
)

// A shareSet hands rights on to somebody, or makes a link. Who gives it is judged
// as that account.
type shareSet struct {
	ID           string `yaml:"id"`
	By           string `yaml:"by"`
	At           string `yaml:"at"`
	To           string `yaml:"to"`
	Rights       words  `yaml:"rights"`
	Until        *int64 `yaml:"until"`
	Password     string `yaml:"password"`
	MaxDownloads int64  `yaml:"max-downloads"`
}

// A given share is one that a case has made.
type given struct {
	id              policy.ID
	token, password string
	last            store.Path // where it stood when it was last asked for
}

// toLink is whom a link is given to.
const toLink = "link"

// terms are what the set says of a share.
func (s *shareSet) terms(r *run) (policy.Share, error) {
	rights, err := parseRights(s.Rights)
	if err != nil {
		return policy.Share{}, mistake{err}
	}
	sh := policy.Share{Rights: rights}
	if s.Until != nil {
		sh.Until = *s.Until
	}
	if s.To != toLink {
		sh.To, err = r.principal(s.To)
	}
	return sh, err
}

// plan is the share as a change, to be foretold.
func (s *shareSet) plan(r *run) ([]policy.Change, error) {
	sh, err := s.terms(r)
	if err != nil {
		return nil, err
	}
	by, err := r.userNamed(s.By)
	if err != nil {
		return nil, err
	}
	at, err := r.place(s.At)
	const foretold = 1 << 40 // an ID that nothing has
	sh.ID, sh.By, sh.Made = foretold, by.ID, r.clock.Load()
	if s.To == toLink {
		sh.To = sh.ID
	}
	return []policy.Change{policy.PutShare{Share: sh, At: at}}, err
}

func (s *shareSet) carryOut(r *run) (bool, error) {
	sh, err := s.terms(r)
	if err != nil {
		return true, err
	}
	by, err := r.userNamed(s.By)
	if err != nil {
		return true, err
	}
	at, err := r.storePath(s.At)
	if err != nil {
		return true, err
	}
	g := &given{password: s.Password, last: at}
	var link *store.NewLink
	if s.To == toLink {
		var l store.NewLink
		if g.token, l, err = r.server.Auth.NewLink(context.Background(), s.Password); err != nil {
			return true, mistake{err}
		}
		l.DownloadsMax = s.MaxDownloads
		link = &l
	}
	if sh, err = r.server.Store.Operator().As(actor(by.ID), "case").Share(context.Background(), at, sh, link); err != nil {
		return true, err
	}
	g.id = sh.ID
	r.shares[s.ID] = g
	return true, nil
}

// actor is an account as the operator acts for it.
func actor(id policy.ID) policy.Subject {
	return policy.Subject{User: id, Mask: policy.All, Class: policy.Web}
}

// unshare ends a share or link.
type unshare struct{ id *string }

func (u unshare) plan(r *run) ([]policy.Change, error) {
	g, err := r.given(*u.id)
	if err != nil {
		return nil, err
	}
	return []policy.Change{policy.DropShare{ID: g.id}}, nil
}

func (r *run) given(id string) (*given, error) {
	if g := r.shares[id]; g != nil {
		return g, nil
	}
	return nil, mistaken("no share %q", id)
}

// linkNamed is the principal of a link such as "link:s1".
func (r *run) linkNamed(who string) (policy.ID, error) {
	g, err := r.given(strings.TrimPrefix(who, "link:"))
	if err != nil {
		return policy.Nobody, err
	}
	if g.token == "" {
		return policy.Nobody, mistaken("%s is no link", who)
	}
	return g.id, nil
}

// unknownLink is the name of one that nobody made.
const unknownLink = "unknown"

// linkURL is where the bearer of a link finds a path below it.
func (r *run) linkURL(id, logical string) (string, error) {
	token := strings.Repeat("u", 32)
	if id != unknownLink {
		g, err := r.given(id)
		if err != nil {
			return "", err
		}
		token = g.token
	}
	return strings.TrimSuffix(auth.LinkPath(token), "/") + "/" + escape(strings.TrimPrefix(logical, "/")), nil
}

// bearer is a client with nothing but a link, and the link's password.
func (r *run) bearer(id string) *davtest.Client {
	if g := r.shares[id]; g != nil && g.password != "" {
		return r.server.AsSecret("bearer", g.password)
	}
	return r.server.As("")
}

// shareURL is where somebody finds what a share gives: where that is now, or
// where it was when the share ended.
func (r *run) shareURL(who, id, rest string) (string, error) {
	g, err := r.given(id)
	if err != nil {
		return "", err
	}
	list, err := r.server.Store.Operator().Shares(func(_ *policy.State, sh *policy.Share) bool { return sh.ID == g.id })
	if err != nil {
		return "", err
	}
	if len(list) == 1 && list[0].Path != nil {
		g.last = list[0].Path
	}
	top := "/dav/" + url.PathEscape(g.last[0])
	if owner, personal := strings.CutPrefix(g.last[0], "~"); personal {
		top = driveURL(who, owner)
	}
	return fmt.Sprintf("%s/%s/%s", top, escape(strings.Join(g.last[1:], "/")), escape(rest)), nil
}

// driveURL is where somebody finds a personal drive.
func driveURL(who, owner string) string {
	if who == owner || who == nobody {
		return "/dav/home"
	}
	return "/dav/shared/" + url.PathEscape(owner)
}
