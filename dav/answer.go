package dav

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"davit/dav/wire"
	"davit/policy"
	"davit/store"
)

var (
	errUnknownMethod    = errors.New("unknown method")
	errMethodNotAllowed = errors.New("not for this resource")
	errDepth            = errors.New("this Depth is not for this method")
	errContentRange     = errors.New("a part of a file cannot be put; send the whole file without Content-Range")
	errMediaType        = errors.New("MKCOL takes no body of this kind")
	errBroken           = errors.New("the request body broke off")
	errReport           = errors.New("no report of this kind for this resource")
	errMacFile          = errors.New("files of macOS beside people's own are not wanted here")
)

// An answer is a status with what goes into the body.
type answer struct {
	status   int
	why      []wire.Precondition
	decision string // the ID under which it is kept, empty for what nobody decided
}

// answers maps errors that stand for one status. What carries details is in
// answerTo.
var answers = []struct {
	err    error
	status int
	name   string // of a DAV precondition
}{
	{store.ErrNotFound, http.StatusNotFound, ""},
	{store.ErrNoParent, http.StatusConflict, ""}, // RFC 4918, sections 9.3.1 and 9.7.1
	{store.ErrNotDir, http.StatusConflict, ""},
	{store.ErrIsDir, http.StatusMethodNotAllowed, ""},
	{store.ErrLoop, http.StatusForbidden, ""},
	{store.ErrReserved, http.StatusForbidden, ""},
	{store.ErrStale, http.StatusPreconditionFailed, ""},
	{store.ErrUnchanged, http.StatusNotModified, ""},
	{store.ErrShort, http.StatusBadRequest, ""},
	{store.ErrDigest, http.StatusBadRequest, ""},
	{store.ErrDiskFull, http.StatusInsufficientStorage, "sufficient-disk-space"}, // RFC 4331, section 6
	{store.ErrTooMany, http.StatusInsufficientStorage, ""},
	{wire.ErrACEs, http.StatusForbidden, "limited-number-of-aces"}, // RFC 3744, section 8.1.1
	{store.ErrMisplaced, http.StatusForbidden, ""},
	{store.ErrNoObject, http.StatusMethodNotAllowed, ""},
	{errReport, http.StatusForbidden, "supported-report"},               // RFC 3253, section 3.6
	{store.ErrSyncToken, http.StatusForbidden, "valid-sync-token"},      // RFC 6578, section 3.2
	{wire.ErrGrammar, http.StatusForbidden, "search-grammar-supported"}, // RFC 5323, section 2.4; RFC 3253, section 1.6
	{wire.ErrQuery, http.StatusUnprocessableEntity, ""},
	{wire.ErrScopes, http.StatusForbidden, "search-multiple-scope-supported"},
	{wire.ErrScope, http.StatusConflict, "search-scope-valid"}, // RFC 5323, section 5.4.2
	{wire.ErrTooLarge, http.StatusRequestEntityTooLarge, ""},
	{wire.ErrXML, http.StatusBadRequest, ""},
	{wire.ErrHeader, http.StatusBadRequest, ""},
	{wire.ErrDestination, http.StatusBadRequest, ""},
	{wire.ErrOtherHost, http.StatusBadGateway, ""}, // RFC 4918, section 9.8.5
	{wire.ErrOutside, http.StatusForbidden, ""},
	{errMacFile, http.StatusForbidden, ""},
	{errUnknownMethod, http.StatusNotImplemented, ""},
	{errMethodNotAllowed, http.StatusMethodNotAllowed, ""},
	{errDepth, http.StatusBadRequest, ""},
	{errContentRange, http.StatusBadRequest, ""}, // RFC 9110, section 14.5
	{errPartType, http.StatusUnsupportedMediaType, ""},
	{errMediaType, http.StatusUnsupportedMediaType, ""},
	{os.ErrDeadlineExceeded, http.StatusRequestTimeout, ""}, // RFC 9110, section 15.5.9
	{errBroken, http.StatusBadRequest, ""},
	{errUploads, http.StatusTooManyRequests, ""}, // RFC 6585, section 4
	{errBusy, http.StatusServiceUnavailable, ""},
	{io.ErrUnexpectedEOF, http.StatusBadRequest, ""},
}

