package dav

import (
	"net/http"

	"davit/dav/wire"
	"davit/store"
)

// transfer is what COPY and MOVE say beside their two URLs.
type transfer struct {
	to        store.Path
	overwrite bool
	depth     wire.Depth
	terms     store.Terms
}

func (rq *request) transfer() (t transfer, err error) {
	if rq.kind != kindItem {
		return t, store.ErrReserved
	}
	if t.to, err = rq.destination(); err != nil {
		return t, err
	}
	if t.overwrite, err = wire.ParseOverwrite(rq.r.Header.Get("Overwrite")); err != nil {
		return t, err
	}
	if t.depth, err = wire.ParseDepth(rq.r.Header.Get("Depth")); err != nil {
		return t, err
	}
	if t.depth == wire.Depth1 { // RFC 4918, sections 9.8.3 and 9.9.2
		return t, errDepth
	}
	t.terms, err = rq.terms()
	return t, err
}

// copyTo answers COPY. RFC 4918, section 9.8
func copyTo(rq *request) error {
	t, err := rq.transfer()
	if err != nil {
		return err
	}
	placed, err := rq.session.Copy(rq.r.Context(), rq.path, t.to, t.overwrite, t.depth == wire.Depth0, t.terms)
	if err != nil {
		return err
	}
	rq.placed(placed)
	return nil
}

// move answers MOVE. RFC 4918, section 9.9
func move(rq *request) error {
	t, err := rq.transfer()
	if err != nil {
		return err
	}
	if t.depth == wire.Depth0 {
		return errDepth
	}
	placed, err := rq.session.Move(rq.r.Context(), rq.path, t.to, t.overwrite, t.terms)
	if err != nil {
		return err
	}
	rq.placed(placed)
	return nil
}

// placed answers for what a COPY or MOVE has put at its destination.
func (rq *request) placed(p store.Placed) {
	setScheduleTag(rq.w.Header(), p.ScheduleTag)
	rq.made(p.Created)
}

// made answers a change without more to tell.
func (rq *request) made(created bool) {
	status := http.StatusNoContent
	if created {
		status = http.StatusCreated
	}
	rq.w.WriteHeader(status)
}
