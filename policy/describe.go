package policy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Describe tells people in one line what a change made of what:
// "level Finance user:mia: none -> viewer". before and after are the policy
// around it; path names a place, of which sometimes only the last node is known.
func Describe(before, after *State, c Change, path func(Place) string) string {
	if d, ok := c.(interface{ describe(*telling) string }); ok {
		return d.describe(&telling{before, after, path})
	}
	data, err := MarshalChange(c)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

// telling is what a description is made of.
type telling struct {
	before, after *State
	path          func(Place) string
}

// nothing stands for what is not there.
const nothing = "none"

func (t *telling) at(n Node) string { return t.path(Place{Path: []Node{n}}) }

// name is what commands call a principal, profile or space: as it is now, or as
// it was before it went.
func (t *telling) name(id ID) string {
	if id == Nobody {
		return nothing
	}
	for _, s := range []*State{t.after, t.before} {
		if p := s.Profile(id); p != nil {
			return p.Name
		}
		if sp := s.Space(id); sp != nil {
			return s.spaceName(sp)
		}
		if name := s.PrincipalName(id); name != "nobody" {
			return name
		}
	}
	return fmt.Sprintf("id:%d", id)
}

// spaceName is how paths into a space begin.
func (s *State) spaceName(sp *Space) string {
	if u := s.User(sp.Owner); u != nil && sp.Kind == Personal {
		return "~" + u.Name
	}
	return sp.Name
}

func (c PutUser) describe(t *telling) string {
	return t.record(nameOfUser, c.User.Name, t.before.User(c.User.ID), &c.User)
}

func (c DropUser) describe(t *telling) string { return t.name(c.ID) + ": deleted" }

func (c PutGroup) describe(t *telling) string {
	kind := nameOfGroup
	if c.Group.Role {
		kind = nameOfRole
	}
	return t.record(kind, c.Group.Name, t.before.Group(c.Group.ID), &c.Group)
}

func (c DropGroup) describe(t *telling) string { return t.name(c.ID) + ": deleted" }

func (c Join) describe(t *telling) string { return t.name(c.Group) + ": + " + t.name(c.Member) }

func (c Leave) describe(t *telling) string { return t.name(c.Group) + ": - " + t.name(c.Member) }

func (c PutProfile) describe(t *telling) string {
	return t.record(nameOfProfile, c.Profile.Name, t.before.Profile(c.Profile.ID), &c.Profile)
}

func (c DropProfile) describe(t *telling) string {
	text := "profile " + t.name(c.ID) + ": deleted"
	if c.Successor != Nobody {
		text += ", its users get " + t.name(c.Successor)
	}
	return text
}

func (c PutSpace) describe(t *telling) string {
	text := t.record(nameOfSpace, c.Space.Name, t.before.Space(c.Space.ID), &c.Space)
	if t.before.Space(c.Space.ID) == nil {
		for i := range c.Space.Levels {
			e := &c.Space.Levels[i]
			text += ", " + t.name(e.Principal) + " " + t.level(e)
		}
	}
	return text
}

func (c DropSpace) describe(t *telling) string { return "space " + t.name(c.ID) + ": deleted" }

func (c SetLevel) describe(t *telling) string {
	was, pinned := nothing, false
	if sp := t.before.Space(c.Space); sp != nil {
		old := lineOf(sp.Levels, &c.Entry)
		was = t.level(&old)
		pinned = slices.Contains(sp.Pins, c.Entry.Principal)
	}
	text := fmt.Sprintf("level %s %s: %s -> %s", t.name(c.Space), t.name(c.Entry.Principal), was, t.level(&c.Entry))
	switch {
	case c.Pin == nil || *c.Pin == pinned:
		return text
	case *c.Pin:
		return text + ", pinned"
	}
	return text + ", no longer pinned"
}

func (c SetEntry) describe(t *telling) string {
	was := nothing
	if m := t.before.Mark(last(c.At)); m != nil {
		old := lineOf(m.Entries, &c.Entry)
		was = t.line(&old)
	}
	return fmt.Sprintf("acl %s %s: %s -> %s", t.path(c.At), t.name(c.Entry.Principal), was, t.line(&c.Entry))
}

func (c ClearEntries) describe(t *telling) string {
	var gone []string
	if m := t.before.Mark(c.Node); m != nil {
		for i := range m.Entries {
			if e := &m.Entries[i]; c.Principal == Nobody || e.Principal == c.Principal {
				gone = append(gone, t.name(e.Principal)+" "+t.line(e))
			}
		}
	}
	if gone == nil {
		return "acl " + t.at(c.Node) + ": nothing to take out"
	}
	return "acl " + t.at(c.Node) + ": taken out: " + strings.Join(gone, "; ")
}

func (c SetCut) describe(t *telling) string {
	m := t.before.Mark(last(c.At))
	onOff := func(on bool) string {
		if on {
			return "cut"
		}
		return "inherits"
	}
	return fmt.Sprintf("acl %s: %s -> %s", t.path(c.At), onOff(m != nil && m.Cut), onOff(c.On))
}

func (c SetQuota) describe(t *telling) string {
	var was *Limit
	if m := t.before.Mark(last(c.At)); m != nil {
		was = m.Quota
	}
	return fmt.Sprintf("quota %s: %s -> %s", t.path(c.At), limitText(was), limitText(c.Limit))
}

func limitText(l *Limit) string {
	if l == nil {
		return nothing
	}
	return l.String()
}

func (c TransferSpace) describe(t *telling) string {
	was := ID(Nobody)
	if sp := t.before.Space(c.Space); sp != nil {
		was = sp.Owner
	}
	return fmt.Sprintf("space %s: owner %s -> %s", t.name(c.Space), t.name(was), t.name(c.Owner))
}

func (c PutSettings) describe(t *telling) string {
	is := c.Settings
	return t.record("policy", "", t.before.set(), &is)
}

func (c PutShare) describe(t *telling) string {
	sh := &c.Share
	to := t.name(sh.To)
	if sh.IsLink() {
		to = "whoever has the link"
	}
	rights := cmp.Or(sh.Level, sh.Rights.String())
	return fmt.Sprintf("share %s: %s gives %s to %s", t.path(c.At), t.name(sh.By), rights, to)
}

func (c DropShare) describe(t *telling) string {
	sh, at := t.before.Share(c.ID)
	if sh == nil {
		return fmt.Sprintf("share %d: ended", c.ID)
	}
	return fmt.Sprintf("share %s: %s no longer gives %s to %s", t.path(at), t.name(sh.By), cmp.Or(sh.Level, sh.Rights.String()), t.name(sh.To))
}

func (c MoveNode) describe(t *telling) string {
	text := t.path(c.To) + ": moved here with what it carries"
	if w, ok := t.before.ways.get(uint64(last(c.To))); ok && w.parent != 0 {
		text += ", from " + t.at(w.parent)
	}
	return text
}

func (c ParkNode) describe(t *telling) string {
	return t.at(c.Node) + ": into the trash with what it carries"
}

func (c DropNodes) describe(t *telling) string {
	carried := 0
	for _, n := range c.Nodes {
		if t.before.Mark(n) != nil {
			carried++
		}
	}
	return fmt.Sprintf("erased: %d files and folders, of which %d carried something", len(c.Nodes), carried)
}

func (e *Entry) says() Rights { return e.Allow | e.Revoke | e.Deny }

// level is an entry that stands for membership.
func (t *telling) level(e *Entry) string {
	if e.says() == 0 {
		return nothing
	}
	if e.Level == "" || e.Revoke|e.Deny != 0 {
		return t.line(e)
	}
	return e.Level + t.conditions(e)
}

// line is an entry of a list: + what it allows, - what it revokes, ! what it
// denies.
func (t *telling) line(e *Entry) string {
	if e.says() == 0 {
		return nothing
	}
	var parts []string
	for _, p := range []struct {
		sign   string
		rights Rights
	}{{"+", e.Allow}, {"-", e.Revoke}, {"!", e.Deny}} {
		if p.rights != 0 {
			parts = append(parts, p.sign+p.rights.String())
		}
	}
	return strings.Join(parts, " ") + t.conditions(e)
}

// conditions are whatever else an entry says.
func (t *telling) conditions(e *Entry) string {
	said := t.fields(reflect.ValueOf(*e), "principal", "allow", "revoke", "deny", "level")
	if len(said) == 0 {
		return ""
	}
	return " (" + strings.Join(said, ", ") + ")"
}

// record tells what differs between a record and the one it replaces.
func (t *telling) record(kind, name string, was, is any) string {
	hidden := []string{"id", "name", "role", "root", "home", "members", "levels", "pins"}
	old, now := reflect.ValueOf(was), reflect.ValueOf(is).Elem()
	if old.IsNil() {
		return kind + " " + name + ": " + strings.Join(append([]string{"added"}, t.fields(now, hidden...)...), ", ")
	}
	old = old.Elem()
	var diff []string
	for i := range now.NumField() {
		label := labelOf(now.Type().Field(i))
		if !now.Type().Field(i).IsExported() || label != "name" && slices.Contains(hidden, label) {
			continue
		}
		if a, b := t.shown(label, old.Field(i)), t.shown(label, now.Field(i)); a != b {
			diff = append(diff, label+" "+a+" -> "+b)
		}
	}
	if diff == nil {
		diff = []string{"as it was"}
	}
	return kind + " " + old.FieldByName("Name").String() + ": " + strings.Join(diff, ", ")
}

// fields are the names and values of a record that are not zero.
func (t *telling) fields(rec reflect.Value, without ...string) []string {
	var said []string
	for i := range rec.NumField() {
		label := labelOf(rec.Type().Field(i))
		if rec.Type().Field(i).IsExported() && !slices.Contains(without, label) && !rec.Field(i).IsZero() {
			said = append(said, label+" "+t.shown(label, rec.Field(i)))
		}
	}
	return said
}

// labelOf is a field's name as records are kept.
func labelOf(f reflect.StructField) string {
	label, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return label
}

// shown is a value of a record; fields of that name are moments.
func (t *telling) shown(label string, v reflect.Value) string {
	if seconds, ok := v.Interface().(int64); ok && (label == "from" || label == "until") {
		if seconds == 0 {
			return nothing
		}
		return time.Unix(seconds, 0).UTC().Format(time.RFC3339)
	}
	return t.value(v)
}

// unset stands for a field that leaves the choice to something above it.
const unset = "default"

func (t *telling) value(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return unset
		}
		return t.value(v.Elem())
	}
	switch a := v.Interface().(type) {
	case ID:
		return t.name(a)
	case []ID:
		names := make([]string, len(a))
		for i, id := range a {
			names[i] = t.name(id)
		}
		return cmp.Or(strings.Join(names, " "), nothing)
	case fmt.Stringer:
		return a.String()
	}
	if v.Kind() == reflect.String {
		return cmp.Or(v.String(), nothing)
	}
	data, err := json.Marshal(v.Interface())
	if err != nil {
		return err.Error()
	}
	return string(data)
}
