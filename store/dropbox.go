package store

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"davit/policy"
)

// Limits of the names that a drop box gives.
const (
	numberMax   = 1000 // tries for one name
	nameSizeMax = 255  // bytes
)

// inDropBox tells whether the path's last name stands in a collection that the
// asker may put into and not look into.
func (s *Session) inDropBox(tx *Tx, sp *spot) bool {
	if sp.space == nil || sp.isRoot() || sp.missing() > 1 {
		return false
	}
	place, dir := sp.parent()
	return dir.Dir && tx.state.Held(s.subject(tx), place)&(policy.Add|policy.See) == policy.Add
}

// droppedOn tells whether what stands at the path is out of sight in a drop box:
// putting something there must not tell that it does.
func (s *Session) droppedOn(tx *Tx, sp *spot) bool {
	return s.inDropBox(tx, sp) && !tx.state.Decide(s.subject(tx), sp.place(), 0).Visible
}

// vacate makes the spot one at which nothing stands, as it looks to the asker.
func (sp *spot) vacate() {
	n := len(sp.path) - 1
	sp.nodes, sp.entries = sp.nodes[:n], sp.entries[:n]
}

// takeFreeName leads the spot to the first name of "a.pdf", "a (2).pdf" and so
// on at which nothing stands: a drop box loses nothing and names nothing.
func (tx *Tx) takeFreeName(g grant, sp *spot) error {
	sp.vacate()
	name := sp.name()
	for i := 2; i <= numberMax; i++ {
		free := numbered(name, strconv.Itoa(i))
		_, taken, err := tx.lookup(g.node, free)
		if err != nil {
			return err
		}
		if !taken {
			sp.path = append(sp.path[:len(sp.path)-1:len(sp.path)-1], free)
			return nil
		}
	}
	return fmt.Errorf("%q and %d numbered names after it: %w", name, numberMax-1, ErrExists)
}

// numbered puts a number before the extension. A name that gets too long loses
// the end of what stands before the number.
func numbered(name, number string) string {
	ext := path.Ext(name)
	if ext == name || strings.Contains(ext, " ") {
		ext = "" // ".profile" has none, nor has "1. draft"
	}
	stem, end := strings.TrimSuffix(name, ext), " ("+number+")"+ext
	if len(end) > nameSizeMax {
		stem, end = name, " ("+number+")"
	}
	for len(stem)+len(end) > nameSizeMax {
		_, size := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-size]
	}
	return stem + end
}
