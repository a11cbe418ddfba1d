package store

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"davit/policy"
)

// A calendar object may name attachments that are kept here, each by an id that the
// store gives. They belong to the object as versions belong to a file: they follow it
// wherever it is moved, lie in the trash with it and go when it is erased, and their
// bytes are charged to the place where it stands. What an object has is what its
// content names, in the transaction of the content. Several objects may have one
// attachment: a copy, or a series that was cut in two, and each pays for its own.
//
// What an invitation names is lent: the guest's object has no bytes of its own, and
// he reads what the object of the same UID has that he is invited from, for as long as
// that is listed and whose it is has an account that counts.

// AttachmentsMax is how many attachments one object has.
const AttachmentsMax = 100

// Errors of attachments.
var (
	// ErrNotAttached: an object names an attachment that is not there, or not for who
	// writes the object.
	ErrNotAttached = errors.New("the object names an attachment that is not known here")
	// ErrAttachments: an object names too many.
	ErrAttachments = errors.New("the object names too many attachments")
	// ErrNoObject: nothing else than a calendar object has attachments.
	ErrNoObject = errors.New("only an object of a calendar has attachments")
)

// An Attachment is what a calendar object names by its ID.
type Attachment struct {
	ID   string
	Name string // of the file
	Type string // media type
	Size int64  // bytes
}

// A Revision rewrites a calendar object so that it names an attachment more, or one
// less. It is asked once before the attachment comes, whose size is not known by then,
// and again in the transaction that keeps it; its errors are answers to who asks.
type Revision func(content []byte, a Attachment) (next []byte, obj Object, err error)

// attachmentIDLen is the length of an ID.
const attachmentIDLen = 26

// IsAttachmentID tells whether an id has the form of those that are given here. What
// other servers gave looks otherwise, and means nothing.
func IsAttachmentID(id string) bool {
	for i := range len(id) {
		if c := id[i]; (c < 'A' || c > 'Z') && (c < '2' || c > '7') {
			return false
		}
	}
	return len(id) == attachmentIDLen
}

// attached is an attachment of one object.
type attached struct {
	Attachment
	// number names the reference to its content; 0 for what is lent.
	number uint64
	content
	at time.Time
}

func (a *attached) lent() bool { return a.number == 0 }

// entry is the attachment as a file of its own.
func (a *attached) entry() Entry {
	return Entry{Name: a.Name, Node: policy.Node(a.number), Size: a.Size, Created: a.at, Modified: a.at, Rev: 1, Type: a.Type, content: a.content}
}

// attachedSum sums up the attachments of an object.
type attachedSum struct {
	count int   // lent ones too
	bytes int64 // of its own
}

func appendAttached(b []byte, a *attached) []byte {
	b = binary.AppendUvarint(b, a.number)
	b = append(b, byte(a.where))
	b = appendContent(b, a.content)
	b = binary.AppendUvarint(b, uint64(a.Size))
	b = binary.AppendVarint(b, a.at.UnixNano())
	b = binary.AppendUvarint(b, uint64(len(a.Type)))
	b = append(b, a.Type...)
	return append(b, a.Name...)
}

func decodeAttached(key, v []byte) (a attached, err error) {
	d := decoder{b: v}
	a.ID = string(key[9:])
	a.number, a.where = d.uvarint(), place(d.byte())
	d.content(&a.content)
	a.Size, a.at, a.Type = int64(d.uvarint()), time.Unix(0, d.varint()), d.text()
	a.Name = string(d.b)
	d.b = nil
	return a, d.done("attachment")
}

func attachedKey(n policy.Node, id string) []byte {
	return append(keyRoom(tableAttached, uint64(n), len(id)), id...)
}

// holderKey leads from an attachment to an object that has it.
func holderKey(id string, n policy.Node) []byte {
	return binary.BigEndian.AppendUint64(append([]byte{tableHolder}, id...), uint64(n))
}

// attachedRefKey is the reference of an attachment, beside those of the object itself
// and of its versions, whose numbers are small.
func attachedRefKey(hash [32]byte, n policy.Node, number uint64) []byte {
	return versionRefKey(hash, n, attachedVersion(number))
}

