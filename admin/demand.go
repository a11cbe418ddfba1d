package admin

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"davit/policy"
	"davit/store"
)

// A demand is what a request needs of one path.
type demand struct {
	there  policy.Rights // on what stands at the path; 0: nothing may stand there
	absent policy.Rights // on the folder, when nothing stands there yet; 0: something has to
	inside bool          // the root of a space is not meant
	seen   bool          // to be visible is enough: what is shown is decided one by one
	tree   bool          // there counts for everything below, too
	over   bool          // replacing what stands there also needs absent on its folder
	done   int           // the status of a success
	made   int           // the status of a success that made the path
}

// methods says what each method needs of the path it names. Locks, conditions
// and quota come after the rights and are no part of it.
var methods = map[string]demand{
	http.MethodGet:    {there: policy.Read, done: http.StatusOK},
	http.MethodHead:   {there: policy.Read, done: http.StatusOK},
	"PROPFIND":        {there: policy.See, seen: true, done: http.StatusMultiStatus},
	"REPORT":          {there: policy.See, seen: true, done: http.StatusMultiStatus},
	"PROPPATCH":       {there: policy.Props, done: http.StatusMultiStatus},
	http.MethodPut:    {there: policy.Write, absent: policy.Add, done: http.StatusNoContent, made: http.StatusCreated},
	"MKCOL":           {absent: policy.Add, made: http.StatusCreated},
	"LOCK":            {there: policy.Write, absent: policy.Add, inside: true, done: http.StatusOK, made: http.StatusCreated},
	"UNLOCK":          {there: policy.See, done: http.StatusNoContent},
	http.MethodDelete: {there: policy.Delete, inside: true, tree: true, done: http.StatusNoContent},
	"COPY":            {there: policy.Read, done: http.StatusCreated},
	"MOVE":            {there: policy.Delete, inside: true, tree: true, done: http.StatusCreated},
	"ACL":             {there: policy.Manage, done: http.StatusOK},
}

// destinations says what the methods with a Destination need of that.
var destinations = map[string]demand{
	"COPY": {there: policy.Delete, absent: policy.Add, inside: true, tree: true, over: true, done: http.StatusNoContent, made: http.StatusCreated},
	"MOVE": {there: policy.Delete, absent: policy.Add, inside: true, tree: true, over: true, done: http.StatusNoContent, made: http.StatusCreated},
}

// copyOntoFile is what COPY needs to write a file over a file.
var copyOntoFile = demand{there: policy.Write | policy.Props, absent: policy.Add, done: http.StatusNoContent, made: http.StatusCreated}

// methodNames lists the methods that can be asked about.
func methodNames() string {
	var names []string
	for name := range methods {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// rootWhy is said of methods that a space's root is not for.
const rootWhy = "the root of a space is changed by its own commands"

// What a refusal says of things that the user may not know of.
const (
	belowWhy  = "something below is hidden from the user, or kept"
	hiddenWhy = "something stands there that is hidden from the user"
)

// judge tells what a demand of one path comes to, check by check; the first that
// is not allowed decides.
func (a *Admin) judge(sub policy.Subject, p store.Path, d demand) ([]Check, error) {
	at, e, err := a.op.Place(p)
	if errors.Is(err, store.ErrNotFound) {
		return a.judgeAbsent(sub, p, d)
	}
	if err != nil {
		return nil, err
	}
	c, err := a.ask(sub, p, d.there)
	if err != nil {
		return nil, err
	}
	c.Status = d.done
	switch visible := c.Visible || e.Dir && c.Held&policy.Add != 0; {
	case !visible && d.absent != 0:
		return a.judgeHidden(sub, p, d)
	case !visible:
		c.refuse(http.StatusNotFound, "hidden: answered like something that is not there")
	case d.there == 0:
		c.refuse(http.StatusMethodNotAllowed, "something stands there already")
	case d.inside && len(p) == 1 && (d.tree || c.Allowed):
		c.refuse(http.StatusForbidden, rootWhy)
	case d.seen && !c.Allowed:
		c.Allowed, c.Why = true, "the way to something below may be seen, and nothing else"
	case d.tree:
		a.judgeTree(sub, at, &e, &c)
	case !c.Allowed:
		c.Status = http.StatusForbidden
	}
	checks := []Check{c}
	if d.over && c.Allowed {
		onParent, err := a.judgeParent(sub, p, d)
		if err != nil {
			return nil, err
		}
		if onParent.Allowed {
			onParent.Status = d.done
		}
		checks = append(checks, onParent)
	}
	return checks, nil
}

// judgeTree: the right has to be held on everything below, or everything below
// has to be the asker's own.
func (a *Admin) judgeTree(sub policy.Subject, at policy.Place, e *store.Entry, c *Check) {
	held := a.st.Policy().HeldBelow(sub, at)
	own := c.Held&policy.DeleteOwn != 0 && e.Creator == sub.User
	switch {
	case held&(policy.Delete|policy.See) == policy.Delete|policy.See:
		c.Allowed = true
	case own && !e.Dir:
		c.Allowed, c.Why = true, "delete-own: the same account made it"
	case own:
		c.refuse(http.StatusForbidden, c.Why+"; with delete-own it goes all the same if the same account made everything in it")
	case c.Allowed:
		c.refuse(http.StatusForbidden, belowWhy)
	default:
		c.Status = http.StatusForbidden
	}
}

// judgeAbsent is for a path where nothing stands.
func (a *Admin) judgeAbsent(sub policy.Subject, p store.Path, d demand) ([]Check, error) {
	if len(p) == 1 {
		return nil, notFound("davit space list", "%s: there is no such space", p)
	}
	parent := p[:len(p)-1]
	_, e, err := a.op.Place(parent)
	if errors.Is(err, store.ErrNotFound) || err == nil && !e.Dir {
		return nil, notFound("", "%s: nothing stands there, and %s is no folder", p, parent)
	}
	if err != nil {
		return nil, err
	}
	if d.absent != 0 {
		c, err := a.judgeParent(sub, p, d)
		return []Check{c}, err
	}
	c, err := a.ask(sub, parent, d.there)
	c.refuse(http.StatusNotFound, "nothing stands at "+p.String())
	return []Check{c}, err
}

// judgeParent is for making something in a folder.
func (a *Admin) judgeParent(sub policy.Subject, p store.Path, d demand) (Check, error) {
	if len(p) == 1 {
		c, err := a.ask(sub, p, d.absent)
		c.refuse(http.StatusForbidden, rootWhy)
		return c, err
	}
	c, err := a.ask(sub, p[:len(p)-1], d.absent)
	c.Status = d.made
	switch {
	case !c.Visible && c.Held&policy.Add == 0:
		c.refuse(http.StatusConflict, "the folder is hidden: answered as if it were not there")
	case !c.Allowed:
		c.Status = http.StatusForbidden
	}
	return c, err
}

// judgeHidden is for making something where something stands that the asker may
// not see.
func (a *Admin) judgeHidden(sub policy.Subject, p store.Path, d demand) ([]Check, error) {
	c, err := a.judgeParent(sub, p, d)
	if c.Allowed {
		c.refuse(http.StatusForbidden, hiddenWhy)
	}
	return []Check{c}, err
}

// refuse turns the check down for a reason that is no missing right.
func (c *Check) refuse(status int, why string) {
	c.Allowed, c.Status, c.Why = false, status, why
}
