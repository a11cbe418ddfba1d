package dav

import (
	"errors"
	"io"
	"net/http"
	"strconv"

	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

// The preferences that answers say they honoured: RFC 7240, section 3.
const (
	returnMinimal        = "return=minimal"
	returnRepresentation = "return=representation"
	depthNoRoot          = "depth-noroot"
	preferenceApplied    = "Preference-Applied"
)

// applied says that the answer is as the client prefers it.
func (rq *request) applied(preference string) {
	rq.w.Header().Add(preferenceApplied, preference)
}

// represent answers a PUT with the content that the file has now, under the
// given status, when the client prefers that and may read it. It tells whether it
// did. A link's readings are counted, so its bearer has to GET.
// RFC 8144, section 3
func (rq *request) represent(status int, is func(*store.File) bool) bool {
	if rq.session.IsLink() || !wire.ParsePrefer(rq.r.Header).Representation {
		return false
	}
	f, err := rq.session.Open(rq.path, store.Terms{})
	if err != nil {
		return false // it is not there, or not for the client to read
	}
	defer f.Close()
	if !is(f) {
		return false
	}
	rq.describe(f)
	rq.applied(returnRepresentation)
	h := rq.w.Header()
	h.Set("Content-Location", rq.href(rq.path, false))
	h.Set("Content-Length", strconv.FormatInt(f.Size, 10))
	h.Set("Last-Modified", string(wire.AppendHTTPTime(nil, f.Modified)))
	rq.w.WriteHeader(status)
	io.Copy(rq.w, f.Content()) // an error here is a client that has gone
	return true
}

// stillThis: the file is as the upload left it.
func stillThis(info *store.Info) func(*store.File) bool {
	return func(f *store.File) bool { return info.Held&policy.See != 0 && f.ETag() == info.ETag() }
}

// representStale answers a PUT whose condition failed with what is there instead.
// RFC 8144, section 3.2
func (rq *request) representStale(err error) bool {
	return rq.r.Method == "PUT" && rq.kind == kindItem && errors.Is(err, store.ErrStale) &&
		rq.represent(http.StatusPreconditionFailed, func(*store.File) bool { return true })
}
