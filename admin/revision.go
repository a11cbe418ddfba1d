package admin

import (
	"errors"
	"maps"
	"slices"
	"sort"

	"davit/policy"
	"davit/policy/text"
	"davit/store"
)

// A revision makes a policy what a file says.
type revision struct {
	draft  store.Draft
	file   text.File
	places map[string]policy.Place // by path, of what carries something already
	shares map[string]policy.Share // by the identity of their statements
	edits  map[*text.Kind][]edit
	// groups are those that a stage has changed so far: their managers come one
	// by one.
	groups map[policy.ID]policy.Group
	// stirred: a change made others, which the file has to be held against anew.
	stirred   bool
	forbidden bool // a fault is that who acts may not do it
	faults    text.Faults
	notes     []string
}

// An edit is one difference between the policy and the file: was is nil for what
// comes, want for what goes.
type edit struct{ was, want *text.Statement }

func (e edit) about() *text.Statement {
	if e.want != nil {
		return e.want
	}
	return e.was
}

// revise carries a file out on a draft and tells what changes. When the plan
// names refusals nothing was done.
func revise(draft store.Draft, file text.File) (PolicyPlan, error) {
	file.Statements = slices.Clone(file.Statements) // a transaction may run again
	r := &revision{draft: draft, file: file, places: map[string]policy.Place{}}
	r.ownersManage()
	var err error
	if r.edits, err = r.compare(); err != nil {
		return PolicyPlan{}, err
	}
	if plan := r.plan(); len(plan.Refused) > 0 {
		return plan, nil
	}
	err = r.carryOut()
	plan := r.plan()
	plan.Notes = r.notes
	return plan, err
}

// compare finds the differences between what stands and what the file says.
func (r *revision) compare() (map[*text.Kind][]edit, error) {
	s, err := stand(r.draft.Survey)
	if err != nil {
		return nil, err
	}
	for _, m := range s.marks {
		r.places[m.Path.String()] = m.At
	}
	r.shares = map[string]policy.Share{}
	for _, l := range s.shares() {
		r.shares[identity(&l.Statement)] = l.share
	}
	edits := r.differences(s.statements())
	inNumber(edits[text.Share])
	return edits, nil
}

func (r *revision) differences(standing []text.Statement) map[*text.Kind][]edit {
	present := make(map[string]*text.Statement, len(standing))
	for i := range standing {
		present[identity(&standing[i])] = &standing[i]
	}
	edits := map[*text.Kind][]edit{}
	for i := range r.file.Statements {
		want := &r.file.Statements[i]
		id := identity(want)
		was := present[id]
		delete(present, id)
		if was != nil && want.Kind.Record && !r.file.Complete {
			*want = want.Keep(was)
		}
		r.settle(want, was)
		if was == nil || len(want.Differences(was)) > 0 {
			edits[want.Kind] = append(edits[want.Kind], edit{was, want})
		}
	}
	if r.file.Complete {
		for _, id := range slices.Sorted(maps.Keys(present)) {
			was := present[id]
			edits[was.Kind] = append(edits[was.Kind], edit{was, nil})
		}
	}
	return edits
}

// settle puts into a statement what a line leaves to the policy: when a share was
// made, and the rank of a wall, which is that of who sets it. The operator says
// both.
func (r *revision) settle(want, was *text.Statement) {
	account := r.draft.By().User != policy.Nobody
	switch {
	case want.Kind == text.Share && was != nil && (account || want.Get("made") == ""):
		*want = want.With("made", was.Get("made"))
	case want.Kind == text.Share && account:
		*want = want.Without("made")
	case account && isWall(want):
		*want = want.With("rank", r.rankOf(want, was))
	}
}

func isWall(s *text.Statement) bool {
	return s != nil && (s.Kind == text.Cut || (s.Kind == text.ACL || s.Kind == text.Level) && s.Get("deny") != "")
}

