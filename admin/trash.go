package admin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"davit/policy"
	"davit/store"
)

// Operations on what was deleted. They ask in the name of who acts, as far as that
// account may; the operator arranges all of it and reads none.
var (
	ListTrash     = define("trash.list", anybody, (*Admin).ListTrash)
	RestoreTrash  = define("trash.restore", anybody, (*Admin).RestoreTrash)
	EraseTrash    = define("trash.erase", anybody, (*Admin).EraseTrash)
	EmptyTrash    = define("trash.empty", anybody, (*Admin).EmptyTrash)
	ListVersions  = define("versions.list", anybody, (*Admin).ListVersions)
	ShowVersion   = define("versions.show", anybody, (*Admin).ShowVersion)
	RevertFile    = define("versions.restore", anybody, (*Admin).RevertFile)
	LabelVersion  = define("versions.label", anybody, (*Admin).LabelVersion)
	EraseVersions = define("versions.erase", anybody, (*Admin).EraseVersions)
)

// A Deletion is something in the trash.
type Deletion struct {
	Name   string    `json:"name"` // in the trash, where it stays the same
	Path   string    `json:"path"` // where it was
	Folder bool      `json:"folder"`
	Bytes  int64     `json:"bytes"` // of a file
	At     time.Time `json:"at"`
	By     string    `json:"by"` // "user:mia", empty for an account that is no more
}

// InTrash names something in the trash of a space.
type InTrash struct {
	Space string `json:"space"` // or "~mia" for a personal drive, "calendar:~mia" for its calendars
	Name  string `json:"name"`  // in the trash, or what it was called: the newest of the name
	To    string `json:"to,omitempty"`
}

// A Restored says where something is now.
type Restored struct {
	Path string `json:"path"`
}

// An Emptied says how much was erased.
type Emptied struct {
	Erased int `json:"erased"` // files and folders that were deleted by themselves
}

// ListTrash lists the trash of a space in the order of the deletions.
func (a *Admin) ListTrash(_ context.Context, n Named) ([]Deletion, error) {
	of, within, err := trashOf(n.Name)
	if err != nil {
		return nil, err
	}
	infos, err := a.op.Trash(of)
	if err != nil {
		return nil, inSpace(err, n.Name)
	}
	list := []Deletion{}
	for _, info := range infos {
		if was := info.Origin.Path; len(was) >= len(within) && slices.Equal(was[:len(within)], within) {
			list = append(list, Deletion{Name: info.Name, Path: was.String(), Folder: info.Dir, Bytes: info.Size,
				At: info.Origin.At.UTC().Truncate(time.Second), By: a.whoWas(info.Origin.By)})
		}
	}
	return list, nil
}

// trashOf reads whose trash is meant: that of the files of a space, "Team" or
// "~mia", or that of its calendars, "calendar:~mia", of which a single one may be
// named: then what lay within it is meant.
func trashOf(text string) (of, within store.Path, err error) {
	if !strings.HasPrefix(text, store.CalendarScheme) {
		return store.Path{text}, nil, nil
	}
	p, err := ParsePath(text)
	switch {
	case err != nil:
		return nil, nil, err
	case !p.InCalendars() || len(p) > calendarNames:
		return nil, nil, invalid("write calendar:~USER or calendar:/SPACE", "%q names no calendars", clip(text))
	}
	return p[:2], p, nil
}

// inSpace says of an error that the space is not there.
func inSpace(err error, name string) error {
	if tell(err).(*Error).Kind == NotFound {
		return noSpace(name)
	}
	return err
}

// whoWas is the name of an account or link, empty for one that is no more.
func (a *Admin) whoWas(id policy.ID) string {
	state := a.st.Policy()
	if state.User(id) == nil && id != policy.Nobody {
		if sh, _ := state.Share(id); sh == nil {
			return ""
		}
	}
	if id == policy.Nobody {
		return store.OperatorName
	}
	return state.PrincipalName(id)
}

// RestoreTrash puts something back, at its old place or at another.
func (a *Admin) RestoreTrash(ctx context.Context, in InTrash) (Restored, error) {
	var to store.Path
	if in.To != "" {
		var err error
		if to, err = ParsePath(in.To); err != nil {
			return Restored{}, err
		}
	}
	of, _, err := trashOf(in.Space)
	if err != nil {
		return Restored{}, err
	}
	p, err := a.op.Restore(ctx, of, in.Name, to)
	if err != nil {
		return Restored{}, in.explained(err)
	}
	return Restored{p.String()}, nil
}

// explained says what to do about an error.
func (in InTrash) explained(err error) error {
	list := "davit trash list " + in.Space
	switch told := tell(err).(*Error); told.Kind {
	case NotFound:
		return notFound(list, "nothing %q in the trash of %s", clip(in.Name), clip(in.Space))
	case Conflict:
		return conflict("restore it to another place with --to", "%s: %s", in.Name, told.Text)
	}
	return err
}

