package dav

import (
	"net/http"
	"strconv"
	"time"

	"davit/dav/wire"
	"davit/store"
)

// lock answers LOCK: a new lock, also on a name that does not exist, or the
// refresh of one. RFC 4918, section 9.10
func lock(rq *request) error {
	if err := rq.item(); err != nil {
		return err
	}
	depth, err := wire.ParseDepth(rq.r.Header.Get("Depth"))
	if err != nil {
		return err
	}
	if depth == wire.Depth1 { // RFC 4918, section 9.10.3
		return errDepth
	}
	body, err := rq.body()
	if err != nil {
		return err
	}
	t, err := rq.terms()
	if err != nil {
		return err
	}
	timeout := wire.ParseTimeout(rq.r.Header.Get("Timeout"))
	if len(body) == 0 {
		l, err := rq.session.Refresh(rq.r.Context(), rq.path, timeout, t)
		if err != nil {
			return err
		}
		return rq.locked(&l, http.StatusOK)
	}
	asked, err := wire.ParseLock(body)
	if err != nil {
		return err
	}
	l, created, err := rq.session.Lock(rq.r.Context(), rq.path, store.LockRequest{
		Owner: asked.Owner, Shared: asked.Shared, Infinite: depth != wire.Depth0, Timeout: timeout}, t)
	if err != nil {
		return err
	}
	rq.w.Header().Set("Lock-Token", "<"+l.Token+">") // RFC 4918, section 10.5
	if created {
		return rq.locked(&l, http.StatusCreated)
	}
	return rq.locked(&l, http.StatusOK)
}

// locked tells the lock as it stands. RFC 4918, section 9.10.1
func (rq *request) locked(l *store.Lock, status int) error {
	body := append([]byte(nil), `<?xml version="1.0" encoding="utf-8"?>`+"\n"+
		`<D:prop xmlns:D="DAV:"><D:lockdiscovery>`...)
	body = rq.appendLock(body, l, time.Now())
	body = append(body, "</D:lockdiscovery></D:prop>"...)
	rq.w.Header().Set("Content-Type", wire.ContentType)
	rq.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	rq.w.WriteHeader(status)
	_, err := rq.w.Write(body)
	return err
}
