package dav

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"davit/dav/wire"
	"davit/store"
)

// A PUT that says whether it is complete goes on, when it is interrupted, at a URL
// of its own: draft-ietf-httpbis-resumable-upload-12. That URL is the beginner's
// alone. Links and calendars take a PUT whole.

// uploadsName is the name in the mount below which uploads stand.
const uploadsName = ".upload"

const statusResumable = 104 // Upload Resumption Supported

// uploadMethods are those of an upload.
var uploadMethods = []string{"OPTIONS", "HEAD", "PATCH", "DELETE"}

// Problems that the draft names, section 7. RFC 9457
const (
	problems          = "https://iana.org/assignments/http-problem-types#"
	problemOffset     = problems + "mismatching-upload-offset"
	problemCompleted  = problems + "completed-upload"
	problemLength     = problems + "inconsistent-upload-length"
	problemType       = "application/problem+json"
	uploadHeadersSize = store.NoteMax // bytes of the headers that are kept with an upload
)

var (
	errPartType  = errors.New("what is appended to an upload is " + wire.PartialUpload)
	errPartState = fmt.Errorf("%w: an append tells Upload-Offset and Upload-Complete", wire.ErrHeader)
	errNote      = fmt.Errorf("%w: the headers of an upload are longer than %d bytes", wire.ErrHeader, uploadHeadersSize)
)

// A problem is an answer that the draft has a type for.
type problem struct {
	status int
	offset int64 // to be told, -1 for none
	body   map[string]any
}

func (p *problem) Error() string { return fmt.Sprint(p.body["title"]) }

// resumes tells whether the request begins an upload over several requests, and
// whether it brings the whole.
func (rq *request) resumes() (complete, does bool) {
	if rq.kind != kindItem || rq.mount.realm != nil || rq.session.IsLink() {
		return false, false
	}
	return wire.ParseUploadComplete(rq.r.Header)
}

