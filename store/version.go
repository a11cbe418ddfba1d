package store

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"time"

	"davit/policy"
)

// A file that is written over keeps its old content as a version, under a number
// that is never given to another. Versions belong to the file: they follow it
// wherever it is moved, lie in the trash with it and go when it is erased, and
// their bytes are charged to the place where it stands.

// version is what a file was before a write.
type version struct {
	number int
	content
	size     int64
	modified time.Time
	media    string // type
	rev      uint64 // of the entry at that time
	author   policy.ID
	at       time.Time // when it was replaced
	label    string    // that keeps it, empty for none
}

// keptForOthers is how many versions are kept of what somebody overwrites who
// may not delete it, whatever the settings say: who only writes takes nothing
// away.
const keptForOthers = 10

func appendVersion(b []byte, v *version) []byte {
	b = append(b, byte(v.where))
	b = appendContent(b, v.content)
	b = binary.AppendUvarint(b, uint64(v.size))
	b = binary.AppendVarint(b, v.modified.UnixNano())
	b = binary.AppendUvarint(b, v.rev)
	b = binary.AppendUvarint(b, uint64(v.author))
	b = binary.AppendVarint(b, v.at.UnixNano())
	b = append(b, v.media...)
	if v.label == "" {
		return b
	}
	return append(append(b, labelMark...), v.label...)
}

// labelMark stands before the label of a version, after its media type: no header
// holds such a byte.
const labelMark = "\x00"

func decodeVersion(key, b []byte) (version, error) {
	d := decoder{b: b}
	v := version{number: int(binary.BigEndian.Uint64(key[9:])), content: content{where: place(d.byte())}}
	d.content(&v.content)
	v.size, v.modified, v.rev = int64(d.uvarint()), time.Unix(0, d.varint()), d.uvarint()
	v.author, v.at = policy.ID(d.uvarint()), time.Unix(0, d.varint())
	v.media, v.label, _ = strings.Cut(string(d.b), labelMark)
	d.b = nil
	return v, d.done("version")
}

// entry is the version as a file of its own.
func (v *version) entry(name string, of *Entry) Entry {
	return Entry{Name: name, Node: of.Node, Size: v.size, Created: of.Created, Modified: v.modified, Rev: v.rev,
		Creator: v.author, Type: v.media, content: v.content}
}

// versions reads what is kept of a file, the oldest first.
func (tx *Tx) versions(g grant, n policy.Node) (list []version, err error) {
	var failed error
	err = scanPrefix(tx.r, key1(tableVersion, uint64(n)), func(k, b []byte) bool {
		var v version
		v, failed = decodeVersion(k, b)
		list = append(list, v)
		return failed == nil
	})
	return list, errors.Join(err, failed)
}

// retire takes the content of a file out of use for the next one: it becomes a
// version, for which room bytes are reserved. Who may delete the file writes on
// where there is no room, or where the settings keep none. Of a content that comes
// back it tells the revision, which no version may have any more.
func (s *Session) retire(tx *Tx, g grant, sp *spot, next body, room int64) (again uint64, err error) {
	switch e := sp.entry(); {
	case e.content == next.content:
		return next.again, nil
	case e.content.where == nowhere:
		return tx.dropEqual(g, sp, next)
	}
	return next.again, s.outdate(tx, g, sp, room)
}

// outdate makes a version of the content of a file, as far as one is kept.
func (s *Session) outdate(tx *Tx, g grant, sp *spot, room int64) error {
	e := sp.entry()
	most, loses := int(tx.state.Settings().Versions), g.held&policy.Delete != 0
	if !loses {
		most = max(most, keptForOthers)
	}
	if most == 0 {
		return tx.disuse(g, e.content, e.Node)
	}
	switch err := tx.reserve(tx.state.AppendLimits(nil, sp.place()), max(room-sp.spared, 0)); {
	case err != nil && loses:
		return tx.disuse(g, e.content, e.Node)
	case err != nil:
		return err
	}
	if err := s.addVersion(tx, g, sp); err != nil {
		return err
	}
	return tx.thin(g, sp, most)
}