// answerTo turns an error into an answer. It is the one place that does.
func (rq *request) answerTo(err error) answer {
	var (
		refused *store.Refused
		locked  *store.LockedError
		quota   *store.QuotaError
		large   *store.FileTooLargeError
		given   *store.Undelegated
		badPath *wire.PathError
		breaks  *Violation
		sameUID *store.UIDError
		broken  violated
		foreign *store.NotForOwner
	)
	switch {
	case errors.As(err, &refused):
		return rq.refusal(refused)
	case errors.As(err, &locked):
		return answer{status: http.StatusLocked, why: []wire.Precondition{rq.lockedBy(locked)}}
	case errors.As(err, &quota):
		return answer{http.StatusInsufficientStorage, quotaElements(quota), quota.ID}
	case errors.As(err, &large):
		return answer{status: http.StatusRequestEntityTooLarge, why: []wire.Precondition{own("max-file-size", strconv.FormatInt(int64(large.Max), 10))}}
	case errors.As(err, &breaks):
		return answer{status: breaks.Status, why: []wire.Precondition{breaks.Why, own("reason", breaks.Reason)}}
	case errors.As(err, &sameUID):
		return rq.uidConflict(sameUID)
	case errors.As(err, &badPath):
		return answer{status: http.StatusBadRequest}
	case errors.Is(err, store.ErrExists) && rq.r.Method == "MKCOL":
		return answer{status: http.StatusMethodNotAllowed} // RFC 4918, section 9.3.1
	case errors.Is(err, store.ErrExists) && rq.r.Method == "PUT":
		return answer{status: http.StatusConflict} // a drop box has no name left to give
	case errors.Is(err, store.ErrExists):
		return answer{status: http.StatusPreconditionFailed} // RFC 4918, section 10.6
	case errors.As(err, &given):
		return answer{http.StatusForbidden, append(dav("no-ace-conflict"), own("reason", given.Error())), given.ID} // RFC 3744, section 8.1.1
	case errors.As(err, &broken):
		return answer{status: http.StatusForbidden, why: dav(string(broken))} // RFC 3744, section 8.1.1
	case errors.Is(err, store.ErrMisplaced) && rq.mount.realm != nil:
		return answer{status: http.StatusForbidden, why: cal("calendar-collection-location-ok")} // RFC 4791, section 5.3.1.1
	case errors.Is(err, store.ErrComponent):
		return answer{status: http.StatusForbidden, why: cal("supported-calendar-component")} // RFC 4791, section 5.3.2.1
	case errors.As(err, &foreign):
		return answer{status: http.StatusForbidden, why: []wire.Precondition{rq.needsSchedule(foreign), own("reason", err.Error())}}
	case errors.Is(err, store.ErrNotAttached):
		return answer{status: http.StatusForbidden, why: append(cal("valid-managed-id-parameter"), own("reason", err.Error()))} // RFC 8607, section 3.11
	case errors.Is(err, store.ErrAttachments):
		return answer{status: http.StatusForbidden, why: cal("max-attachments-per-resource")} // RFC 8607, section 3.11
	case errors.Is(err, store.ErrScheduledAway):
		return answer{status: http.StatusForbidden, why: append(cal("allowed-organizer-scheduling-object-change"), own("reason", err.Error()))} // RFC 6638, section 3.2.4.3
	case errors.Is(err, store.ErrDefaultCalendar):
		return answer{status: http.StatusForbidden, why: cal("default-calendar-needed")} // RFC 6638, section 4.3.1.1
	case errors.Is(err, store.ErrNoLock) && rq.r.Method == "UNLOCK":
		return answer{status: http.StatusConflict, why: dav("lock-token-matches-request-uri")} // RFC 4918, section 9.11.1
	case errors.Is(err, store.ErrNoLock):
		return answer{status: http.StatusPreconditionFailed, why: dav("lock-token-matches-request-uri")}
	}
	for _, a := range answers {
		if errors.Is(err, a.err) {
			if a.name != "" {
				return answer{status: a.status, why: dav(a.name)}
			}
			return answer{status: a.status}
		}
	}
	return answer{status: http.StatusInternalServerError}
}

