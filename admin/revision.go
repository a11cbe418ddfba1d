package admin

import (
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
	edits  map[*text.Kind][]edit
	faults text.Faults
	notes  []string
}

// An edit is one difference between the policy and the file: was is nil for what
// comes, want for what goes.
type edit struct{ was, want *text.Statement }

// revise carries a file out on a draft and tells what changes. When the plan
// names refusals nothing was done.
func revise(draft store.Draft, file text.File) (PolicyPlan, error) {
	file.Statements = slices.Clone(file.Statements) // a transaction may run again
	r := &revision{draft: draft, file: file, places: map[string]policy.Place{}}
	s, _, err := stand(draft.Survey)
	if err != nil {
		return PolicyPlan{}, err
	}
	for _, m := range s.marks {
		r.places[m.Path.String()] = m.At
	}
	r.compare(s.statements())
	plan := r.plan()
	if len(plan.Refused) > 0 {
		return plan, nil
	}
	err = r.carryOut()
	plan.Notes = r.notes
	return plan, err
}

// compare finds the differences between what stands and what the file says.
func (r *revision) compare(standing []text.Statement) {
	present := make(map[string]*text.Statement, len(standing))
	for i := range standing {
		present[identity(&standing[i])] = &standing[i]
	}
	r.ownersManage()
	r.edits = map[*text.Kind][]edit{}
	for i := range r.file.Statements {
		want := &r.file.Statements[i]
		id := identity(want)
		was := present[id]
		delete(present, id)
		if was != nil && want.Kind.Record && !r.file.Complete {
			*want = want.Keep(was)
		}
		if was == nil || len(want.Differences(was)) > 0 {
			r.edits[want.Kind] = append(r.edits[want.Kind], edit{was, want})
		}
	}
	if r.file.Complete {
		for _, id := range slices.Sorted(maps.Keys(present)) {
			was := present[id]
			r.edits[was.Kind] = append(r.edits[was.Kind], edit{was, nil})
		}
	}
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
				plan.Refused = append(plan.Refused, e.was.Subject()+" is not in the file, which is complete: take it in, or remove it by its own command")
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

// carryOut changes the draft: lines that go first, then what comes, and at last
// the profiles and groups that nothing names any more.
func (r *revision) carryOut() error {
	r.checkNamed()
	for _, c := range slices.Backward(clauses) {
		if !c.kind.Record {
			r.stage(c, c.drop, gone)
		}
	}
	for _, c := range clauses {
		r.stage(c, c.put, wanted)
	}
	for _, c := range slices.Backward(clauses) {
		if c.kind.Record && c.drop != nil {
			r.stage(c, c.drop, gone)
		}
	}
	return r.faults.Err()
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
func (r *revision) stage(c clause, act func(*revision, *text.Statement) ([]policy.Change, error), which func(edit) *text.Statement) {
	if r.faults.Err() != nil {
		return
	}
	var changes []policy.Change
	var lines []int
	for _, e := range r.edits[c.kind] {
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
		r.fault(lines[blame(before, changes, err)], err)
	}
}

// blame is the index of the change that made a set of them fail: the last of the
// shortest beginning that fails alike.
func blame(before *policy.State, changes []policy.Change, failed error) int {
	return sort.Search(len(changes)-1, func(i int) bool {
		_, _, err := before.Apply(changes[:i+1]...)
		return err != nil && err.Error() == failed.Error()
	})
}

func (r *revision) fault(line int, err error) { r.faults.Add(line, "%s", plain(err.Error())) }

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
