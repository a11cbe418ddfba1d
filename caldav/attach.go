package caldav

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"davit/caldav/ical"
	"davit/caldav/itip"
	"davit/caldav/zone"
	"davit/dav"
	"davit/dav/wire"
	"davit/store"
)

// Attachments of events that the server keeps: RFC 8607. They come, change and go by
// POST on their event, which names them, and are read at URLs of their own by whoever
// reads an event that names them.
//
//	POST /caldav/mia/calendar/plan.ics?action=attachment-add
//	GET  /caldav/.attachments/ID/agenda.pdf

// attachmentsRoot stands beside the homes; no user has a name that begins so.
const attachmentsRoot = ".attachments"

// AttachmentMax is the largest attachment, in bytes.
const AttachmentMax = 100 << 20

// attachmentNameMax is the longest name of an attachment that is kept, in bytes.
const attachmentNameMax = 255

// The actions that a POST on an object asks for. RFC 8607, section 3.3.1
const (
	actionAdd    = "attachment-add"
	actionUpdate = "attachment-update"
	actionRemove = "attachment-remove"
)

// An attaching is what a POST on an object asks for.
type attaching struct {
	action    string
	id        string   // of the attachment that is replaced or goes
	instances []string // of a series, none for all
	base      string   // of the URLs of attachments
}

// attach answers POST on an object of a calendar.
func attach(rq *dav.Request) error {
	_, r := rq.HTTP()
	a, err := readAttaching(r)
	if err != nil {
		return err
	}
	t, err := rq.Terms()
	if err != nil {
		return err
	}
	p, _ := rq.Path()
	if a.action == actionRemove {
		info, err := rq.Session().Detach(rq.Context(), p, a.revise, t)
		if err == nil {
			rq.Stored(info, false)
		}
		return err
	}
	tooLarge := violation(http.StatusForbidden, "max-attachment-size", fmt.Sprintf("an attachment has at most %d bytes", AttachmentMax))
	if r.ContentLength > AttachmentMax {
		return tooLarge
	}
	var u *store.Upload
	info, err := rq.Upload(func() (_ *store.Upload, err error) {
		u, err = rq.Session().BeginAttachment(p, r.ContentLength, sentFile(r.Header), a.revise, t)
		return u, err
	}, AttachmentMax, tooLarge)
	if err != nil {
		return err
	}
	w, _ := rq.HTTP()
	kept := u.Attachment()
	w.Header().Set("Cal-Managed-Id", kept.ID) // RFC 8607, section 5.1
	w.Header().Set("Location", a.url(&kept))
	rq.Stored(info, a.action == actionAdd)
	return nil
}

// readAttaching reads the URL of a POST. What it names is looked for in the object
// only once the right to write that is there. RFC 8607, section 3.11
func readAttaching(r *http.Request) (a attaching, err error) {
	q := r.URL.Query()
	a = attaching{action: q.Get("action"), id: q.Get("managed-id"), base: baseOf(r) + Prefix + "/" + attachmentsRoot + "/"}
	if !slices.Contains([]string{actionAdd, actionUpdate, actionRemove}, a.action) || len(q["action"]) > 1 {
		return a, violation(http.StatusForbidden, "valid-action", "an action is "+actionAdd+", "+actionUpdate+" or "+actionRemove)
	}
	switch ids := len(q["managed-id"]); {
	case a.action == actionAdd && ids > 0:
		return a, wrongID("what is added has no id yet")
	case a.action != actionAdd && (ids != 1 || a.id == ""):
		return a, wrongID("managed-id names one attachment of the object")
	}
	if q.Has("rid") {
		if a.action == actionUpdate {
			return a, wrongInstance("an attachment is replaced wherever it is named")
		}
		a.instances = strings.Split(strings.Join(q["rid"], ","), ",")
		if len(a.instances) > instancesMax {
			return a, wrongInstance(fmt.Sprintf("a request names at most %d instances", instancesMax))
		}
	}
	return a, nil
}

// instancesMax is how many instances of a series one request names.
const instancesMax = 100