func dav(name string) []wire.Precondition {
	return []wire.Precondition{{Name: xml.Name{Space: wire.DAV, Local: name}}}
}

func cal(name string) []wire.Precondition {
	return []wire.Precondition{{Name: xml.Name{Space: calDAV, Local: name}}}
}

// uidConflict tells which object has the UID, to who may know.
// RFC 4791, section 5.3.2.1
// RFC 6638, section 3.2.4.1
func (rq *request) uidConflict(c *store.UIDError) answer {
	a := answer{status: http.StatusConflict, why: cal("no-uid-conflict")}
	if c.Elsewhere {
		a = answer{status: http.StatusForbidden, why: cal("unique-scheduling-object-resource")}
	}
	if c.Path != nil {
		a.why[0].Hrefs = []string{rq.href(c.Path, false)}
	}
	return a
}

func own(name, text string) wire.Precondition {
	return wire.Precondition{Name: xml.Name{Space: wire.NS, Local: name}, Text: text}
}

// refusal is 403 with the privileges that were missing, unless the very name is
// hidden. RFC 3744, section 7.1.1
func (rq *request) refusal(d *store.Refused) answer {
	if !d.Visible {
		return answer{status: http.StatusForbidden, decision: d.ID}
	}
	why := []wire.Precondition{needPrivileges(rq.href(d.Path, false), d.Missing)}
	if d.Cut == policy.CutByState && d.State == policy.Archived {
		why = append(why, own("archived", ""))
	}
	return answer{http.StatusForbidden, why, d.ID}
}

// needPrivileges names the privileges that are missing on a resource.
func needPrivileges(href string, missing policy.Rights) wire.Precondition {
	p := wire.Precondition{Name: davName("need-privileges")}
	for _, name := range privilegeNames(missing) {
		p.Privileges = append(p.Privileges, wire.Privilege{Href: href, Name: name})
	}
	return p
}

// lockedBy names the roots of the locks. RFC 4918, section 16
func (rq *request) lockedBy(l *store.LockedError) wire.Precondition {
	name := "lock-token-submitted"
	if rq.r.Method == "LOCK" {
		name = "no-conflicting-lock"
	}
	p := wire.Precondition{Name: xml.Name{Space: wire.DAV, Local: name}}
	for _, l := range l.Locks {
		p.Hrefs = append(p.Hrefs, rq.href(l.Root, false))
	}
	return p
}

// quotaElements tell which limit stands in the way. RFC 4331, section 6
func quotaElements(q *store.QuotaError) []wire.Precondition {
	return append(dav("quota-not-exceeded"),
		own("limit", strconv.FormatInt(int64(q.Usage.Limit), 10)),
		own("used", strconv.FormatInt(q.Usage.Used(), 10)),
		own("reserved", strconv.FormatInt(q.Usage.Reserved, 10)),
		own("in-trash", strconv.FormatInt(q.Usage.Trash, 10)),
		own("in-versions", strconv.FormatInt(q.Usage.Versions, 10)))
}

// decisionHeader carries the ID of a refusal, for who sees no body; davit explain
// --id tells why.
const decisionHeader = "Davit-Decision"