// fit reserves what a write at the spot adds. Where there is no room the oldest
// versions of the file give way as far as they may; what they free beyond the need
// is there for the version that the write makes.
func (tx *Tx) fit(g grant, sp *spot, h *hold, growth int64) error {
	limits := tx.state.AppendLimits(nil, sp.place())
	refused := h.grow(limits, growth)
	if refused == nil || sp.missing() > 0 || g.held&policy.Delete == 0 {
		return refused
	}
	list, err := tx.versions(g, sp.entry().Node)
	if err != nil {
		return err
	}
	list = expiring(list)
	for i := range list {
		growth -= list[i].size
		if h.grow(limits, growth) == nil {
			sp.spared = max(-growth, 0)
			return tx.dropVersions(g, sp, list[:i+1])
		}
	}
	return refused
}

// addVersion makes a version of the content that a file has now.
func (s *Session) addVersion(tx *Tx, g grant, sp *spot) error {
	e := sp.entry()
	author, err := tx.writer(sp.space.ID, e)
	if err != nil {
		return err
	}
	v := version{number: e.kept.newest + 1, content: e.content, size: e.Size, modified: e.Modified, media: e.Type,
		rev: e.Rev, author: author, at: tx.now}
	if err := tx.w.Put(versionKey(e.Node, v.number), appendVersion(nil, &v)); err != nil {
		return err
	}
	if err := tx.w.Put(versionRefKey(v.hash, e.Node, v.number), nil); err != nil {
		return err
	}
	e.kept = kept{e.kept.count + 1, v.number, e.kept.bytes + v.size}
	tx.charge(sp.above().nodes, sum{versions: v.size})
	return tx.disuse(g, e.content, e.Node)
}

// writer is who gave a file the content that it has: who made the change that
// set it, or else the creator.
func (tx *Tx) writer(space policy.ID, e *Entry) (policy.ID, error) {
	b, err := tx.r.Get(changeKey(space, e.Rev))
	if err != nil || b == nil {
		return e.Creator, err
	}
	c, err := decodeChange(b)
	if err != nil || c.node != e.Node {
		return e.Creator, err
	}
	return c.actor, nil
}

// dropEqual drops the newest version when an emptied file gets its content
// again: clients empty a file before they write it. It tells the revision whose
// content came back. Where that is of a version which was taken away for it
// already, the newest stays: the change log tells of one alone.
func (tx *Tx) dropEqual(g grant, sp *spot, next body) (again uint64, err error) {
	e := sp.entry()
	if e.kept.count == 0 {
		return next.again, nil
	}
	list, err := tx.versions(g, e.Node)
	if err != nil || len(list) == 0 || list[len(list)-1].content != next.content || list[len(list)-1].label != "" {
		return next.again, err
	}
	if next.again != 0 && !slices.ContainsFunc(list, func(v version) bool { return v.rev == next.again }) {
		return next.again, nil
	}
	newest := list[len(list)-1:]
	return newest[0].rev, tx.dropVersions(g, sp, newest)
}

// thin drops versions until no more than most are left: first those that stood
// for the shortest time. So nobody pushes out what stood for long by writing
// often. The newest stays, and what carries a label is not counted.
func (tx *Tx) thin(g grant, sp *spot, most int) error {
	e := sp.entry()
	if e.kept.count <= most {
		return nil
	}
	list, err := tx.versions(g, e.Node)
	if err != nil {
		return err
	}
	var drop []version
	for excess := len(expiring(list)) - most; excess > 0; excess-- {
		begin, shortest, at := e.Created, time.Duration(-1), 0
		for i, v := range list[:len(list)-1] {
			if stood := v.at.Sub(begin); v.label == "" && (shortest < 0 || stood < shortest) {
				shortest, at = max(stood, 0), i
			}
			begin = v.at
		}
		drop = append(drop, list[at])
		list = append(list[:at], list[at+1:]...)
	}
	return tx.dropVersions(g, sp, drop)
}

// dropVersions takes versions of the file at the spot away. Its entry is left to
// be written.
func (tx *Tx) dropVersions(g grant, sp *spot, list []version) error {
	freed, err := tx.eraseVersions(g, sp.entry(), list)
	if err != nil {
		return err
	}
	tx.charge(sp.above().nodes, sum{versions: -freed})
	return nil
}

// eraseVersions takes versions of a file away and gives their bytes, for who
// charges them.
func (tx *Tx) eraseVersions(g grant, e *Entry, list []version) (freed int64, err error) {
	for i := range list {
		v := &list[i]
		if err := tx.w.Delete(versionKey(e.Node, v.number)); err != nil {
			return 0, err
		}
		if err := tx.release(g, v.hash, versionRefKey(v.hash, e.Node, v.number)); err != nil {
			return 0, err
		}
		e.kept.count--
		freed += v.size
	}
	e.kept.bytes -= freed
	return freed, nil
}