// baseOf is what URLs of the server begin with, for who sent a request. A client that
// knows managed-attachments-server-URL takes no notice of it.
func baseOf(r *http.Request) string {
	scheme := "http"
	if r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

func wrongID(reason string) error {
	return violation(http.StatusForbidden, "valid-managed-id", reason)
}

func wrongInstance(reason string) error {
	return violation(http.StatusForbidden, "valid-rid", reason)
}

// sentFile is what the headers of a request say of the file that it brings.
func sentFile(h http.Header) (a store.Attachment) {
	if t, _, err := mime.ParseMediaType(h.Get("Content-Type")); err == nil && len(t) <= attachmentNameMax {
		a.Type = t
	}
	_, params, err := mime.ParseMediaType(h.Get("Content-Disposition"))
	if err == nil {
		a.Name = fileName(params["filename"])
	}
	if a.Name == "" {
		a.Name = "attachment"
	}
	return a
}

// fileName is the name of a file without the folders that some clients send along,
// and without what no name has; empty for none.
func fileName(sent string) string {
	name := path.Base(strings.ReplaceAll(strings.ToValidUTF8(sent, ""), `\`, "/"))
	name = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return -1
		}
		return c
	}, name)
	for len(name) > attachmentNameMax {
		_, last := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-last]
	}
	if name == "." || name == "/" || name == ".." {
		return ""
	}
	return name
}

func (a *attaching) url(kept *store.Attachment) string {
	return a.base + kept.ID + "/" + url.PathEscape(kept.Name)
}

// revise does to an object what is asked for: see store.Revision.
func (a *attaching) revise(content []byte, kept store.Attachment) (next []byte, obj store.Object, err error) {
	e, err := read(content, zone.UTC())
	if err != nil {
		return nil, obj, broken(err)
	}
	o, err := itip.Parse(content)
	if err != nil {
		return nil, obj, broken(err)
	}
	line := itip.Attachment{ID: kept.ID, URL: a.url(&kept), Name: kept.Name, Type: kept.Type, Size: kept.Size}
	switch a.action {
	case actionAdd:
		err = o.Attach(line, e.series, a.instances)
	case actionUpdate:
		err = o.Reattach(a.id, line)
	case actionRemove:
		err = o.Detach(a.id, e.series, a.instances)
	}
	switch {
	case errors.Is(err, itip.ErrRecurrence):
		return nil, obj, wrongInstance("rid names the series, M, or original starts of its instances")
	case errors.Is(err, itip.ErrAttachment):
		return nil, obj, wrongID("the object, or the instances that rid names, have no such attachment")
	case err != nil:
		return nil, obj, err
	}
	if next = o.Bytes(); len(next) > itip.SizeMax {
		return nil, obj, violation(http.StatusForbidden, ical.MaxResourceSize, fmt.Sprintf("an object with attachments has at most %d bytes", itip.SizeMax))
	}
	if obj, err = Index(next, store.Near(time.Now())); err != nil {
		return nil, obj, broken(err)
	}
	return next, obj, nil
}

// attachments are the ids of the attachments that an object names, each once.
func attachments(obj *ical.Object) (ids []string) {
	for _, c := range obj.Calendar.Children {
		for i := range c.Props["ATTACH"] {
			if id := c.Props["ATTACH"][i].Params.Get("MANAGED-ID"); id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// Unmanaged is an object of another server, in which nothing is named that is kept
// there: what it attaches has its URL and no id. RFC 8607, section 3.12.7
func Unmanaged(content []byte) []byte {
	obj, err := ical.Decode(content)
	if err != nil || len(attachments(obj)) == 0 {
		return content
	}
	var out []byte
	for i := range obj.Lines {
		line := &obj.Lines[i]
		if p := line.Prop(); line.Name == "ATTACH" && p.Params.Get("MANAGED-ID") != "" {
			out = ical.AppendContent(out, p.Name+ical.ParamText(p.Params, "MANAGED-ID")+":"+p.Value)
		} else {
			out = append(out, line.Text...)
		}
	}
	return out
}

// attachment answers GET and HEAD: the bytes of an attachment, which no browser is to
// show as a page of this server. RFC 8607, section 3.10
func attachment(rq *dav.Request, names wire.Path) error {
	if len(names) != 2 && len(names) != 3 {
		return store.ErrNotFound
	}
	f, err := rq.Session().OpenAttachment(names[1])
	if err != nil {
		return err
	}
	defer f.Close()
	w, _ := rq.HTTP()
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	w.Header().Set("Cache-Control", "private, no-cache") // whether it may be read is asked each time
	return rq.SendFile(f)
}
