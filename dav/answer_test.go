package dav

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

func asked(method string, log *slog.Logger) (*request, *httptest.ResponseRecorder) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, "/dav/Team/a.txt", nil)
	return &request{mount: mount{prefix: Prefix}, h: New(Config{Log: log}), w: w, r: r, kind: kindItem, path: store.Path{"Team", "a.txt"}}, w
}

// TestAnswers holds every error to its status and body, also when it is wrapped.
func TestAnswers(t *testing.T) {
	refused := func(missing policy.Rights, cut policy.Ceiling, state policy.SpaceState) error {
		return &store.Refused{Denied: policy.Denied{Missing: missing, Visible: true, Cut: cut}, Path: store.Path{"Team", "a b"}, State: state}
	}
	locked := &store.LockedError{Locks: []store.Lock{{Root: store.Path{"Team", "x"}}, {Root: store.Path{"Team"}}}}
	quota := &store.QuotaError{Usage: policy.Usage{Limit: 100, Live: 50, Trash: 20, Reserved: 10}, Need: 30}
	const need = `<D:need-privileges><D:resource><D:href>/dav/Team/a%20b</D:href><D:privilege>`
	rows := []answerRow{
		{"GET", store.ErrNotFound, 404, ""},
		{"GET", &store.Refused{Path: store.Path{"Team", "hidden"}}, 403, ""}, // the name is hidden
		{"GET", refused(policy.Read, "", policy.Active), 403, need + `<D:read/></D:privilege>`},
		{"PUT", refused(policy.Write, policy.CutByState, policy.Archived), 403, `<x:archived xmlns:x="urn:davit"/>`},
		{"PUT", refused(policy.Write, policy.CutByCredential, policy.Archived), 403, need + `<D:write-content/></D:privilege></D:resource></D:need-privileges></D:error>`},
		{"PUT", refused(policy.Write, policy.CutByState, policy.Trashed), 403, need + `<D:write-content/></D:privilege></D:resource></D:need-privileges></D:error>`},
		{"PUT", locked, 423, `<D:lock-token-submitted><D:href>/dav/Team/x</D:href><D:href>/dav/Team</D:href></D:lock-token-submitted>`},
		{"LOCK", locked, 423, `<D:no-conflicting-lock><D:href>/dav/Team/x</D:href>`},
		{"PUT", quota, 507, `<D:quota-not-exceeded/><x:limit xmlns:x="urn:davit">100</x:limit><x:used xmlns:x="urn:davit">70</x:used>` +
			`<x:reserved xmlns:x="urn:davit">10</x:reserved><x:in-trash xmlns:x="urn:davit">20</x:in-trash>`},
		{"PUT", &store.FileTooLargeError{Max: 1000}, 413, `<x:max-file-size xmlns:x="urn:davit">1000</x:max-file-size>`},
		{"PUT", store.ErrDiskFull, 507, `<D:sufficient-disk-space/>`},
		{"PROPPATCH", store.ErrTooMany, 507, ""},
		{"MKCOL", store.ErrExists, 405, ""},
		{"MOVE", store.ErrExists, 412, ""},
		{"PUT", store.ErrExists, 409, ""},
		{"PUT", store.ErrNoParent, 409, ""},
		{"PROPFIND", store.ErrNotDir, 409, ""},
		{"PUT", store.ErrIsDir, 405, ""},
		{"COPY", store.ErrLoop, 403, ""},
		{"DELETE", store.ErrReserved, 403, ""},
		{"PUT", store.ErrStale, 412, ""},
		{"GET", store.ErrUnchanged, 304, ""},
		{"PUT", store.ErrShort, 400, ""},
		{"UNLOCK", store.ErrNoLock, 409, `<D:lock-token-matches-request-uri/>`},
		{"LOCK", store.ErrNoLock, 412, `<D:lock-token-matches-request-uri/>`},
		{"ACL", &store.Undelegated{Err: policy.ErrForbidden}, 403, `<D:no-ace-conflict/><x:reason xmlns:x="urn:davit">`},
		{"ACL", wire.ErrACEs, 403, `<D:limited-number-of-aces/>`},
		{"ACL", violated("no-invert"), 403, `<D:no-invert/>`},
		{"REPORT", errReport, 403, `<D:supported-report/>`},
		{"REPORT", store.ErrSyncToken, 403, `<D:valid-sync-token/>`},
		{"SEARCH", wire.ErrGrammar, 403, `<D:search-grammar-supported/>`},
		{"SEARCH", wire.ErrQuery, 422, ""},
		{"SEARCH", wire.ErrScopes, 403, `<D:search-multiple-scope-supported/>`},
		{"SEARCH", wire.ErrScope, 409, `<D:search-scope-valid/>`},
		{"COPY", store.ErrMisplaced, 403, ""},
		{"COPY", store.ErrComponent, 403, `<x:supported-calendar-component xmlns:x="urn:ietf:params:xml:ns:caldav"/>`},
		{"POST", store.ErrNoObject, 405, ""},
		{"PUT", store.ErrNotAttached, 403, `<x:valid-managed-id-parameter xmlns:x="urn:ietf:params:xml:ns:caldav"/>`},
		{"POST", store.ErrAttachments, 403, `<x:max-attachments-per-resource xmlns:x="urn:ietf:params:xml:ns:caldav"/>`},
		{"PUT", &store.UIDError{}, 409, `<x:no-uid-conflict xmlns:x="urn:ietf:params:xml:ns:caldav"/>`},
		{"PUT", &Violation{Status: 403, Why: cal("valid-calendar-data")[0], Reason: "a reason"}, 403, "valid-calendar-data"},
		{"GET", &wire.PathError{Reason: "a reason"}, 400, ""},
		{"LOCK", wire.ErrTooLarge, 413, ""},
		{"LOCK", wire.ErrXML, 400, ""},
		{"LOCK", wire.ErrHeader, 400, ""},
		{"COPY", wire.ErrDestination, 400, ""},
		{"COPY", wire.ErrOtherHost, 502, ""},
		{"COPY", wire.ErrOutside, 403, ""},
		{"PUT", errMacFile, 403, ""},
		{"BREW", errUnknownMethod, 501, ""},
		{"PUT", errMethodNotAllowed, 405, ""},
		{"MOVE", errDepth, 400, ""},
		{"PUT", errContentRange, 400, ""},
		{"MKCOL", errMediaType, 415, ""},
		{"PATCH", errPartType, 415, ""},
		{"PUT", errBroken, 400, ""},
		{"PUT", store.ErrDigest, 400, ""},
		{"PUT", io.ErrUnexpectedEOF, 400, ""},
		{"PUT", os.ErrDeadlineExceeded, 408, ""},
		{"PUT", errUploads, 429, ""},
		{"PUT", errBusy, 503, ""},
	}
	for _, row := range rows {
		for _, err := range []error{row.err, fmt.Errorf("in passing: %w", row.err), errors.Join(errors.New("besides"), row.err)} {
			rq, w := asked(row.method, slog.New(slog.NewTextHandler(failing{t}, nil)))
			rq.answer(err)
			if w.Code != row.status || !strings.Contains(w.Body.String(), row.body) || (row.body != "") != strings.Contains(w.Body.String(), "<D:error") {
				t.Errorf("%s, %v: %d instead of %d\n%s", row.method, err, w.Code, row.status, w.Body)
			}
			if got := w.Header().Get("Allow") != ""; got != (row.status == 405) {
				t.Errorf("%s, %v: Allow %q", row.method, err, w.Header().Get("Allow"))
			}
			if row.body != "" && w.Header().Get("Content-Type") != wire.ContentType {
				t.Errorf("%s, %v: Content-Type %q", row.method, err, w.Header().Get("Content-Type"))
			}
		}
	}
	for _, a := range answers {
		if !slices.ContainsFunc(rows, func(row answerRow) bool { return row.err == a.err }) {
			t.Errorf("%v is not held to its status", a.err)
		}
	}
}

