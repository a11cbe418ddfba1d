package store

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"davit/policy"
)

// A person gives the calendars of others names, colours and an order of his own.
// They are kept as properties of the calendars of his own drive, each under a
// namespace that names the calendar's node, and go with the drive.

// ownMark begins the namespaces of such properties.
const ownMark = "calendar "

func ownSpace(n policy.Node, space string) string {
	return ownMark + strconv.FormatUint(uint64(n), 36) + " " + space
}

// PropsApart are the properties of the own drive's calendars as they are meant:
// those of this collection itself, and those of the calendars of others.
func PropsApart(all []Prop) (own []Prop, of map[policy.Node][]Prop) {
	of = map[policy.Node][]Prop{}
	for _, p := range all {
		rest, is := strings.CutPrefix(p.Space, ownMark)
		id, space, _ := strings.Cut(rest, " ")
		n, err := strconv.ParseUint(id, 36, 64)
		if !is || err != nil {
			own = append(own, p)
			continue
		}
		p.Space = space
		of[policy.Node(n)] = append(of[policy.Node(n)], p)
	}
	return own, of
}

// SetPropsApart is SetProps for a calendar of somebody else's: some properties
// are set on the calendar and need the right, others for the asker alone and need
// that he sees the calendar. All are set or none.
func (s *Session) SetPropsApart(ctx context.Context, p Path, shared, own []Prop, t Terms) error {
	need := opStat
	if len(shared) > 0 {
		need = opProps
	}
	return s.update(ctx, func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		g, err := s.authorize(tx, sp, need)
		if err != nil {
			return err
		}
		if err := s.judge(tx, sp, t, nil); err != nil {
			return err
		}
		if len(shared) > 0 {
			if err := s.unlockedAt(tx, g, sp.nodes, t); err != nil {
				return err
			}
			if err := s.setProps(tx, g, sp, shared, tx.now); err != nil {
				return err
			}
		}
		return s.setOwnProps(tx, sp.entry().Node, own)
	})
}

func (s *Session) setOwnProps(tx *Tx, n policy.Node, own []Prop) error {
	if len(own) == 0 {
		return nil
	}
	home, err := s.resolve(tx, Path{"~" + s.UserName()}.Calendars())
	if err != nil {
		return err
	}
	g, err := s.authorize(tx, home, opProps)
	if err != nil {
		return err
	}
	own = slices.Clone(own)
	for i := range own {
		own[i].Space = ownSpace(n, own[i].Space)
	}
	return s.setProps(tx, g, home, own, home.entry().Modified)
}
