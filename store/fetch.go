package store

import (
	"slices"

	"davit/policy"
)

// fetchMax is after how many bytes of content a Fetch leaves the rest for another.
const fetchMax = 4 << 20

// A Fetched is a member of a collection with what is in it.
type Fetched struct {
	Info    Info
	Content []byte
	Unseen  error // why nothing is told: the error of Stat
	Unread  error // why there is no content: the error of Open, or that it is damaged
}

// Fetch tells and reads members of a collection by name, each decided by itself, as
// Stat and Open do one at a time. It stops early when the content comes to some
// megabytes, after one name at least: the list is as long as what it came to.
func (s *Session) Fetch(p Path, names []string, want Want) (list []Fetched, err error) {
	err = s.view(func(tx *Tx) error {
		list = make([]Fetched, 0, len(names))
		dir, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		size := 0
		for _, name := range names {
			if size >= fetchMax {
				break
			}
			f, err := s.fetch(tx, dir, name, want)
			if err != nil {
				return err
			}
			list, size = append(list, f), size+len(f.Content)
		}
		return nil
	})
	return list, err
}

// fetch is Stat and Open of one member. An error is of neither: what leads to it is
// damaged.
func (s *Session) fetch(tx *Tx, dir *spot, name string, want Want) (f Fetched, err error) {
	sp, err := s.under(tx, dir, name)
	if err != nil {
		return f, err
	}
	g, refused := s.authorize(tx, sp, opStat)
	if refused != nil {
		f.Unseen = refused
		return f, nil
	}
	if f.Info, err = s.info(tx, g, sp.place(), sp.entry(), want); err != nil {
		return f, err
	}
	f.Info.Held = sp.heldOf(sp.entry(), f.Info.Held)
	if g, f.Unread = s.authorize(tx, sp, opOpen); f.Unread != nil {
		return f, nil
	}
	f.Content, f.Unread = s.read(tx, g, sp.space, sp.entry())
	return f, nil
}

// read is the content of a file as the asker is given it, whom g lets read it.
func (s *Session) read(tx *Tx, g grant, space *policy.Space, e *Entry) ([]byte, error) {
	switch {
	case e.Dir:
		return nil, ErrIsDir
	case e.Private && !s.knowsPrivate(space, g.held):
		return tx.masked(g, e)
	}
	return tx.whole(g, e)
}

// under is the spot of a name in a collection that has been resolved.
func (s *Session) under(tx *Tx, dir *spot, name string) (*spot, error) {
	path := append(slices.Clip(dir.path), name)
	if dir.missing() > 0 || dir.past != nil {
		return s.resolve(tx, path)
	}
	sp := &spot{path: path, space: dir.space, nodes: slices.Clip(dir.nodes), entries: slices.Clip(dir.entries)}
	return sp, tx.descend(sp)
}