// attachedVersion is the number of an attachment among those of versions.
func attachedVersion(number uint64) int { return int(number | 1<<63) }

// attachments reads what an object has.
func (tx *Tx) attachments(g grant, n policy.Node) (list []attached, err error) {
	var failed error
	err = scanPrefix(tx.r, attachedKey(n, ""), func(k, v []byte) bool {
		var a attached
		a, failed = decodeAttached(k, v)
		list = append(list, a)
		return failed == nil
	})
	return list, errors.Join(err, failed)
}

// attach gives an object an attachment and charges the collections on its way for it.
// Its entry is left to be written.
func (tx *Tx) attach(g grant, way []policy.Node, e *Entry, a *attached) error {
	if err := tx.w.Put(attachedKey(e.Node, a.ID), appendAttached(nil, a)); err != nil {
		return err
	}
	if a.where != nowhere {
		if err := tx.w.Put(attachedRefKey(a.hash, e.Node, a.number), nil); err != nil {
			return err
		}
		tx.st.touched.note(a.hash)
	}
	tx.charge(way, sum{live: a.own()})
	e.attached = attachedSum{e.attached.count + 1, e.attached.bytes + a.own()}
	return tx.w.Put(holderKey(a.ID, e.Node), nil)
}

// own are the bytes that its object pays for.
func (a *attached) own() int64 {
	if a.lent() {
		return 0
	}
	return a.Size
}

// detach takes an attachment from an object, as attach gives it.
func (tx *Tx) detach(g grant, way []policy.Node, e *Entry, a *attached) error {
	if err := tx.w.Delete(attachedKey(e.Node, a.ID)); err != nil {
		return err
	}
	if a.where != nowhere {
		if err := tx.release(g, a.hash, attachedRefKey(a.hash, e.Node, a.number)); err != nil {
			return err
		}
	}
	tx.charge(way, sum{live: -a.own()})
	e.attached = attachedSum{e.attached.count - 1, e.attached.bytes - a.own()}
	return tx.w.Delete(holderKey(a.ID, e.Node))
}

// dropAttachments takes all attachments from an object. With no way nobody is charged
// less: who erases the object sees to that.
func (tx *Tx) dropAttachments(g grant, way []policy.Node, e *Entry) error {
	if e.attached.count == 0 {
		return nil
	}
	list, err := tx.attachments(g, e.Node)
	for i := 0; i < len(list) && err == nil; i++ {
		err = tx.detach(g, way, e, &list[i])
	}
	return err
}

// copyAttachments gives an object what another has. Room for it was made with that for
// the object; with no way nobody is charged.
func (tx *Tx) copyAttachments(g grant, from *Entry, way []policy.Node, to *Entry) error {
	if from.attached.count == 0 {
		return nil
	}
	list, err := tx.attachments(g, from.Node)
	for i := 0; i < len(list) && err == nil; i++ {
		err = tx.attachAgain(g, way, to, list[i])
	}
	return err
}

// attachAgain gives an object, too, what another has.
func (tx *Tx) attachAgain(g grant, way []policy.Node, e *Entry, a attached) (err error) {
	if !a.lent() {
		a.number, err = tx.st.ids.take(tx.w)
	}
	if err != nil {
		return err
	}
	return tx.attach(g, way, e, &a)
}

// keepAttachments makes the attachments of an object those that its new content names:
// what it names no more goes, and what it names anew is found where the writer reads
// it. was is the object with the content that it had, nil for a new one.
func (s *Session) keepAttachments(tx *Tx, g grant, way []policy.Node, e, was *Entry, obj *Object) error {
	if obj == nil || len(obj.Attachments) == 0 && e.attached.count == 0 {
		return nil
	}
	if len(obj.Attachments) > AttachmentsMax {
		return ErrAttachments
	}
	have, err := tx.attachments(g, e.Node)
	if err != nil {
		return err
	}
	for i := range have {
		if slices.Contains(obj.Attachments, have[i].ID) {
			continue
		}
		if err := tx.detach(g, way, e, &have[i]); err != nil {
			return err
		}
	}
	for _, id := range obj.Attachments {
		if slices.ContainsFunc(have, func(a attached) bool { return a.ID == id }) {
			continue
		}
		if err := s.adopt(tx, g, way, e, was, id); err != nil {
			return err
		}
	}
	return nil
}

