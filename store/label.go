package store

import (
	"context"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"davit/policy"
)

// A version that carries a label stays: neither its age nor its number nor a full
// place takes it away, until the label goes. It is charged like any other.

// Bounds of labels: bytes of one, and how many versions of a file carry one.
const (
	LabelSizeMax  = 200
	labelCountMax = 100
)

// Label gives a version, at its path below VersionsRoot, a label in the place of the
// one that it has; an empty one takes that away. Who may give the file the content of
// the version may label it. A label that is too long or has control characters is
// ErrInvalid, one too many for the file ErrTooMany.
func (s *Session) Label(ctx context.Context, p Path, label string, t Terms) error {
	if len(label) > LabelSizeMax || !utf8.ValidString(label) || strings.ContainsFunc(label, unicode.IsControl) {
		return fmt.Errorf("a label has up to %d bytes and no control characters: %w", LabelSizeMax, ErrInvalid)
	}
	return s.update(ctx, func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		if _, err := s.authorize(tx, sp, opLabel); err != nil {
			return err
		}
		file := sp.current()
		g, err := s.authorize(tx, file, opReplace)
		if err != nil {
			return err
		}
		if err := s.judge(tx, sp, t, s.unlockedAt(tx, g, file.nodes, t)); err != nil {
			return err
		}
		return tx.label(g, *sp.past.version, label)
	})
}

// label writes the label of a version of the file that g was granted for.
func (tx *Tx) label(g grant, v version, label string) error {
	if v.label == "" && label != "" {
		list, err := tx.versions(g, g.node)
		if err != nil {
			return err
		}
		if n := len(list) - len(expiring(list)); n >= labelCountMax {
			return fmt.Errorf("%d versions of the file carry labels: %w", n, ErrTooMany)
		}
	}
	v.label = label
	return tx.w.Put(versionKey(g.node, v.number), appendVersion(nil, &v))
}

// expiring are those versions of a list that carry no label.
func expiring(list []version) []version {
	var plain []version
	for _, v := range list {
		if v.label == "" {
			plain = append(plain, v)
		}
	}
	return plain
}

// spare is how many bytes of versions give way to a write over the file at the
// spot where there is no room: those of a file that the writer might delete.
func (tx *Tx) spare(g grant, sp *spot) (bytes int64, err error) {
	if g.held&policy.Delete == 0 || sp.entry().kept.bytes == 0 {
		return 0, nil
	}
	list, err := tx.versions(g, sp.entry().Node)
	for _, v := range expiring(list) {
		bytes += v.size
	}
	return bytes, err
}