// keptHeaders are those of the first request that count when the upload is
// complete.
var keptHeaders = []string{"If", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Content-Type", "X-Oc-Mtime", "Repr-Digest", "Want-Repr-Digest"}

// beginUpload answers a PUT that may be interrupted. Section 4.2.2
func (rq *request) beginUpload(complete bool) error {
	length, err := rq.uploadLength(complete, 0)
	if err != nil {
		return err
	}
	kept := http.Header{}
	for _, name := range keptHeaders {
		if values := rq.r.Header[name]; len(values) > 0 {
			kept[name] = values
		}
	}
	note, err := json.Marshal(kept)
	if err == nil && len(note) > uploadHeadersSize {
		err = errNote
	}
	if err != nil {
		return err
	}
	if _, err := rq.announcedSum(); err != nil {
		return err
	}
	t, err := rq.terms()
	if err != nil {
		return err
	}
	end, err := rq.h.uploads.begin(rq.session, &rq.mount)
	if err != nil {
		return err
	}
	defer end()
	up, err := rq.session.BeginResumable(rq.r.Context(), rq.path, length, t, note)
	if err != nil {
		return err
	}
	announced := rq.announceUpload(&up)
	err = rq.goOn(&up, complete, http.StatusCreated)
	if err != nil && !announced && !up.Complete {
		// Nobody knows where it would go on.
		rq.w.Header().Del("Location")
		if cancelErr := rq.session.Cancel(context.WithoutCancel(rq.r.Context()), up.ID); !errors.Is(cancelErr, store.ErrNotFound) {
			err = errors.Join(err, cancelErr)
		}
	}
	return err
}

// uploadLength is the length of the whole as the request tells it, -1 if it does
// not. Section 4.1.3
func (rq *request) uploadLength(complete bool, offset int64) (int64, error) {
	length := wire.ParseUploadNumber(rq.r.Header, "Upload-Length")
	if complete && rq.r.ContentLength >= 0 {
		if sum := offset + rq.r.ContentLength; length < 0 || length == sum {
			return sum, nil
		}
		return -1, lengthProblem()
	}
	return length, nil
}

func lengthProblem() *problem {
	return &problem{http.StatusBadRequest, -1, map[string]any{"type": problemLength, "title": "the length of the upload is not the one announced"}}
}

// announceUpload tells clients that speak this very draft where the upload goes on,
// before its content is read, and says whether it did. Section 6
func (rq *request) announceUpload(up *store.Resumable) bool {
	h := rq.w.Header()
	rq.tellUpload(up)
	if rq.r.Header.Get("Upload-Draft-Interop-Version") != wire.InteropVersion || !rq.r.ProtoAtLeast(1, 1) {
		return false
	}
	h.Set("Upload-Draft-Interop-Version", wire.InteropVersion)
	rq.w.WriteHeader(statusResumable)
	h.Del("Upload-Draft-Interop-Version")
	return true
}

func (rq *request) tellUpload(up *store.Resumable) {
	h := rq.w.Header()
	h.Set("Location", rq.uploadHref(up))
	h.Set("Upload-Limit", rq.uploadLimit(up))
}

func (rq *request) uploadHref(up *store.Resumable) string {
	return string(wire.AppendHref(nil, Prefix, wire.Path{uploadsName, up.ID}, false))
}

func (rq *request) uploadLimit(up *store.Resumable) string {
	age := max(0, int64(up.Left/time.Second))
	return string(wire.AppendUploadLimit(nil, up.SizeMax, age))
}

// goOn takes in the request's content and answers for what the upload is then.
func (rq *request) goOn(up *store.Resumable, complete bool, status int) error {
	length, err := rq.uploadLength(complete, up.Offset)
	if err != nil {
		return err
	}
	body := &stoppable{Reader: rq.r.Body, w: rq.w}
	got, err := rq.session.Append(rq.r.Context(), up.ID, up.Offset, length, body, body.stop)
	if err != nil {
		return rq.uploadBroken(up, got, err)
	}
	*up = got
	h := rq.w.Header()
	if complete {
		h.Set("Upload-Complete", "?1")
		h.Del("Location")
		h.Del("Upload-Limit")
		return rq.finishUpload(up)
	}
	h.Set("Upload-Complete", "?0")
	h.Set("Upload-Offset", strconv.FormatInt(up.Offset, 10))
	rq.w.WriteHeader(status)
	return nil
}

// uploadBroken is the error of a request whose content was not taken in. An upload
// that got longer than it may is no more. Section 4.4.2
func (rq *request) uploadBroken(up *store.Resumable, got store.Resumable, err error) error {
	var off *store.OffsetError
	var large *store.FileTooLargeError
	switch {
	case errors.As(err, &off):
		return &problem{http.StatusConflict, off.Expected, map[string]any{"type": problemOffset, "title": "the upload is at another offset",
			"expected-offset": off.Expected, "provided-offset": off.Provided}}
	case errors.Is(err, store.ErrCompleted):
		return &problem{http.StatusBadRequest, got.Offset, map[string]any{"type": problemCompleted, "title": "the upload is complete"}}
	case errors.Is(err, store.ErrOverrun):
		return errors.Join(lengthProblem(), rq.session.Cancel(context.WithoutCancel(rq.r.Context()), up.ID))
	case errors.Is(err, store.ErrLength):
		return lengthProblem()
	case errors.As(err, &large):
		rq.w.Header().Set("Upload-Limit", rq.uploadLimit(&got))
		return errors.Join(err, rq.session.Cancel(context.WithoutCancel(rq.r.Context()), up.ID))
	}
	return partError(err)
}

// partError tells a body that broke off from what the store refuses.
func partError(err error) error {
	var refused *store.Refused
	if errors.As(err, &refused) || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrTooMany) || errors.Is(err, store.ErrNoParent) || errors.Is(err, store.ErrIsDir) {
		return err
	}
	return bodyError(err)
}

// finishUpload makes the upload what the PUT with which it began would have made.
func (rq *request) finishUpload(up *store.Resumable) error {
	var kept http.Header
	if err := json.Unmarshal(up.Note, &kept); err != nil {
		return fmt.Errorf("headers of upload %s: %w", up.ID, err)
	}
	first := *rq
	first.r = rq.r.Clone(rq.r.Context())
	first.r.Method, first.r.Header = http.MethodPut, kept
	first.kind, first.path, first.url = kindItem, up.Path, rq.urlOf(up.Path)
	t, err := first.terms()
	if err != nil {
		return err
	}
	meta, accepted, err := first.meta()
	if err != nil {
		return err
	}
	info, created, err := rq.session.Finish(rq.r.Context(), up.ID, t, meta)
	if err != nil {
		if first.answerTo(err).status < http.StatusInternalServerError {
			err = errors.Join(err, rq.session.Cancel(context.WithoutCancel(rq.r.Context()), up.ID)) // to go on would not help
		}
		return err
	}
	first.stored(info, created, accepted)
	return nil
}

