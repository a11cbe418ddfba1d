package dav

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"davit/policy"
	"davit/store"
)

// put answers PUT: the whole content of one file, new or replaced. The upload is
// decided before its first byte is read and again when it commits.
// RFC 4918, section 9.7
func put(rq *request) error {
	if err := rq.item(); err != nil {
		return err
	}
	if rq.r.Header.Get("Content-Range") != "" {
		return errContentRange
	}
	if complete, does := rq.resumes(); does {
		return rq.beginUpload(complete)
	}
	meta, accepted, err := rq.meta()
	if err != nil {
		return err
	}
	t, err := rq.terms()
	if err != nil {
		return err
	}
	begin := func() (*store.Upload, error) { return rq.session.Begin(rq.path, rq.r.ContentLength, t) }
	info, created, err := rq.receive(begin, &meta, func(u *store.Upload) (err error) {
		meta.Object, meta.Body, err = rq.takeIn(u)
		return err
	})
	if err != nil {
		return err
	}
	rq.stored(info, created, accepted)
	return nil
}

// receive takes an upload from its beginning to its end; take takes in its body.
func (rq *request) receive(begin func() (*store.Upload, error), meta *store.Meta, take func(*store.Upload) error) (info store.Info, created bool, err error) {
	end, err := rq.h.uploads.begin(rq.session, &rq.mount)
	if err != nil {
		return info, false, err
	}
	defer end()
	u, err := begin()
	if err != nil {
		return info, false, err
	}
	if n, foretold := expected(rq.r); foretold {
		err = u.Expect(n)
	}
	if err == nil {
		err = take(u)
	}
	if err != nil {
		u.Abort()
		return info, false, err
	}
	return u.Commit(rq.r.Context(), *meta)
}

// meta is what a PUT tells of its content; accepted means that the time is the
// client's.
func (rq *request) meta() (m store.Meta, accepted bool, err error) {
	m = store.Meta{Type: clientType(rq.r.Header)}
	m.Modified, accepted = clientTime(rq.r.Header)
	m.Sum, err = rq.announcedSum()
	return m, accepted, err
}

// stored answers for a file that was put.
func (rq *request) stored(info store.Info, created, accepted bool) {
	if accepted {
		rq.w.Header().Set("X-Oc-Mtime", "accepted")
	}
	// What goes into a drop box may have got another name: to who cannot see it,
	// nothing stands at the URL. RFC 9110, section 9.3.4
	// Where more is kept than was sent, it has to be read. RFC 4791, section 5.3.4
	if info.Held&policy.See != 0 && !info.Rewritten {
		rq.w.Header().Set("Etag", info.ETag())
		rq.tellDigests(&info.Entry, false)
	}
	tellScheduleTag(rq.w.Header(), &info.Entry)
	status := http.StatusOK // with content: RFC 9110, section 9.3.4
	if created {
		status = http.StatusCreated
	}
	if !rq.represent(status, stillThis(&info)) {
		rq.made(created)
	}
}

// takeIn reads the body into the upload. A realm is shown the whole of it first,
// which it may have to be told of again when it is kept.
func (rq *request) takeIn(u *store.Upload) (*store.Object, []byte, error) {
	realm := rq.mount.realm
	if realm == nil {
		_, err := u.ReadFrom(rq.r.Body)
		return nil, nil, bodyError(err)
	}
	body, err := io.ReadAll(http.MaxBytesReader(rq.w, rq.r.Body, realm.BodyMax+1))
	var tooLong *http.MaxBytesError
	if err != nil && !errors.As(err, &tooLong) {
		return nil, nil, bodyError(err)
	}
	object, err := realm.Inspect(rq, body)
	if err != nil {
		return nil, nil, err
	}
	_, err = u.Write(body)
	return object, body, err
}

// expected is the length that macOS Finder (WebDAVFS 3.0) foretells in a header
// of its own when it sends a body in chunks.
func expected(r *http.Request) (int64, bool) {
	if r.ContentLength >= 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(r.Header.Get("X-Expected-Entity-Length"), 10, 64)
	return n, err == nil && n >= 0
}

// bodyError tells the store's own errors from a body that broke off.
func bodyError(err error) error {
	var quota *store.QuotaError
	if err == nil {
		return nil
	}
	if errors.As(err, &quota) || errors.Is(err, store.ErrShort) || errors.Is(err, store.ErrDiskFull) {
		return err
	}
	return errors.Join(errBroken, err)
}

// clientType is a media type that says something, to be told on GET again.
func clientType(h http.Header) string {
	t := h.Get("Content-Type")
	switch {
	case len(t) > 200, t == "application/octet-stream", t == "application/x-www-form-urlencoded":
		return ""
	}
	for i := range len(t) {
		if t[i] < ' ' || t[i] > '~' {
			return ""
		}
	}
	return t
}

// clientTime is the modification time that sync clients send along, in seconds.
func clientTime(h http.Header) (t time.Time, ok bool) {
	n, err := strconv.ParseInt(h.Get("X-Oc-Mtime"), 10, 64)
	if err != nil || n <= 0 || n > 1<<40 {
		return time.Time{}, false
	}
	return time.Unix(n, 0), true
}
