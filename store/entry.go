package store

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// An Entry is one file or collection as its parent lists it.
type Entry struct {
	Name    string
	Node    policy.Node
	Dir     bool
	Size    int64 // bytes of content, 0 for a collection
	Created time.Time
	// Modified is when the content last changed, or what a client set.
	Modified time.Time
	// Rev is the number of the change that last set the content.
	Rev     uint64
	Creator policy.ID
	// Touched: somebody else than the creator has changed its content,
	// properties, name or place since.
	Touched bool
	// Type is the media type that the client gave, empty if none. Of a calendar
	// it says what the calendar takes in.
	Type     string
	HasProps bool
	// Indexed: it is a calendar object, of which an Object is kept.
	Indexed bool
	// Private: it is a calendar object whose content is for its owner and those who
	// manage its place; others are given what a mask leaves.
	Private bool
	// Scheduled: it is a calendar object that names an organizer.
	Scheduled bool
	// Tagged is the number of the change that its clients have to know of before
	// they write it; of what is not Scheduled it is 0.
	Tagged   uint64
	content  content
	kept     kept
	attached attachedSum
}

// kept sums up the versions of a file.
type kept struct {
	count  int
	newest int   // number of the newest that was ever made
	bytes  int64 // of all
}

// ETag is a strong validator: it changes with every write, also of the same
// bytes, and never comes back. Empty for a collection.
func (e *Entry) ETag() string { return string(e.AppendETag(nil)) }

// AppendETag appends the ETag with its quotes.
func (e *Entry) AppendETag(dst []byte) []byte {
	if e.Dir {
		return dst
	}
	dst = append(dst, '"')
	dst = strconv.AppendUint(dst, uint64(e.Node), 36)
	dst = append(dst, '-')
	dst = strconv.AppendUint(dst, e.Rev, 36)
	return append(dst, '"')
}

// ScheduleTag is a validator that an attendee's answer leaves as it is, empty for
// what is not scheduled. RFC 6638, section 3.2.10
func (e *Entry) ScheduleTag() string {
	if !e.Scheduled {
		return ""
	}
	return `"` + strconv.FormatUint(uint64(e.Node), 36) + "-" + strconv.FormatUint(e.Tagged, 36) + `"`
}

// content says where the bytes of a file are.
type content struct {
	where place
	hash  [32]byte
	gen   uint32 // of the blob file
}

type place byte

const (
	nowhere  place = iota // a collection, or a file of no bytes
	inline                // in the database
	blobFile              // in a file of its own
)

// inlineMax is the largest content kept in the database, in bytes: up to here
// it saves syncs, above it all bytes would pass the one writer.
const inlineMax = 8 << 10

const (
	flagDir = 1 << iota
	flagProps
	flagTouched
	flagVersions
	flagIndexed
	flagPrivate
	flagScheduled
	flagAttached
)

// appendEntry encodes all but the name, which is in the key.
func appendEntry(b []byte, e *Entry) []byte {
	var flags byte
	if e.Dir {
		flags |= flagDir
	}
	if e.HasProps {
		flags |= flagProps
	}
	if e.Touched {
		flags |= flagTouched
	}
	if e.kept.newest > 0 {
		flags |= flagVersions
	}
	if e.Indexed {
		flags |= flagIndexed
	}
	if e.Private {
		flags |= flagPrivate
	}
	if e.Scheduled {
		flags |= flagScheduled
	}
	if e.attached.count > 0 {
		flags |= flagAttached
	}
	b = append(b, flags, byte(e.content.where))
	b = binary.AppendUvarint(b, uint64(e.Node))
	b = binary.AppendUvarint(b, uint64(e.Size))
	b = binary.AppendVarint(b, e.Created.UnixNano())
	b = binary.AppendVarint(b, e.Modified.UnixNano())
	b = binary.AppendUvarint(b, e.Rev)
	b = binary.AppendUvarint(b, uint64(e.Creator))
	b = binary.AppendUvarint(b, uint64(len(e.Type)))
	b = append(b, e.Type...)
	b = appendContent(b, e.content)
	if e.kept.newest > 0 {
		b = binary.AppendUvarint(b, uint64(e.kept.count))
		b = binary.AppendUvarint(b, uint64(e.kept.newest))
		b = binary.AppendUvarint(b, uint64(e.kept.bytes))
	}
	if e.Scheduled {
		b = binary.AppendUvarint(b, e.Tagged)
	}
	if e.attached.count > 0 {
		b = binary.AppendUvarint(b, uint64(e.attached.count))
		b = binary.AppendUvarint(b, uint64(e.attached.bytes))
	}
	return b
}

// appendContent encodes where the bytes are, but for the kind of place.
func appendContent(b []byte, c content) []byte {
	if c.where == nowhere {
		return b
	}
	b = append(b, c.hash[:]...)
	return binary.AppendUvarint(b, uint64(c.gen))
}

