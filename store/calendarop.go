package store

import (
	"context"
	"fmt"

	"davit/policy"
	"davit/store/engine"
)

// session is who acts as a session, whose operations policy decides like those of
// a client.
func (o *Operator) session(by policy.Subject) *Session {
	return &Session{st: o.st, trial: &by, cred: Credential{User: by.User, Mask: by.Mask, Spaces: by.Spaces, Class: by.Class,
		Door: o.via}}
}

// BeginCalendars makes the calendars that the space or drive of a path begins with,
// when it has none yet.
func (o *Operator) BeginCalendars(ctx context.Context, p Path) error {
	var lacking []*policy.Space
	err := o.st.view(func(tx *Tx) (err error) {
		lacking, err = tx.lackingCalendars(tx.spaceOf(p[0]))
		return err
	})
	if err != nil {
		return err
	}
	return o.st.beginCalendars(ctx, lacking)
}

// MakeCalendar makes a calendar for the space or drive of the path. An account
// that acts makes what it could make as a client.
func (o *Operator) MakeCalendar(ctx context.Context, p Path, c NewCalendar) error {
	if err := o.BeginCalendars(ctx, p); err != nil {
		return err
	}
	if o.by.User != policy.Nobody {
		return o.session(o.by).MakeCalendar(ctx, p, c, Terms{})
	}
	typ, err := c.typ()
	if err != nil {
		return err
	}
	return o.keepHouse(ctx, p, 1, func(tx *Tx, g grant, s *Session, sp *spot) error {
		e, err := s.mkcollection(tx, g, sp, typ)
		if err != nil {
			return err
		}
		if err := tx.beginPublished(&e); err != nil {
			return err
		}
		sp.nodes, sp.entries = append(sp.nodes, e.Node), append(sp.entries, e)
		return s.setProps(tx, g, sp, c.Props, e.Modified)
	})
}

// RemoveCalendar takes a calendar into the trash.
func (o *Operator) RemoveCalendar(ctx context.Context, p Path) error {
	if o.by.User != policy.Nobody {
		return o.session(o.by).Remove(ctx, p, Terms{})
	}
	err := o.keepHouse(ctx, p, 0, func(tx *Tx, g grant, s *Session, sp *spot) error {
		if err := o.desk().unschedule(tx, g, sp, Terms{}); err != nil {
			return err
		}
		return s.trash(tx, g, sp)
	})
	return o.st.afterNotice(ctx, p, err)
}

// keepHouse does something about a calendar in the name of whose it is. missing is
// how many names at the end of the path have to lead nowhere.
func (o *Operator) keepHouse(ctx context.Context, p Path, missing int, do func(*Tx, grant, *Session, *spot) error) error {
	return o.st.update(ctx, engine.Foreground, func(tx *Tx) error {
		if err := o.begin(tx); err != nil {
			return err
		}
		sp, err := tx.resolve(p)
		switch {
		case err != nil:
			return err
		case sp.space == nil || sp.missing() > missing:
			return fmt.Errorf("%s: %w", p, ErrNotFound)
		case sp.missing() < missing:
			return fmt.Errorf("%s: %w", p, ErrExists)
		case len(p) != calendarDepth || !sp.inCalendars():
			return fmt.Errorf("%s: %w", p, ErrMisplaced)
		}
		s := &Session{st: o.st, cred: Credential{User: sp.space.Owner}}
		return do(tx, housekeeping(tx, sp.nodes[len(sp.nodes)-1]), s, sp)
	})
}

// CalendarsOf lists every calendar that somebody sees.
func (o *Operator) CalendarsOf(ctx context.Context, sub policy.Subject) ([]Calendar, error) {
	return o.session(sub).Calendars(ctx, Want{Props: true})
}
