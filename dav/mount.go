package dav

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"davit/dav/wire"
	"davit/store"
)

// LinkPrefix is where links are mounted, each below its token.
const LinkPrefix = "/s"

// sharedName is the folder of the mount that holds what others share of their
// drives. No space has that name.
const sharedName = "shared"

// A mount is a part of the URL space and what it shows of the store.
type mount struct {
	prefix string // of hrefs, escaped
	// root is what the mount's top stands for; nil in the mount of all spaces,
	// whose top only leads to them.
	root store.Path
	// lone tells that the mount shows one file of root and nothing else: what is
	// shared as a file is mounted as a folder that holds it.
	lone string
	// realm shows it, nil for files.
	realm *Realm
	form  string // in which a link to something in a realm is asked for
}

// findMount finds the mount that a URL is in, and what of the URL is below it.
func (rq *request) findMount(p wire.Path) (below wire.Path, err error) {
	switch {
	case "/"+p[0] == Prefix && !rq.session.IsLink():
		return p[1:], nil
	case "/"+p[0] == Prefix: // a client that signed in with the token for its name
		return p[1:], rq.mountLink(Prefix)
	case rq.h.realmOf(p[0]) != nil && !rq.session.IsLink():
		realm := rq.h.realmOf(p[0])
		rq.mount = mount{prefix: realm.Prefix, realm: realm}
		return p[1:], nil
	case "/"+p[0] == LinkPrefix && len(p) > 1:
		rq.w.Header().Set("Referrer-Policy", "no-referrer") // the URL is the key
		if err := rq.mountLink(string(wire.AppendHref(nil, LinkPrefix, p[1:2], false))); err != nil {
			return nil, err
		}
		return p[2:], rq.formed(p)
	}
	return nil, store.ErrNotFound
}

// LinkURL is the whole URL of a link, asked for in a form, for programs that are told
// it elsewhere.
func (rq *Request) LinkURL(token, form string) string {
	return rq.absolute(LinkPrefix + "/" + token + "." + form)
}

// absolute is the whole URL of a path of the server.
func (rq *request) absolute(path string) string {
	u := url.URL{Scheme: rq.h.scheme, Host: rq.r.Host, Path: path}
	if u.Scheme == "" {
		u.Scheme = "http"
		if rq.r.TLS != nil {
			u.Scheme = "https"
		}
	}
	return u.String()
}

// mountLink mounts what the session's link shares.
func (rq *request) mountLink(prefix string) error {
	root, e, err := rq.session.Root()
	if err != nil {
		return err
	}
	rq.mount = mount{prefix: prefix, root: root}
	if realm := rq.h.holder(root); realm != nil {
		rq.kind, rq.mount.realm = kindFeed, realm
		if prefix == Prefix {
			return store.ErrNotFound // it is read at its own URL, and mounted nowhere
		}
		return nil
	}
	if !e.Dir {
		rq.mount.root, rq.mount.lone = root[:len(root)-1], e.Name
	}
	return nil
}

// formed reads what follows the token in the URL of a link: only what a realm shows
// has forms, and nothing below it.
func (rq *request) formed(p wire.Path) error {
	_, rq.mount.form, _ = strings.Cut(p[1], ".")
	switch {
	case rq.kind != kindFeed && rq.mount.form == "":
		return nil
	case rq.kind == kindFeed && len(p) == 2 && (rq.mount.form == "" || slices.Contains(rq.mount.realm.Forms, rq.mount.form)):
		return nil
	}
	return store.ErrNotFound
}

// feed answers for a link to something in a realm.
func (rq *request) feed() error {
	switch rq.r.Method {
	case "GET", "HEAD":
		return rq.mount.realm.Feed(rq, rq.mount.form)
	case "OPTIONS":
		return options(rq)
	}
	return errMethodNotAllowed
}

// loggedPath is the path of a request for the log: without the token of a link,
// which opens it to whoever reads the log.
func loggedPath(r *http.Request) string {
	below, is := strings.CutPrefix(r.URL.Path, LinkPrefix+"/")
	if !is {
		return r.URL.Path
	}
	_, below, _ = strings.Cut(below, "/")
	return LinkPrefix + "/-/" + below
}

// inLink tells whether a URL as it was sent is meant to be below a link.
func inLink(escaped string) bool { return strings.HasPrefix(escaped, LinkPrefix+"/") }