// rankOf is the rank that a wall gets from the account that acts: its own, unless
// the wall stands already and has a higher one, or changes in nothing else.
func (r *revision) rankOf(want, was *text.Statement) string {
	own := r.draft.State().User(r.draft.By().User).Type
	if !isWall(was) {
		return string(own)
	}
	old := policy.Type(was.Get("rank"))
	same := want.With("rank", string(old))
	if len(same.Differences(was)) == 0 || slices.Index(policy.Types, old) < slices.Index(policy.Types, own) {
		return string(old)
	}
	return string(own)
}

// identity is the same for statements about the same thing.
func identity(s *text.Statement) string { return s.Kind.Name + "\x00" + s.Key() }

// ownersManage adds what the line of a space says without words: that its owner is
// its manager.
func (r *revision) ownersManage() {
	said := map[string]bool{}
	for i := range r.file.Statements {
		if s := &r.file.Statements[i]; s.Kind == text.Level {
			said[identity(s)] = true
		}
	}
	for _, sp := range r.file.Statements {
		if sp.Kind != text.Space || sp.Get("owner") == "" {
			continue
		}
		level := text.Level.New(sp.Words[0], "user:"+sp.Get("owner"), levelManager)
		level.Line = sp.Line
		if !said[identity(&level)] {
			r.file.Statements = append(r.file.Statements, level)
		}
	}
}

// plan tells the edits.
func (r *revision) plan() PolicyPlan {
	plan := PolicyPlan{Changes: []PolicyEdit{}}
	for _, c := range clauses {
		for _, e := range r.edits[c.kind] {
			switch {
			case e.want == nil && c.drop == nil:
				plan.Refused = append(plan.Refused, leftOut(e.was))
			case e.want == nil:
				plan.Changes = append(plan.Changes, PolicyEdit{Sign: "-", Text: e.was.String()})
			case e.was == nil:
				plan.Changes = append(plan.Changes, PolicyEdit{Sign: "+", Text: e.want.String(), Line: e.want.Line})
			default:
				plan.Changes = append(plan.Changes, PolicyEdit{Sign: "~", Text: e.want.Subject(), Differences: e.want.Differences(e.was), Line: e.want.Line})
			}
		}
	}
	return plan
}

func leftOut(s *text.Statement) string {
	if s.Kind == text.Settings {
		return "settings are not in the file, which is complete: take them in"
	}
	return s.Subject() + " is not in the file, which is complete: take it in, or remove it by its own command"
}

// carryOut changes the draft: lines that go first, then what comes, and at last
// the profiles and groups that nothing names any more.
func (r *revision) carryOut() error {
	r.checkNamed()
	for _, c := range slices.Backward(clauses) {
		if !c.kind.Record && c.kind != text.Level {
			r.stage(c.kind, c.drop, gone)
		}
	}
	for _, c := range clauses {
		r.stage(c.kind, c.put, wanted)
		if err := r.follow(c.kind); err != nil {
			return err
		}
	}
	for _, c := range slices.Backward(clauses) {
		if c.kind.Record && c.drop != nil {
			r.stage(c.kind, c.drop, gone)
		}
	}
	return r.fail()
}

// follow does what has to wait for a kind. Who hands rooms over loses rank when
// they are another's, and a level when the space is; a room gets its template when
// its levels are those of it, and a space is archived when its lists are done.
func (r *revision) follow(kind *text.Kind) error {
	switch kind {
	case text.Space:
		r.stage(text.User, reviseType, wanted)
		if err := r.again(); err != nil {
			return err
		}
		r.stage(text.Level, dropLevel, gone)
	case text.Level:
		r.stage(text.Space, reviseTemplate, wanted)
	case text.Share:
		r.stage(text.Space, reviseRest, wanted)
	}
	return nil
}