type answerRow struct {
	method string
	err    error
	status int
	body   string // what it holds; "" for nothing but text
}

// failing fails the test with what is logged.
type failing struct{ t *testing.T }

func (f failing) Write(p []byte) (int, error) {
	f.t.Errorf("logged: %s", p)
	return len(p), nil
}

// What nobody foresaw is the log's, not the client's.
func TestUnforeseenError(t *testing.T) {
	var log bytes.Buffer
	rq, w := asked("GET", slog.New(slog.NewTextHandler(&log, nil)))
	rq.answer(errors.New("bolt: page 7 is odd"))
	if w.Code != 500 || strings.Contains(w.Body.String(), "bolt") || !strings.Contains(log.String(), "page 7 is odd") {
		t.Errorf("%d %s\nlog: %s", w.Code, w.Body, log.String())
	}
}

// A client that went away gets no answer and is no error.
func TestNobodyListens(t *testing.T) {
	rq, w := asked("COPY", slog.New(slog.NewTextHandler(failing{t}, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rq.r = rq.r.WithContext(ctx)
	defer func() {
		if recover() == nil || w.Body.Len() > 0 {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
	}()
	rq.answer(fmt.Errorf("copy: %w", context.Canceled))
}

// A panic is logged and answered, and its text stays here.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	methods["PANIC"] = func(*request) error { panic("an invariant is broken") }
	defer delete(methods, "PANIC")
	w := httptest.NewRecorder()
	New(Config{Log: slog.New(slog.NewTextHandler(&log, nil))}).Serve(w, httptest.NewRequest("PANIC", "/dav/", nil), nil)
	if w.Code != 500 || strings.Contains(w.Body.String(), "invariant") || !strings.Contains(log.String(), "an invariant is broken") {
		t.Errorf("%d %s\nlog: %s", w.Code, w.Body, log.String())
	}
}

// TestLoggedPath: the log names no token.
func TestLoggedPath(t *testing.T) {
	for path, want := range map[string]string{
		"/dav/home/a.txt": "/dav/home/a.txt", "/": "/", "/s": "/s", "/s/token": "/s/-/", "/s/token/": "/s/-/", "/s/token/a/b.txt": "/s/-/a/b.txt",
	} {
		r := httptest.NewRequest("GET", "http://host"+path, nil)
		if got := loggedPath(r); got != want {
			t.Errorf("%s is logged as %s", path, got)
		}
	}
}