// place tells what a path below the mount names.
func (rq *request) place(p wire.Path) (kind, store.Path) {
	switch m := &rq.mount; {
	case m.realm != nil:
		path, stored := m.realm.Place(rq, p)
		if !stored {
			return kindRealm, nil
		}
		return kindItem, path
	case m.root != nil && m.lone != "" && len(p) == 0:
		return kindMount, nil
	case m.root != nil:
		return kindItem, slices.Concat(m.root, store.Path(p))
	case len(p) == 0:
		return kindMount, nil
	case p[0] == "home":
		return kindItem, append(store.Path{"~" + rq.session.UserName()}, p[1:]...)
	case len(beyond(p)) > 0:
		return rq.placeBeyond(p)
	case p[0] == sharedName && len(p) == 1:
		return kindShared, nil
	case p[0] == sharedName:
		return kindItem, append(rq.session.Drive(p[1]), p[2:]...)
	case p[0] == uploadsName && len(p) == 2:
		return kindUpload, nil
	case p[0] == pushesName && len(p) == 2:
		return kindPush, nil
	case strings.HasPrefix(p[0], "~"), strings.HasPrefix(p[0], "."):
		return kindItem, nil
	}
	return kindItem, store.Path(p)
}

// urlOf is the path below the mount of something in the store, as the asker
// sees it. What is above a link's mount, such as the root of a lock, is told to
// its bearers as the mount itself.
func (rq *request) urlOf(p store.Path) wire.Path {
	switch root := rq.mount.root; {
	case rq.mount.realm != nil:
		return rq.mount.realm.URL(rq, p)
	case root != nil && wire.Path(p).Within(wire.Path(root)):
		return wire.Path(p[len(root):])
	case root != nil:
		return nil
	case len(beyond(p)) > 0:
		top := wire.Path(beyond(p))
		return append(top, rq.urlOf(p[len(top):])...)
	case rq.session.OwnPath(p):
		return append(wire.Path{"home"}, p[1:]...)
	case strings.HasPrefix(p[0], "~"):
		return append(wire.Path{sharedName, p[0][1:]}, p[1:]...)
	}
	return wire.Path(p)
}

// href is the escaped URL of something in the store.
func (rq *request) href(p store.Path, collection bool) string {
	return string(wire.AppendHref(nil, rq.mount.prefix, rq.urlOf(p), collection))
}

// below reads a URL of the same mount, such as a Destination: no mount leads into
// another.
func (rq *request) below(url string) (kind, store.Path, error) {
	p, err := wire.ParseDestination(url, rq.r.Host, rq.mount.prefix)
	if err != nil {
		return 0, nil, err
	}
	k, path := rq.place(p)
	return k, path, nil
}

// drives are the members of the collection of what others share: a folder for
// each of them.
func (rq *request) drives(s *store.Session, want store.Want) ([]member, error) {
	infos, err := s.Drives(want)
	infos = rq.thatWere(s, infos)
	members := make([]member, len(infos))
	for i, info := range infos {
		members[i] = member{Info: info, prefix: rq.mount.prefix, url: slices.Concat(beyond(rq.url), rq.urlOf(store.Path{info.Name}))}
	}
	return members, err
}

// loneFile is the one member of a mount of a file.
func (rq *request) loneFile(s *store.Session, want store.Want) ([]member, error) {
	info, err := s.Stat(slices.Concat(rq.mount.root, store.Path{rq.mount.lone}), want)
	if err != nil {
		return nil, err
	}
	return []member{{Info: info, prefix: rq.mount.prefix, url: wire.Path{rq.mount.lone}}}, nil
}

// download counts what the bearer of a link is about to be given, and judges the
// conditions first: what has not changed is not given. Of a link with a limit
// every download is the whole file: parts of it would count for nothing.
func (rq *request) download(f *store.File) error {
	if rq.r.Method != "GET" || !rq.session.IsLink() {
		return nil
	}
	cond, err := wire.ParseConditions(rq.r.Header)
	if err != nil {
		return err
	}
	if err := matches(cond, true, &f.Entry); err != nil {
		return err
	}
	part := rq.r.Header.Get("Range")
	if f.Limited() {
		rq.r.Header.Del("Range") // RFC 9110, section 14.2: it may be ignored
	} else if part != "" && !strings.HasPrefix(part, "bytes=0-") {
		return nil
	}
	return f.Count(rq.r.Context())
}