// upload answers for an upload.
func (rq *request) upload() error {
	switch rq.r.Method {
	case "HEAD":
		return rq.uploadState()
	case "PATCH":
		return rq.appendUpload()
	case "DELETE":
		if err := rq.session.Cancel(rq.r.Context(), rq.url[1]); err != nil {
			return err
		}
		rq.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return errMethodNotAllowed
}

// patch answers PATCH for what is no upload.
func patch(*request) error { return errMethodNotAllowed }

// uploadState tells how far an upload is. Section 4.3.2
func (rq *request) uploadState() error {
	up, err := rq.session.Resumable(rq.r.Context(), rq.url[1])
	if err != nil {
		return err
	}
	h := rq.w.Header()
	h.Set("Upload-Offset", strconv.FormatInt(up.Offset, 10))
	h.Set("Upload-Complete", map[bool]string{true: "?1", false: "?0"}[up.Complete])
	if up.Length >= 0 {
		h.Set("Upload-Length", strconv.FormatInt(up.Length, 10))
	}
	h.Set("Upload-Limit", rq.uploadLimit(&up))
	h.Set("Cache-Control", "no-store")
	rq.w.WriteHeader(http.StatusNoContent)
	return nil
}

// appendUpload takes in what follows. Section 4.4.2
func (rq *request) appendUpload() error {
	// What is not there is not there whatever is wrong with the request.
	up, err := rq.session.Resumable(rq.r.Context(), rq.url[1])
	if err != nil {
		return err
	}
	if t, _, err := mime.ParseMediaType(rq.r.Header.Get("Content-Type")); err != nil || t != wire.PartialUpload {
		rq.w.Header().Set("Accept-Patch", wire.PartialUpload)
		return errPartType
	}
	complete, told := wire.ParseUploadComplete(rq.r.Header)
	offset := wire.ParseUploadNumber(rq.r.Header, "Upload-Offset")
	if !told || offset < 0 {
		return errPartState
	}
	end, err := rq.h.uploads.begin(rq.session, &rq.mount)
	if err != nil {
		return err
	}
	defer end()
	up.Offset = offset
	return rq.goOn(&up, complete, http.StatusNoContent)
}

// takesUploads tells clients that ask what a file's URL can do. Section 4.1.4
func (rq *request) takesUploads() {
	if rq.kind == kindItem && rq.mount.realm == nil && !rq.isBeyond() && !rq.session.IsLink() {
		h := rq.w.Header()
		h.Set("Accept-Patch", wire.PartialUpload)
		h.Set("Upload-Limit", string(wire.AppendUploadLimit(nil, 0, int64(store.ResumableKept/time.Second))))
	}
}

// writeProblem answers with a problem of the draft.
func (rq *request) writeProblem(p *problem) {
	h := rq.w.Header()
	body, err := json.Marshal(p.body)
	if err != nil {
		panic(err) // the body is ours
	}
	if p.offset >= 0 {
		h.Set("Upload-Offset", strconv.FormatInt(p.offset, 10))
	}
	h.Set("Content-Type", problemType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	rq.w.WriteHeader(p.status)
	rq.w.Write(body)
}

// A stoppable is a body that another request may end. A read that waits is woken by
// the deadline of its connection.
type stoppable struct {
	io.Reader
	w       http.ResponseWriter
	stopped atomic.Bool
}

func (b *stoppable) stop() {
	b.stopped.Store(true)
	http.NewResponseController(b.w).SetReadDeadline(time.Now())
}

func (b *stoppable) Read(p []byte) (int, error) {
	if b.stopped.Load() {
		return 0, io.ErrUnexpectedEOF
	}
	return b.Reader.Read(p)
}
