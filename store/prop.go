package store

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"davit/policy"
)

// Limits of dead properties, in bytes and numbers, per file or collection.
const (
	PropSizeMax  = 32 << 10
	PropCountMax = 200
)

// A Prop is a dead property: a name and the XML that a client gave it.
type Prop struct {
	Space, Local string // the name, in its namespace
	Value        []byte // nil in a patch: take it away
}

// props reads the properties of a node.
func (tx *Tx) props(g grant, n policy.Node) ([]Prop, error) {
	var list []Prop
	prefix := key1(tableProp, uint64(n))
	err := scanPrefix(tx.r, prefix, func(k, v []byte) bool {
		space, local, _ := strings.Cut(string(k[len(prefix):]), "\x00")
		list = append(list, Prop{space, local, bytes.Clone(v)})
		return true
	})
	return list, err
}

func (tx *Tx) copyProps(g grant, from *Entry, to policy.Node) error {
	if !from.HasProps {
		return nil
	}
	list, err := tx.props(g, from.Node)
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := tx.w.Put(propKey(to, p.Space, p.Local), p.Value); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) dropProps(g grant, e *Entry) error {
	if !e.HasProps {
		return nil
	}
	list, err := tx.props(g, e.Node)
	if err != nil {
		return err
	}
	for _, p := range list {
		if err := tx.w.Delete(propKey(e.Node, p.Space, p.Local)); err != nil {
			return err
		}
	}
	return nil
}

// SetProps sets and takes away properties, all or none. A modified time that is
// not zero becomes the entry's.
func (s *Session) SetProps(ctx context.Context, p Path, patch []Prop, modified time.Time, t Terms) error {
	return s.update(ctx, func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		g, err := s.authorize(tx, sp, opProps)
		if err != nil {
			return err
		}
		if err := s.judge(tx, sp, t, s.unlockedAt(tx, g, sp.nodes, t)); err != nil {
			return err
		}
		s.touch(sp.entry())
		return s.setProps(tx, g, sp, patch, modified)
	})
}

func (s *Session) setProps(tx *Tx, g grant, sp *spot, patch []Prop, modified time.Time) error {
	e := sp.entry()
	for _, p := range patch {
		key := propKey(e.Node, p.Space, p.Local)
		if len(key)+len(p.Value) > PropSizeMax {
			return fmt.Errorf("property %s has %d bytes, the limit is %d: %w", p.Local, len(p.Value), PropSizeMax, ErrTooMany)
		}
		var err error
		if p.Value == nil {
			err = tx.w.Delete(key)
		} else {
			err = tx.w.Put(key, p.Value)
		}
		if err != nil {
			return err
		}
	}
	list, err := tx.props(g, e.Node)
	if err != nil {
		return err
	}
	if len(list) > PropCountMax {
		return fmt.Errorf("%d properties, the limit is %d: %w", len(list), PropCountMax, ErrTooMany)
	}
	e.HasProps = len(list) > 0
	if err := tx.sourceChanged(e, patch); err != nil {
		return err
	}
	if !modified.IsZero() {
		e.Modified = modified
	}
	if sp.isRoot() {
		tx.stir(&changeRec{node: e.Node, parent: 0, before: before{how: byPatch}})
		return tx.put(g, 0, e)
	}
	_, dir := sp.parent()
	if len(patch) > 0 || !modified.IsZero() {
		if _, err := tx.log(sp.space.ID, s.cred.id(), changeRec{op: Updated, node: e.Node, parent: dir.Node, name: e.Name, before: before{how: byPatch, rev: e.Rev}}); err != nil {
			return err
		}
	}
	return tx.put(g, dir.Node, e)
}
