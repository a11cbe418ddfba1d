package davit_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"davit/admin"
	"davit/dav/davtest"
)

// statusOf is the status that an interface over HTTP gives for an error.
var statusOf = map[admin.Kind]int{
	admin.NotFound: http.StatusNotFound, admin.Conflict: http.StatusConflict,
	admin.Refused: http.StatusForbidden, admin.Invalid: http.StatusBadRequest,
}

// ask answers a request below /admin by the commands, as JSON.
func (r *run) ask(d *do) (*davtest.Response, string, error) {
	u, err := url.Parse(d.At)
	if err != nil {
		return nil, "", mistake{err}
	}
	q, what := u.Query(), strings.TrimPrefix(u.Path, "/admin/")
	door, ctx := admin.New(r.server.Store, r.server.Auth).As(d.Who), context.Background()
	var result any
	switch {
	case what == "audit":
		limit, _ := strconv.Atoi(q.Get("limit"))
		result, err = admin.ListAudit.Do(ctx, door, admin.AuditQuery{Limit: limit})
	case what == "who":
		result, err = r.askWho(ctx, door, q)
	default:
		return nil, "", notYet("/admin/" + what)
	}
	var told *admin.Error
	if errors.As(err, &told) {
		status := statusOf[told.Kind]
		return &davtest.Response{Method: d.Method, Path: d.At, Status: status, Header: http.Header{}, Body: told.Text}, strconv.Itoa(status), nil
	} else if err != nil {
		return nil, "", err
	}
	body, err := json.Marshal(result)
	return &davtest.Response{Method: d.Method, Path: d.At, Status: http.StatusOK, Header: http.Header{}, Body: string(body)}, "200", err
}

// askWho asks who holds a right at a path, now or at the beginning of the case.
func (r *run) askWho(ctx context.Context, door admin.Doer, q url.Values) (any, error) {
	at, err := r.storePath(q.Get("at"))
	if err != nil {
		return nil, err
	}
	place := admin.Place{Path: at.String()}
	var all []admin.Holder
	if q.Get("epoch") == "first" {
		past, err := admin.WhoThen.Do(ctx, door, admin.PastPlace{Place: place, Epoch: r.first})
		if err != nil {
			return nil, err
		}
		all = past.Holders
	} else if all, err = admin.Who.Do(ctx, door, place); err != nil {
		return nil, err
	}
	right, err := parseRights(words{q.Get("right")})
	if err != nil {
		return nil, mistake{err}
	}
	var holders []admin.Holder
	for _, h := range all {
		if right&^h.Rights == 0 {
			holders = append(holders, h)
		}
	}
	return holders, nil
}