// answer writes the answer to an error.
func (rq *request) answer(err error) {
	if errors.Is(err, context.Canceled) && rq.r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // nobody is there to hear it
	}
	h := rq.w.Header()
	h.Del(preferenceApplied)
	if rq.representStale(err) {
		return
	}
	var told *problem
	if errors.As(err, &told) {
		rq.writeProblem(told)
		return
	}
	a := rq.answerTo(err)
	switch a.status {
	case http.StatusInternalServerError:
		rq.h.log.Error("request failed", "method", rq.r.Method, "path", loggedPath(rq.r), "error", err)
		http.Error(rq.w, "internal error", a.status)
		return
	case http.StatusNotModified:
		rq.w.WriteHeader(a.status)
		return
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(uploadRetrySeconds))
	case http.StatusMethodNotAllowed:
		allow := rq.allow() // RFC 9110, section 15.5.6
		if errors.Is(err, store.ErrIsDir) {
			allow = strings.Replace(allow, "PUT, ", "", 1)
		}
		h.Set("Allow", allow)
	}
	if a.decision != "" {
		h.Set(decisionHeader, a.decision)
		a.why = append(a.why, own("decision-id", a.decision))
	}
	if a.why != nil {
		h.Set("Content-Type", wire.ContentType)
		body := wire.AppendError(nil, a.why...)
		h.Set("Content-Length", strconv.Itoa(len(body)))
		rq.w.WriteHeader(a.status)
		rq.w.Write(body)
		return
	}
	text := http.StatusText(a.status)
	switch a.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadRequest, http.StatusBadGateway, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		text = err.Error()
	}
	http.Error(rq.w, text, a.status)
}

// allow lists the methods for the URL.
func (rq *request) allow() string {
	if rq.isBeyond() {
		return strings.Join(rq.methodsBeyond(), ", ")
	}
	switch rq.kind {
	case kindUpload:
		return strings.Join(uploadMethods, ", ")
	case kindPush:
		return strings.Join(pushMethods, ", ")
	case kindItem:
		if rq.mount.realm != nil && rq.isOutbox() {
			return "OPTIONS, GET, HEAD, POST, PROPFIND, PROPPATCH, REPORT, ACL, LOCK, UNLOCK" // RFC 6638, section 5
		}
		if rq.mount.realm != nil && (len(rq.path) == calendarNames || rq.isObject()) {
			return "OPTIONS, GET, HEAD, POST, PUT, DELETE, MKCOL, COPY, MOVE, PROPFIND, PROPPATCH, REPORT, SEARCH, ACL, LOCK, UNLOCK"
		}
		if rq.session.MayPush() {
			return "OPTIONS, GET, HEAD, POST, PUT, DELETE, MKCOL, COPY, MOVE, PROPFIND, PROPPATCH, REPORT, SEARCH, ACL, LOCK, UNLOCK"
		}
		return "OPTIONS, GET, HEAD, PUT, DELETE, MKCOL, COPY, MOVE, PROPFIND, PROPPATCH, REPORT, SEARCH, ACL, LOCK, UNLOCK"
	case kindPrincipal:
		if len(rq.url) == proxyDepth {
			return "OPTIONS, GET, HEAD, PROPFIND, PROPPATCH, REPORT"
		}
		return "OPTIONS, GET, HEAD, PROPFIND, REPORT"
	case kindFeed:
		return "OPTIONS, GET, HEAD"
	}
	if rq.mount.realm != nil {
		return "OPTIONS, GET, HEAD, PUT, DELETE, MKCOL, MKCALENDAR, COPY, MOVE, PROPFIND, PROPPATCH, REPORT, ACL, LOCK, UNLOCK"
	}
	return "OPTIONS, GET, HEAD, PROPFIND, REPORT, SEARCH"
}

// options answers OPTIONS, everywhere.
func options(rq *request) error {
	rq.w.Header().Set("Allow", rq.allow())
	rq.takesUploads()
	if rq.kind != kindPrincipal && rq.kind != kindUpload && rq.kind != kindPush {
		rq.w.Header()["Dasl"] = grammars
	}
	rq.w.WriteHeader(http.StatusOK)
	return nil
}