// adopt gives an object an attachment that its new content names and its old one did
// not. What a client brings has to be there for him. RFC 8607, section 3.7
func (s *Session) adopt(tx *Tx, g grant, way []policy.Node, e, was *Entry, id string) error {
	switch {
	case g.op == opDeliver && IsAttachmentID(id):
		return tx.attach(g, way, e, &attached{Attachment: Attachment{ID: id}, at: tx.now})
	case g.op != opCreate && g.op != opReplace:
		return nil
	}
	_, _, a, err := s.findAttachment(tx, id)
	var refused *Refused
	if errors.Is(err, ErrNotFound) || errors.As(err, &refused) {
		return tx.named(g, was, id)
	}
	if err != nil {
		return err
	}
	if err := tx.reserve(tx.state.AppendLimits(nil, policy.Place{Space: tx.state.SpaceAt(way[0]).ID, Path: way}), a.Size); err != nil {
		return err
	}
	return tx.attachAgain(g, way, e, a)
}

// named refuses an id that leads nowhere, unless it stood in the object before: another
// server may have given it, before the object came here.
func (tx *Tx) named(g grant, was *Entry, id string) error {
	if was == nil || tx.st.index == nil {
		return ErrNotAttached
	}
	content, err := tx.whole(g, was)
	if err != nil {
		return err
	}
	old, err := tx.st.index(content, Span{})
	if err != nil || !slices.Contains(old.Attachments, id) {
		return ErrNotAttached
	}
	return nil
}

// findAttachment finds an object that the asker reads and that has the attachment, with
// its content, which lies elsewhere if it is lent. Where he sees such objects and reads
// none of them, the refusal is of one of these.
func (s *Session) findAttachment(tx *Tx, id string) (sp *spot, g grant, a attached, err error) {
	if !IsAttachmentID(id) || s.cred.Link != policy.Nobody {
		return nil, g, a, ErrNotFound
	}
	var seen *spot
	holders, err := tx.holders(housekeeping(tx, 0), id)
	for i := 0; i < len(holders) && err == nil; i++ {
		if sp, err = tx.listedAt(holders[i]); err != nil || sp == nil {
			continue
		}
		d, hidden := s.face(tx, sp, s.wanted(sp, opOpen))
		e := sp.entry()
		if hidden != nil || e.Private && !s.knowsPrivate(sp.space, d.Held) {
			continue // a mask leaves no attachments
		}
		if !d.Allowed() {
			seen = sp
			continue
		}
		var there bool
		if a, there, err = tx.attachmentAt(housekeeping(tx, e.Node), sp, id); err == nil && there {
			g, err = s.authorize(tx, sp, opOpen)
			return sp, g, a, err
		}
	}
	if err == nil && seen != nil {
		g, err = s.authorize(tx, seen, opOpen)
	}
	if err == nil {
		err = ErrNotFound
	}
	return nil, g, a, err
}

// holders are the objects that have an attachment, also in the trash.
func (tx *Tx) holders(g grant, id string) (nodes []policy.Node, err error) {
	prefix := holderKey(id, 0)[:1+len(id)]
	err = scanPrefix(tx.r, prefix, func(k, _ []byte) bool {
		nodes = append(nodes, policy.Node(binary.BigEndian.Uint64(k[len(prefix):])))
		return true
	})
	return nodes, err
}

// listedAt is the spot of a node that is listed, nil for one in the trash.
func (tx *Tx) listedAt(n policy.Node) (*spot, error) {
	p, err := tx.pathOf(housekeeping(tx, n), n)
	if err != nil {
		return nil, err
	}
	sp, err := tx.resolve(p)
	if err != nil || sp.missing() > 0 || sp.entry().Node != n {
		return nil, err
	}
	return sp, nil
}