// decodeEntry is the inverse, in place: a listing decodes thousands.
func decodeEntry(e *Entry, b []byte) error {
	d := decoder{b: b}
	flags := d.byte()
	e.Dir, e.HasProps, e.Touched = flags&flagDir != 0, flags&flagProps != 0, flags&flagTouched != 0
	e.Indexed, e.Private = flags&flagIndexed != 0, flags&flagPrivate != 0
	e.content.where = place(d.byte())
	e.Node = policy.Node(d.uvarint())
	e.Size = int64(d.uvarint())
	e.Created = time.Unix(0, d.varint())
	e.Modified = time.Unix(0, d.varint())
	e.Rev = d.uvarint()
	e.Creator = policy.ID(d.uvarint())
	e.Type = d.text()
	d.content(&e.content)
	if flags&flagVersions != 0 {
		e.kept = kept{int(d.uvarint()), int(d.uvarint()), int64(d.uvarint())}
	}
	if e.Scheduled = flags&flagScheduled != 0; e.Scheduled {
		e.Tagged = d.uvarint()
	}
	if flags&flagAttached != 0 {
		e.attached = attachedSum{int(d.uvarint()), int64(d.uvarint())}
	}
	return d.done("entry")
}

// content reads what appendContent wrote of a content in a known kind of place.
func (d *decoder) content(c *content) {
	if c.where != nowhere {
		copy(c.hash[:], d.take(32))
		c.gen = uint32(d.uvarint())
	}
}

// decoder reads the parts of a record; the first fault sticks.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) take(n int) []byte {
	if n < 0 || n > len(d.b) {
		d.bad, d.b = true, nil
		return make([]byte, max(0, min(n, 64)))
	}
	part := d.b[:n]
	d.b = d.b[n:]
	return part
}

func (d *decoder) byte() byte { return d.take(1)[0] }

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) text() string {
	n := d.uvarint()
	if n > uint64(len(d.b)) {
		d.bad, d.b = true, nil
		return ""
	}
	return string(d.take(int(n)))
}

func (d *decoder) done(what string) error {
	if d.bad || len(d.b) != 0 {
		return fmt.Errorf("%s record: %w", what, engine.ErrDamaged)
	}
	return nil
}

// nodeRec is the way up from a node.
type nodeRec struct {
	parent policy.Node
	name   string
	// trash is the number of the node's record in the trash; 0 while it is
	// listed. A trashed node keeps its old parent, which it is charged to.
	trash uint64
}

func appendNode(b []byte, n nodeRec) []byte {
	b = binary.AppendUvarint(b, uint64(n.parent))
	b = binary.AppendUvarint(b, n.trash)
	return append(b, n.name...)
}

func decodeNode(b []byte) (nodeRec, error) {
	d := decoder{b: b}
	n := nodeRec{parent: policy.Node(d.uvarint()), trash: d.uvarint()}
	n.name = string(d.b)
	d.b = nil
	return n, d.done("node")
}

// sum is what lies below a collection, in bytes: listed, what the listed files
// were before, and deleted from here but not yet erased, versions included.
type sum struct {
	live, versions, trash int64
	files                 int64 // listed
}

func (s sum) plus(d sum) sum {
	return sum{s.live + d.live, s.versions + d.versions, s.trash + d.trash, s.files + d.files}
}

// weight is what a file weighs where it stands: with its attachments and versions.
func (e *Entry) weight() sum {
	return sum{live: e.Size + e.attached.bytes, versions: e.kept.bytes, files: 1}
}

func (s sum) negative() sum { return sum{-s.live, -s.versions, -s.trash, -s.files} }

// bytes is what is charged for it.
func (s sum) bytes() int64 { return s.live + s.versions + s.trash }

// binned is what it adds to a collection from which it was deleted.
func (s sum) binned() sum { return sum{trash: s.bytes()} }

func appendSum(b []byte, s sum) []byte {
	b = binary.AppendVarint(b, s.live)
	b = binary.AppendVarint(b, s.trash)
	b = binary.AppendVarint(b, s.files)
	return binary.AppendVarint(b, s.versions)
}

func decodeSum(b []byte) (sum, error) {
	d := decoder{b: b}
	s := sum{live: d.varint(), trash: d.varint(), files: d.varint()}
	if len(d.b) > 0 { // a store that kept no versions wrote none
		s.versions = d.varint()
	}
	return s, d.done("sum")
}

// trashRec is a deleted entry and where it stood.
type trashRec struct {
	entry  Entry
	parent policy.Node
	by     policy.ID
	at     int64 // Unix nanoseconds
}

func appendTrash(b []byte, t *trashRec) []byte {
	b = binary.AppendUvarint(b, uint64(t.parent))
	b = binary.AppendUvarint(b, uint64(t.by))
	b = binary.AppendVarint(b, t.at)
	b = binary.AppendUvarint(b, uint64(len(t.entry.Name)))
	b = append(b, t.entry.Name...)
	return appendEntry(b, &t.entry)
}

func decodeTrash(b []byte) (trashRec, error) {
	d := decoder{b: b}
	t := trashRec{parent: policy.Node(d.uvarint()), by: policy.ID(d.uvarint()), at: d.varint()}
	name := d.text()
	rest := d.b
	d.b = nil
	if err := d.done("trash"); err != nil {
		return t, err
	}
	err := decodeEntry(&t.entry, rest)
	t.entry.Name = name
	return t, err
}
