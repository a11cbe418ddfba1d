package admin

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"davit/policy"
	"davit/policy/text"
	"davit/store"
)

// A method is what the gate is asked about for a request, and what a client gets
// when it says yes. Locks, conditions and quota come after and are no part of it.
type method struct {
	act  store.Act
	done int // the status of a success
	made int // the same where something comes into being; 0: nothing does
}

var methods = map[string]method{
	http.MethodGet:    {store.ActRead, http.StatusOK, 0},
	http.MethodHead:   {store.ActRead, http.StatusOK, 0},
	"PROPFIND":        {store.ActStat, http.StatusMultiStatus, 0},
	"REPORT":          {store.ActStat, http.StatusMultiStatus, 0},
	"PROPPATCH":       {store.ActProps, http.StatusMultiStatus, 0},
	http.MethodPut:    {store.ActWrite, http.StatusNoContent, http.StatusCreated},
	http.MethodPost:   {store.ActAttach, http.StatusCreated, 0},
	"MKCOL":           {store.ActMkdir, http.StatusCreated, http.StatusCreated},
	"MKCALENDAR":      {store.ActMkCalendar, http.StatusCreated, http.StatusCreated},
	"LOCK":            {store.ActLock, http.StatusOK, http.StatusCreated},
	"UNLOCK":          {store.ActUnlock, http.StatusNoContent, 0},
	http.MethodDelete: {store.ActRemove, http.StatusNoContent, 0},
	"COPY":            {store.ActCopy, http.StatusNoContent, http.StatusCreated},
	"MOVE":            {store.ActMove, http.StatusNoContent, http.StatusCreated},
	"ACL":             {store.ActManage, http.StatusOK, 0},
}

// transfers tells whether the method has a destination.
func (m method) transfers() bool { return m.act == store.ActCopy || m.act == store.ActMove }

// methodNames lists the methods that can be asked about.
func methodNames() string {
	var names []string
	for name := range methods {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// success is the status of what goes well.
func (m method) success(made bool) int {
	if made && m.made != 0 {
		return m.made
	}
	return m.done
}

// refusals are the statuses of what the gate says no with, and what that means
// to a reader.
var refusals = []struct {
	err    error
	status int
	why    string
}{
	{store.ErrNotFound, http.StatusNotFound, "hidden: answered like something that is not there"},
	{store.ErrNoParent, http.StatusConflict, "the folder is hidden: answered as if it were not there"},
	{store.ErrReserved, http.StatusForbidden, "the root of a space is changed by its own commands"},
	{store.ErrExists, http.StatusMethodNotAllowed, "something stands there already"},
	{store.ErrIsDir, http.StatusMethodNotAllowed, "a folder stands there, which has no content of its own"},
	{store.ErrMisplaced, http.StatusForbidden, "among the calendars stand calendars, in these calendar objects, and nothing else"},
	{store.ErrNoObject, http.StatusMethodNotAllowed, "attachments are posted to an object of a calendar"},
	{store.ErrLoop, http.StatusForbidden, "a folder cannot go into itself, nor into the place of one that it stands in"},
}

// refuse turns the check down as the gate did.
func (c *Check) refuse(err error) {
	c.Allowed = false
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			c.Status, c.Why = r.status, r.why
			return
		}
	}
	c.Status = http.StatusForbidden
	var refused *store.Refused
	switch {
	case errors.As(err, &refused) && !refused.Visible:
		c.Why = "something stands there that is hidden from the user"
	case c.Wanted&^c.Held == 0:
		c.Why = "something below is hidden from the user, or kept"
	}
}

// explainMethod has the gate try the request, and tells what it asked and heard.
func (a *Admin) explainMethod(q Question, sub policy.Subject, p store.Path, m method) (Answer, error) {
	var to store.Path
	var err error
	switch {
	case m.transfers() && q.To == "":
		return Answer{}, invalid("add --to PATH", "%s needs a destination", q.Ask)
	case !m.transfers() && q.To != "":
		return Answer{}, invalid("only COPY and MOVE do", "%s has no destination", q.Ask)
	case m.transfers():
		if to, err = ParsePath(q.To); err != nil {
			return Answer{}, err
		}
	}
	t, err := a.op.Try(sub, m.act, p, to)
	if err != nil {
		return Answer{}, err
	}
	checks := make([]Check, len(t.Judgements))
	for i := range t.Judgements {
		j := &t.Judgements[i]
		if err := leadsNowhere(j); err != nil {
			return Answer{}, err
		}
		checks[i] = a.judged(j, m.success(t.Made))
	}
	last := &checks[len(checks)-1]
	if last.Allowed && t.Err != nil {
		last.refuse(t.Err) // for a reason that is no matter of rights
	}
	if n := len(t.Renamed); n > 0 {
		last.Why += fmt.Sprintf("; the name is taken, which a drop box does not tell: stored as %q", t.Renamed[n-1])
	}
	return a.answer(q, sub, p, checks), nil
}

// leadsNowhere is the error for a path of which more is missing than its last
// name: that is no question of rights.
func leadsNowhere(j *store.Judgement) error {
	switch {
	case j.Missing == 0, j.Err == nil, j.Missing == 1 && len(j.Path) > 1 && j.Err != store.ErrNoParent:
		return nil
	case len(j.Path) == 1:
		return notFound("davit space list", "%s: there is no such space", j.Path)
	}
	return notFound("", "%s: nothing stands there, and %s is no folder", j.Path, j.Path[:len(j.Path)-1])
}

// judged is one judgement of the gate as a check.
func (a *Admin) judged(j *store.Judgement, success int) Check {
	state := a.st.Policy()
	c := checkOf(state, j.Path[:len(j.Path)-j.Missing], j.Wanted, &j.Explanation)
	c.Allowed, c.Status = true, success
	if j.Err != nil {
		c.refuse(j.Err)
		if j.Missing > 0 && j.Err == store.ErrNotFound {
			c.Why = "nothing stands at " + j.Path.String()
		}
		return c
	}
	switch {
	case j.By == store.ByDeleteOwn:
		c.Why = "delete-own: the same account made it"
	case j.By == store.ByOwnHour:
		c.Why = "own hour: the same account made it within the last " + text.Hours(state.OwnHour(j.At.Space)) + ", and nobody else has touched it"
	case j.By == store.BySaveRule:
		c.Why = "save rule: this is how editors write; " + c.Why
	case j.By == store.ByAnswer:
		c.Why = "an answer alone is taken: the user is invited, and may change nothing but whether he comes"
	case c.Shell && j.Wanted == policy.See:
		c.Why = "the way to something below may be seen, and nothing else"
	case !c.Visible && j.Wanted == policy.See:
		c.Why = "a drop box lets itself be found by those who may put into it"
	}
	return c
}