// attachmentAt is an attachment of the object at a spot with its content; there is
// false for one that was lent and is no more.
func (tx *Tx) attachmentAt(g grant, sp *spot, id string) (a attached, there bool, err error) {
	if a, err = tx.attachment(g, sp.entry().Node, id); err != nil || !a.lent() {
		return a, err == nil, err
	}
	mine, err := tx.objectRec(g, sp.entry().Node)
	if err != nil {
		return a, false, err
	}
	holders, err := tx.holders(g, id)
	for i := 0; i < len(holders) && err == nil; i++ {
		var lender *spot
		if lender, err = tx.listedAt(holders[i]); err != nil || lender == nil || !tx.lends(lender.space) {
			continue
		}
		var rec objectRec
		if rec, err = tx.objectRec(g, holders[i]); err != nil || rec.uid != mine.uid {
			continue
		}
		if a, err = tx.attachment(g, holders[i], id); err != nil || a.lent() {
			continue
		}
		if there, err = tx.invites(g, lender, tx.ownerOf(sp.space)); err == nil && there {
			return a, true, nil
		}
	}
	return a, false, err
}

func (tx *Tx) attachment(g grant, n policy.Node, id string) (attached, error) {
	key := attachedKey(n, id)
	v, err := tx.r.Get(key)
	if err == nil && v == nil {
		err = fmt.Errorf("attachment %s of %d: %w", id, n, ErrNotFound)
	}
	if err != nil {
		return attached{}, err
	}
	return decodeAttached(bytes.Clone(key), v)
}

// lends tells whether what stands in a space is still given by somebody: an account or
// a space that is out of use gives nothing.
func (tx *Tx) lends(space *policy.Space) bool {
	if space.State != policy.Active {
		return false
	}
	return space.Kind != policy.Personal || tx.state.User(space.Owner).ActiveAt(tx.now.Unix())
}

// OpenAttachment opens an attachment for who reads an object that has it now.
func (s *Session) OpenAttachment(id string) (*File, error) {
	var f *File
	err := s.view(func(tx *Tx) error {
		_, g, a, err := s.findAttachment(tx, id)
		if err != nil {
			return err
		}
		f = &File{Info: Info{Entry: a.entry(), Held: g.held}}
		f.bytes, f.blob, err = tx.content(g, &f.Entry)
		return err
	})
	return f, err
}

// attaching is what an upload of an attachment does at its end.
type attaching struct {
	Attachment
	revise Revision
}

// BeginAttachment decides an upload of an attachment for the object at a path, -1 bytes
// if its size is unknown, and reserves its room. Commit keeps it together with what the
// revision makes of the object, or keeps nothing; the caller ends it with Commit or
// Abort. RFC 8607, sections 3.4 and 3.5
func (s *Session) BeginAttachment(p Path, size int64, a Attachment, revise Revision, t Terms) (*Upload, error) {
	a.ID = rand.Text()
	u := &Upload{s: s, path: p, terms: t, size: size, attaching: &attaching{a, revise}}
	return u.begin(func(tx *Tx) (*spot, error) {
		sp, g, err := s.mayAttach(tx, p, t)
		if err != nil {
			return nil, err
		}
		if err := u.admitted(tx, size); err != nil {
			return nil, err
		}
		_, obj, err := tx.revised(g, sp, a, revise)
		if err != nil {
			return nil, err
		}
		u.old, err = tx.freedBy(g, sp.entry(), &obj)
		return sp, err
	})
}

// Attachment is what an upload brings, once it has committed.
func (u *Upload) Attachment() Attachment { return u.attaching.Attachment }

// mayAttach decides rewriting the object at a path.
func (s *Session) mayAttach(tx *Tx, p Path, t Terms) (sp *spot, g grant, err error) {
	if sp, err = s.resolve(tx, p); err != nil {
		return sp, g, err
	}
	if g, err = s.authorizeAttach(tx, sp); err != nil {
		return sp, g, err
	}
	return sp, g, s.judge(tx, sp, t, s.unlockedAt(tx, g, sp.nodes, t))
}

// authorizeAttach decides attaching something: who writes the object does.
func (s *Session) authorizeAttach(tx *Tx, sp *spot) (grant, error) {
	g, err := s.authorize(tx, sp, opReplace)
	if err == nil && (!sp.entry().Indexed || sp.inBox()) {
		err = ErrNoObject
	}
	return g, err
}

