package policy

import (
	"cmp"
	"slices"
)

// A View is how much of a node a listing shows to somebody.
type View byte

const (
	Hidden  View = iota // nothing: it is as if missing
	Passage             // a shell: that it leads to something
	Plain               // the node as it is
)

// below is the view of a member that nothing is marked at or below.
func (v View) below() View {
	if v == Plain {
		return Plain
	}
	return Hidden
}

// A Sighting is the view of one node, which differs from what the collection
// above makes of it.
type Sighting struct {
	Node Node
	View View
}

// A Sight is all that a subject sees of one space, whatever it holds: ascending
// by node. Two sights are equal exactly when no listing of the space tells them
// apart.
type Sight []Sighting

// Sight is what the subject sees of a space now. It costs what is marked for the
// subject there, not what the space holds.
func (s *State) Sight(sub Subject, space ID) Sight {
	sp := s.Space(space)
	if sp == nil {
		return nil
	}
	views := map[Node]View{}
	look := func(path []Node) View {
		n := path[len(path)-1]
		v, known := views[n]
		if known {
			return v
		}
		switch d := s.Decide(sub, Place{space, path}, 0); {
		case d.Shell:
			v = Passage
		case d.Visible:
			v = Plain
		}
		views[n] = v
		return v
	}
	var sight Sight
	if v := look([]Node{sp.Root}); v != Hidden {
		sight = append(sight, Sighting{sp.Root, v})
	}
	for _, n := range s.differing(&sub, sp.Root) {
		path, listed := s.pathTo(n)
		if !listed || path[0] != sp.Root {
			continue
		}
		// The collections above may be shells because of it.
		for i := 1; i < len(path); i++ {
			if _, known := views[path[i]]; known {
				continue
			}
			if v := look(path[:i+1]); v != look(path[:i]).below() {
				sight = append(sight, Sighting{path[i], v})
			}
		}
	}
	slices.SortFunc(sight, func(a, b Sighting) int { return cmp.Compare(a.Node, b.Node) })
	return sight
}

// Of is the view of a node below a collection of that view.
func (sight Sight) Of(n Node, above View) View {
	if i, marked := sight.find(n); marked {
		return sight[i].View
	}
	return above.below()
}

func (sight Sight) find(n Node) (int, bool) {
	return slices.BinarySearchFunc(sight, n, func(a Sighting, n Node) int { return cmp.Compare(a.Node, n) })
}

// Apart are the nodes that one sight mentions otherwise than the other.
func (sight Sight) Apart(other Sight) []Node {
	var apart []Node
	for _, of := range [2]struct{ a, b Sight }{{sight, other}, {other, sight}} {
		for _, one := range of.a {
			if i, both := of.b.find(one.Node); !both || of.b[i] != one {
				apart = append(apart, one.Node)
			}
		}
	}
	slices.Sort(apart)
	return slices.Compact(apart)
}

// Lasts tells whether the sight of a space cannot have changed by time alone from
// one moment to another, in Unix seconds: where a line names the subject, none
// begins or ends between them.
func (s *State) Lasts(sub Subject, space ID, from, to int64) bool {
	sp := s.Space(space)
	if sp == nil {
		return true
	}
	turns := func(at int64) bool { return at > from && at <= to }
	turning := func(e Entry) bool { return turns(e.From) || turns(e.Until) }
	if slices.ContainsFunc(sp.Levels, turning) {
		return false
	}
	return !slices.ContainsFunc(s.differing(&sub, sp.Root), func(n Node) bool {
		m := s.Mark(n)
		return m != nil && (slices.ContainsFunc(m.Entries, turning) || slices.ContainsFunc(m.Shares, func(sh Share) bool { return turns(sh.Until) }))
	})
}