// again holds the file against what accounts and spaces took with them or brought
// along: a new owner's walls, and the lists of a drive that was a guest's.
func (r *revision) again() error {
	if !r.stirred || r.fail() != nil {
		return nil
	}
	edits, err := r.compare()
	if err != nil {
		return err
	}
	later := clauses[slices.IndexFunc(clauses, func(c clause) bool { return c.kind == text.Space })+1:]
	for _, c := range later {
		known := map[string]bool{}
		for _, e := range r.edits[c.kind] {
			known[identity(e.about())] = true
		}
		for _, e := range edits[c.kind] {
			if !known[identity(e.about())] {
				r.edits[c.kind] = append(r.edits[c.kind], e)
			}
		}
	}
	for _, c := range slices.Backward(later) {
		if c.kind != text.Level {
			r.stage(c.kind, c.drop, gone)
		}
	}
	return nil
}

func gone(e edit) *text.Statement {
	if e.want != nil {
		return nil
	}
	return e.was
}

func wanted(e edit) *text.Statement { return e.want }

// stage carries out those edits of a kind that which chooses. After a fault the
// later ones are not tried: they may only follow from it.
func (r *revision) stage(kind *text.Kind, act func(*revision, *text.Statement) ([]policy.Change, error), which func(edit) *text.Statement) {
	if r.faults.Err() != nil {
		return
	}
	r.groups = map[policy.ID]policy.Group{}
	var changes []policy.Change
	var lines []int
	for _, e := range r.edits[kind] {
		s := which(e)
		if s == nil {
			continue
		}
		made, err := act(r, s)
		if err != nil {
			r.fault(s.Line, err)
		}
		for _, change := range made {
			changes, lines = append(changes, change), append(lines, s.Line)
		}
	}
	if r.faults.Err() != nil {
		return
	}
	before := r.draft.State()
	if err := r.draft.Change(changes...); err != nil {
		r.fault(lines[blame(before, r.draft.By(), changes, err)], err)
	}
}

// blame is the index of the change that made a set of them fail: the last of the
// shortest beginning that fails alike.
func blame(before *policy.State, by policy.Subject, changes []policy.Change, failed error) int {
	return sort.Search(len(changes)-1, func(i int) bool {
		_, _, err := before.ApplyAs(by, changes[:i+1]...)
		return err != nil && err.Error() == failed.Error()
	})
}

func (r *revision) fault(line int, err error) {
	r.forbidden = r.forbidden || errors.Is(err, policy.ErrForbidden)
	r.faults.Add(line, "%s", plain(err.Error()))
}

// fail is what was wrong, nil for nothing.
func (r *revision) fail() error {
	err := r.faults.Err()
	if err != nil && r.forbidden {
		return refused("", "%s", err)
	}
	return err
}

// checkNamed refuses a complete file whose lines name a profile, group or role
// that it does not declare, and so takes away.
func (r *revision) checkNamed() {
	goes := map[string]bool{}
	for _, kind := range []*text.Kind{text.Profile, text.Group, text.Role} {
		for _, e := range r.edits[kind] {
			if e.want == nil {
				goes[policy.Fold(kind.Name+":"+e.was.Words[0])] = true
			}
		}
	}
	if len(goes) == 0 {
		return
	}
	for i := range r.file.Statements {
		s := &r.file.Statements[i]
		names := s.Principals()
		if s.Kind == text.User {
			names = append(names, text.Profile.Name+":"+s.Get("profile"))
		}
		for _, name := range names {
			if goes[policy.Fold(name)] {
				r.faults.Add(s.Line, "%s is not in the file, which is complete", name)
			}
		}
	}
}

// place finds what stands at a path.
func (r *revision) place(path string) (policy.Place, error) {
	if at, known := r.places[path]; known {
		return at, nil
	}
	_, at, err := placeOf(r.draft.Survey, path)
	if err == nil {
		r.places[path] = at
	}
	return at, err
}

// placeOf finds what stands at a path; the name of its space may be spelled in
// any way that is the same name.
func placeOf(sv store.Survey, path string) (store.Path, policy.Place, error) {
	p, err := ParsePath(path)
	if err != nil {
		return nil, policy.Place{}, err
	}
	sp, err := findSpace(sv.State(), p[0])
	if err != nil {
		return nil, policy.Place{}, err
	}
	p[0] = store.SpacePath(sv.State(), sp)
	at, err := sv.Place(p)
	return p, at, err
}