// revised is what a revision makes of the object at a spot.
func (tx *Tx) revised(g grant, sp *spot, a Attachment, revise Revision) ([]byte, Object, error) {
	content, err := tx.whole(g, sp.entry())
	if err != nil {
		return nil, Object{}, err
	}
	next, obj, err := revise(content, a)
	if err == nil && len(obj.Attachments) > AttachmentsMax {
		err = ErrAttachments
	}
	return next, obj, err
}

// freedBy are the bytes of attachments that an object names no more in what it becomes.
func (tx *Tx) freedBy(g grant, e *Entry, next *Object) (bytes int64, err error) {
	list, err := tx.attachments(g, e.Node)
	for i := range list {
		if !slices.Contains(next.Attachments, list[i].ID) {
			bytes += list[i].own()
		}
	}
	return bytes, err
}

// commitAttachment keeps the content that came as an attachment of the object.
func (u *Upload) commitAttachment(tx *Tx, b body) (Info, error) {
	s := u.s
	sp, g, err := s.mayAttach(tx, u.path, u.terms)
	if err != nil {
		return Info{}, err
	}
	if err := u.admitted(tx, u.n); err != nil {
		return Info{}, err
	}
	a := attached{Attachment: u.attaching.Attachment, content: b.content, at: tx.now}
	a.Size = b.size
	u.attaching.Size = b.size
	content, obj, err := tx.revised(g, sp, a.Attachment, u.attaching.revise)
	if err != nil {
		return Info{}, err
	}
	tx.holds = append(tx.holds, u.hold)
	return s.reviseObject(tx, g, sp, content, obj, u.terms, u.hold, b.size, func(e *Entry) (err error) {
		if a.number, err = tx.st.ids.take(tx.w); err == nil {
			err = tx.bring(g, sp.above().nodes, e, &a, b)
		}
		return err
	})
}

// bring is attach for content that comes from elsewhere.
func (tx *Tx) bring(g grant, way []policy.Node, e *Entry, a *attached, b body) error {
	if err := tx.useAs(g, b, attachedRefKey(b.hash, e.Node, a.number)); err != nil {
		return err
	}
	return tx.attach(g, way, e, a)
}

// reviseObject gives the object at a spot a content that was made of its own, after
// bring has brought what that names, of a size.
func (s *Session) reviseObject(tx *Tx, g grant, sp *spot, content []byte, obj Object, t Terms, h *hold, size int64, bring func(*Entry) error) (Info, error) {
	m := Meta{Object: &obj, Body: content}
	b, err := tx.bodyOf(content)
	if err != nil {
		return Info{}, err
	}
	if b, err = s.schedulePut(tx, g, sp, b, &m, t); err != nil {
		return Info{}, err
	}
	freed, err := tx.freedBy(g, sp.entry(), m.Object)
	if err != nil {
		return Info{}, err
	}
	if err := tx.fit(g, sp, h, size-freed+b.size-sp.entry().Size); err != nil {
		return Info{}, err
	}
	if err := bring(sp.entry()); err != nil {
		return Info{}, err
	}
	if err := s.replace(tx, g, sp, b, m); err != nil {
		return Info{}, err
	}
	return Info{Entry: *sp.entry(), Held: g.held, Rewritten: true}, nil
}

// Detach keeps what a revision makes of the object at a path, which names an attachment
// less. RFC 8607, section 3.6
func (s *Session) Detach(ctx context.Context, p Path, revise Revision, t Terms) (info Info, err error) {
	h := s.st.ledger.hold(nil)
	defer h.release()
	err = s.update(ctx, func(tx *Tx) error {
		sp, g, err := s.mayAttach(tx, p, t)
		if err != nil {
			return err
		}
		content, obj, err := tx.revised(g, sp, Attachment{}, revise)
		if err != nil {
			return err
		}
		tx.holds = append(tx.holds, h)
		info, err = s.reviseObject(tx, g, sp, content, obj, t, h, 0, func(*Entry) error { return nil })
		return err
	})
	return info, err
}
