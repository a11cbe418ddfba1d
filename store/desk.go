package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"davit/policy"
)

// desk is the session by which the operator looks after the trash and versions: in
// the name of an account as far as that may, as the operator everywhere, without
// reading anything.
func (o *Operator) desk() *Session {
	return &Session{st: o.st, operates: o.by.User == policy.Nobody,
		cred: Credential{User: o.by.User, Mask: o.by.Mask, Class: o.by.Class, Door: o.via}}
}

// Trash lists what lies in the trash of a space or of its calendars, in the order of
// the deletions.
func (o *Operator) Trash(of Path) ([]Info, error) { return o.all(inTrashOf(of)) }

// inTrashOf is the path of the trash of a space or of its calendars, or of something
// in it.
func inTrashOf(of Path, name ...string) Path { return slices.Concat(Path{TrashRoot}, of, name) }

// Versions lists the versions of a file, the oldest first.
func (o *Operator) Versions(file Path) ([]Info, error) {
	return o.all(append(Path{VersionsRoot}, file...))
}

func (o *Operator) all(p Path) (list []Info, err error) {
	for after, more := "", true; more && err == nil; {
		var page []Info
		page, more, err = o.desk().List(p, after, listPage, Want{})
		if list = append(list, page...); len(page) > 0 {
			after = page[len(page)-1].Name
		}
	}
	return list, err
}

// listPage is how many entries the operator reads in one transaction.
const listPage = 1000

// Restore puts something from a trash back, at its old place when to is nil, and
// tells where it is. A name that is taken is ErrExists.
func (o *Operator) Restore(ctx context.Context, of Path, name string, to Path) (Path, error) {
	s, from := o.desk(), inTrashOf(of, name)
	if to == nil {
		info, err := s.Stat(from, Want{})
		if err != nil {
			return nil, err
		}
		to = info.Origin.Path
	}
	_, err := s.Move(ctx, from, to, false, Terms{})
	return to, err
}

// Erase ends something in a trash for ever.
func (o *Operator) Erase(ctx context.Context, of Path, name string) error {
	return o.desk().Remove(ctx, inTrashOf(of, name), Terms{})
}

// Empty erases all that lies in a trash, and tells how much that was.
func (o *Operator) Empty(ctx context.Context, of Path) (int, error) {
	return o.desk().Empty(ctx, inTrashOf(of), Terms{})
}

// Revert gives a file the content of one of its versions, which stays one.
func (o *Operator) Revert(ctx context.Context, file Path, version string) error {
	_, done, err := o.desk().copyBack(ctx, slices.Concat(Path{VersionsRoot}, file, Path{version}), file, true, Terms{})
	if err == nil && !done {
		err = ErrNotFound
	}
	return err
}

// Label gives a version of a file a label, an empty one takes it away.
func (o *Operator) Label(ctx context.Context, file Path, version, label string) error {
	return o.desk().Label(ctx, slices.Concat(Path{VersionsRoot}, file, Path{version}), label, Terms{})
}

// EraseVersions ends versions of a file for ever: those named, or all.
func (o *Operator) EraseVersions(ctx context.Context, file Path, versions ...string) error {
	all := append(Path{VersionsRoot}, file...)
	if len(versions) == 0 {
		return o.desk().Remove(ctx, all, Terms{})
	}
	var err error
	for _, v := range versions {
		err = errors.Join(err, o.desk().Remove(ctx, append(slices.Clip(all), v), Terms{}))
	}
	return err
}

// PlanRewind tells what rewinding a space or folder does.
func (o *Operator) PlanRewind(p Path, at time.Time) (Rewound, error) {
	return o.desk().PlanRewind(p, at)
}

// Rewind makes a space or folder what it was at a moment: all of it, or nothing
// with ErrLost.
func (o *Operator) Rewind(ctx context.Context, p Path, at time.Time) (Rewound, error) {
	return o.desk().Rewind(ctx, p, at)
}

// RewindPartly is Rewind that leaves out what cannot be as it was.
func (o *Operator) RewindPartly(ctx context.Context, p Path, at time.Time) (Rewound, error) {
	return o.desk().RewindPartly(ctx, p, at)
}