// EraseTrash ends something in the trash for ever.
func (a *Admin) EraseTrash(ctx context.Context, in InTrash) (None, error) {
	of, _, err := trashOf(in.Space)
	if err != nil {
		return None{}, err
	}
	if err := a.op.Erase(ctx, of, in.Name); err != nil {
		return None{}, in.explained(err)
	}
	return None{}, nil
}

// EmptyTrash ends all that lies in the trash of a space and who acts may erase.
func (a *Admin) EmptyTrash(ctx context.Context, n Named) (Emptied, error) {
	of, within, err := trashOf(n.Name)
	switch {
	case err != nil:
		return Emptied{}, err
	case len(within) == calendarNames:
		return Emptied{}, invalid("davit trash erase calendar:... NAME", "the calendars of a space have one trash: it is emptied as a whole")
	}
	erased, err := a.op.Empty(ctx, of)
	if err != nil {
		return Emptied{}, inSpace(err, n.Name)
	}
	return Emptied{erased}, nil
}

// A Version is what a file was before it was written over.
type Version struct {
	Version  string    `json:"version"` // "version-3"
	Bytes    int64     `json:"bytes"`
	Modified time.Time `json:"modified"` // as the client said
	By       string    `json:"by"`       // who wrote it
	Replaced time.Time `json:"replaced"`
	Label    string    `json:"label,omitempty"` // for which it stays
}

// VersionOf names versions of a file.
type VersionOf struct {
	Path     string   `json:"path"`
	Versions []string `json:"versions,omitempty"` // "version-3", or "3"
}

func (v VersionOf) parse() (p store.Path, names []string, err error) {
	for _, name := range v.Versions {
		if !strings.HasPrefix(name, "version-") {
			name = "version-" + name
		}
		names = append(names, name)
	}
	p, err = ParsePath(v.Path)
	return p, names, err
}

// explained says of an error what was not there.
func (v VersionOf) explained(err error) error {
	if err == nil {
		return nil
	}
	if tell(err).(*Error).Kind != NotFound {
		return err
	}
	return notFound("davit versions list "+v.Path, "%s: no such file, or no such version", clip(v.Path))
}

// ListVersions lists what is kept of a file, the oldest first.
func (a *Admin) ListVersions(_ context.Context, l Located) ([]Version, error) {
	p, err := ParsePath(l.Path)
	if err != nil {
		return nil, err
	}
	infos, err := a.op.Versions(p)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound("", "%s: not found", p)
	} else if err != nil {
		return nil, err
	}
	list := []Version{}
	for _, info := range infos {
		if info.Origin == nil {
			return nil, invalid("", "%s is a folder: name a file", clip(l.Path))
		}
		list = append(list, Version{info.Name, info.Size, info.Modified.UTC().Truncate(time.Second), a.whoWas(info.Origin.By),
			info.Origin.At.UTC().Truncate(time.Second), info.Origin.Label})
	}
	return list, nil
}

// ShowVersion tells about one version.
func (a *Admin) ShowVersion(ctx context.Context, v VersionOf) (Version, error) {
	_, names, err := v.parse()
	if err == nil && len(names) != 1 {
		err = invalid("davit versions list "+v.Path, "name one version")
	}
	if err != nil {
		return Version{}, err
	}
	list, err := a.ListVersions(ctx, Located{v.Path})
	if err != nil {
		return Version{}, err
	}
	for _, one := range list {
		if one.Version == names[0] {
			return one, nil
		}
	}
	return Version{}, v.explained(store.ErrNotFound)
}

// RevertFile gives a file the content of one of its versions; the content that it
// had becomes one.
func (a *Admin) RevertFile(ctx context.Context, v VersionOf) (None, error) {
	p, name, err := v.one()
	if err == nil {
		err = a.op.Revert(ctx, p, name)
	}
	return None{}, v.explained(err)
}

// one reads which version of a listed file is meant.
func (v VersionOf) one() (p store.Path, name string, err error) {
	p, names, err := v.parse()
	switch {
	case err != nil:
		return nil, "", err
	case len(names) != 1:
		return nil, "", invalid("davit versions list "+v.Path, "name one version")
	case store.IsPast(p):
		return nil, "", invalid("davit trash restore SPACE NAME", "%s lies in the trash: take it out first", clip(v.Path))
	}
	return p, names[0], nil
}

// A VersionLabel names a version and says what it is to be called; empty for
// nothing.
type VersionLabel struct {
	VersionOf
	Label string `json:"label"`
}

// LabelVersion gives a version a label, for which it stays, or takes that away.
func (a *Admin) LabelVersion(ctx context.Context, l VersionLabel) (None, error) {
	p, name, err := l.one()
	if err == nil {
		err = a.op.Label(ctx, p, name, l.Label)
	}
	return None{}, l.explained(err)
}

// EraseVersions ends the versions named for ever, or all of a file.
func (a *Admin) EraseVersions(ctx context.Context, v VersionOf) (None, error) {
	p, names, err := v.parse()
	if err == nil {
		err = a.op.EraseVersions(ctx, p, names...)
	}
	return None{}, v.explained(err)
}
