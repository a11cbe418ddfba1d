package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"

	"davit/policy"
	"davit/store/blob"
	"davit/store/engine"
)

// ErrShort says that fewer or more bytes came than were announced.
var ErrShort = errors.New("the content has not the announced length")

// A FileTooLargeError says that a profile lets its user store no file of that
// size.
type FileTooLargeError struct{ Max policy.Limit }

func (e *FileTooLargeError) Error() string {
	return fmt.Sprintf("a file of more than %s is larger than the profile lets its user store", e.Max)
}

// admits refuses a file of a size that the profile of who stores it does not admit;
// a max of 0 admits any.
func admits(max policy.Limit, size int64) error {
	if max > 0 && size > int64(max) {
		return &FileTooLargeError{max}
	}
	return nil
}

// An Upload takes in the content of one file. It is decided before the first
// byte and again when it commits, and until then nothing of it is visible.
type Upload struct {
	s     *Session
	path  Path
	terms Terms
	size  int64 // announced, -1 if not
	// fileMax is the largest file that the uploader stores, 0 for any size.
	fileMax policy.Limit
	old     int64 // bytes that the file had at the beginning, with versions that give way
	hold    *hold
	n       int64
	small   []byte // content so far, while it may stay in the database
	temp    *blob.Temp
	lost    error    // why some of what was counted is not there
	known   [32]byte // marked as in flight
	kept    bool
	then    func(*Tx) error // is done with the commit, nil for nothing
	// attaching is of an attachment, nil of the content of a file.
	attaching *attaching
}

// reserveStep is how much room an upload of unannounced length takes at a time.
const reserveStep = 4 << 20

// Begin decides an upload of size bytes, -1 if unknown, and reserves its room.
// The caller ends it with Commit or Abort.
func (s *Session) Begin(p Path, size int64, t Terms) (*Upload, error) {
	u := &Upload{s: s, path: p, terms: t, size: size}
	return u.begin(func(tx *Tx) (*spot, error) {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return nil, err
		}
		g, err := s.mayPut(tx, sp, t)
		if err != nil {
			return nil, err
		}
		if err := u.admitted(tx, size); err != nil {
			return nil, err
		}
		if sp.missing() == 0 {
			room, err := tx.spare(g, sp)
			if err != nil {
				return nil, err
			}
			u.old = sp.entry().Size + room
		}
		return sp, nil
	})
}

// begin reserves the room of an upload where decide says that it goes, less what gives
// way to it.
func (u *Upload) begin(decide func(tx *Tx) (*spot, error)) (*Upload, error) {
	err := u.s.view(func(tx *Tx) error {
		sp, err := decide(tx)
		if err != nil {
			return err
		}
		limits := tx.state.AppendLimits(nil, sp.place())
		u.hold = u.s.st.ledger.hold(limits)
		return u.hold.grow(limits, max(u.size, 0)-u.old)
	})
	if err == nil && u.size > u.s.st.diskFree() {
		err = ErrDiskFull
	}
	if err != nil {
		if u.hold != nil {
			u.hold.release()
		}
		return nil, err
	}
	return u, nil
}

// admitted refuses more bytes than the asker may bring in one file.
func (u *Upload) admitted(tx *Tx, size int64) error {
	u.fileMax = u.s.fileMax(tx)
	return admits(u.fileMax, size)
}

// Expect reserves the room for size bytes that a client foretells without
// announcing them: what will not fit is refused before it is sent.
func (u *Upload) Expect(size int64) error {
	if err := admits(u.fileMax, size); err != nil {
		return err
	}
	return u.s.told(u.hold.grow(u.hold.limits, size-u.old))
}

// fileMax is the largest file that the session's user, or the giver of its link,
// may store now, 0 for any.
func (s *Session) fileMax(tx *Tx) policy.Limit {
	u := tx.state.User(s.cred.User)
	if sh, _ := tx.state.Share(s.cred.Link); sh != nil {
		u = tx.state.User(sh.By)
	}
	if u == nil {
		return 0
	}
	if p := tx.state.Profile(u.Profile); p != nil {
		return p.FileMax
	}
	return 0
}

// mayPut decides writing a file: first the right, then lock and conditions.
func (s *Session) mayPut(tx *Tx, sp *spot, t Terms) (grant, error) {
	g, err := s.authorizeWrite(tx, sp)
	if err != nil {
		g, err = s.authorizeAnswer(tx, sp, err)
	}
	if err != nil {
		return g, err
	}
	return g, s.judge(tx, sp, t, s.unlockedAt(tx, g, sp.nodes, t))
}

// authorizeWrite decides giving a file, new or not, all of its content.
func (s *Session) authorizeWrite(tx *Tx, sp *spot) (grant, error) {
	g, err := s.authorizePut(tx, sp, opReplace)
	if err == nil && sp.missing() == 0 && sp.entry().Dir {
		err = ErrIsDir
	}
	return g, err
}

// Write takes in content. Past the announced length, or past the quota where
// none was announced, it fails.
func (u *Upload) Write(p []byte) (int, error) {
	if err := u.admit(len(p)); err != nil {
		return 0, err
	}
	return len(p), u.take(p)
}

// admit counts n further bytes, or says what they are too many for.
func (u *Upload) admit(n int) error {
	total := u.n + int64(n)
	if u.size >= 0 && total > u.size {
		return ErrShort
	}
	if err := admits(u.fileMax, total); err != nil {
		return err
	}
	if growth := total - u.old; u.size < 0 && growth > u.hold.bytes {
		if err := u.more(growth); err != nil {
			return err
		}
	}
	u.n = total
	return nil
}

// take puts admitted bytes where they belong. After an error nothing of the upload
// is kept: what was counted is not there.
func (u *Upload) take(p []byte) error {
	if u.temp == nil && u.n <= inlineMax {
		u.small = append(u.small, p...)
		return nil
	}
	if u.temp == nil && u.lost == nil {
		u.lost = u.spill()
	}
	if u.lost == nil {
		_, err := u.temp.Write(p)
		u.lost = diskFull(err)
	}
	return u.lost
}

// admitting counts what is read before anybody uses it.
type admitting struct {
	u *Upload
	r io.Reader
}

func (a admitting) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	if refusal := a.u.admit(n); refusal != nil {
		return 0, refusal
	}
	return n, err
}

// beginnings hold what shows whether a file may stay in the database.
var beginnings = sync.Pool{New: func() any { return new([inlineMax + 1]byte) }}

// ReadFrom takes all of r: its beginning alone, and then, if there is more, the
// rest straight into the memory that it is written from.
func (u *Upload) ReadFrom(r io.Reader) (total int64, err error) {
	begin := beginnings.Get().(*[inlineMax + 1]byte)
	defer beginnings.Put(begin)
	r = admitting{u, r}
	for u.temp == nil {
		n, err := r.Read(begin[:])
		total += int64(n)
		if takeErr := u.take(begin[:n]); takeErr != nil {
			return total, takeErr
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
	n, err := u.temp.ReadFrom(r)
	return total + n, diskFull(err)
}

// more reserves further room: a step ahead where there is, else what is needed.
func (u *Upload) more(growth int64) error {
	limits := u.hold.limits
	if err := u.hold.grow(limits, growth+reserveStep); err == nil {
		return nil
	}
	return u.s.told(u.hold.grow(limits, growth))
}

func (u *Upload) spill() error {
	if u.size < 0 && u.s.st.diskFree() == 0 {
		return ErrDiskFull
	}
	temp, err := u.s.st.blobs.Create()
	if err != nil {
		return diskFull(err)
	}
	u.temp = temp
	_, err = temp.Write(u.small)
	u.small = nil
	return diskFull(err)
}

func diskFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return err
}

// Abort gives everything back.
func (u *Upload) Abort() {
	u.hold.release()
	if u.temp != nil {
		u.temp.Discard()
	}
	if u.kept {
		u.s.st.landed(u.known)
		u.kept = false
	}
}

// A Meta is what a client tells about the content it puts.
type Meta struct {
	Type     string    // media type
	Modified time.Time // zero: now
	// Object is what a calendar object is found by; nothing else goes into a
	// calendar.
	Object *Object
	// Body is the content of an object that is Scheduled: it may be kept with more
	// than what its client wrote.
	Body []byte
	Sum  *[sha256.Size]byte // of the content, nil if it does not tell
}

// Commit makes the content the file's: the blob is durable first, then one
// transaction decides again and links it. It ends the upload either way.
func (u *Upload) Commit(ctx context.Context, m Meta) (info Info, created bool, err error) {
	defer u.Abort()
	if u.size >= 0 && u.n != u.size {
		return info, false, fmt.Errorf("%d bytes of %d: %w", u.n, u.size, ErrShort)
	}
	if err := u.proves(m.Sum); err != nil {
		return info, false, err
	}
	b, err := u.keep()
	if err != nil {
		return info, false, diskFull(err)
	}
	for range 3 {
		err = u.s.update(ctx, func(tx *Tx) error {
			if u.attaching != nil {
				info, err = u.commitAttachment(tx, b)
			} else {
				info, created, err = u.commit(tx, b, m)
			}
			return err
		})
		if !errors.Is(err, errDead) {
			break
		}
		// The same content was collected or came from somebody else meanwhile:
		// keep it under the name that counts now.
		if b, err = u.keep(); err != nil {
			return info, false, diskFull(err)
		}
	}
	return info, created, err
}

// errDead: the blob that the upload relies on is not, or no longer, its
// content's.
var errDead = errors.New("blob is dead")

// body is the content of a file on its way into a transaction.
type body struct {
	content
	size  int64
	small []byte // the bytes, for content in the database
	// found: the blob was there before the upload, which brought no file of its
	// own and has to find it alive at the commit.
	found bool
	// again is the revision whose content it is, of a version that may be none from
	// now on; 0 for what comes from elsewhere.
	again uint64
}

// keep makes the content durable where it is not yet.
func (u *Upload) keep() (body, error) {
	switch {
	case u.lost != nil:
		return body{}, u.lost
	case u.n == 0:
		return body{}, nil
	case u.temp == nil:
		return body{content: content{where: inline, hash: sha256.Sum256(u.small)}, size: u.n, small: u.small}, nil
	}
	st := u.s.st
	hash, size := u.temp.Sum()
	if !u.kept {
		st.launched(hash)
		u.known, u.kept = hash, true
	}
	var rec blobRec
	var found bool
	err := st.db.View(func(r engine.Reader) (err error) {
		rec, found, err = readBlob(r, hash)
		return err
	})
	if err != nil {
		return body{}, err
	}
	b := body{content: content{blobFile, hash, rec.gen}, size: size, found: found && !rec.dead}
	if b.found {
		return b, nil
	}
	if found {
		b.gen++ // the file of the dead one may be unlinked at any moment
	}
	_, err = u.temp.Keep(b.gen)
	return b, err
}

func (u *Upload) commit(tx *Tx, b body, m Meta) (Info, bool, error) {
	sp, err := u.s.resolve(tx, u.path)
	if err != nil {
		return Info{}, false, err
	}
	g, err := u.s.mayPut(tx, sp, u.terms)
	if err != nil {
		return Info{}, false, err
	}
	if err := u.admitted(tx, u.n); err != nil {
		return Info{}, false, err
	}
	if err := sp.admits(m.Object); err != nil {
		return Info{}, false, err
	}
	sent := b.hash
	if b, err = u.s.schedulePut(tx, g, sp, b, &m, u.terms); err != nil {
		return Info{}, false, err
	}
	var old int64
	if sp.missing() == 0 {
		old = sp.entry().Size
	}
	if err := tx.fit(g, sp, u.hold, b.size-old); err != nil {
		return Info{}, false, err
	}
	tx.holds = append(tx.holds, u.hold)
	if g.op == opAnswer {
		err = u.s.rewrite(tx, g, sp, b, m.Object, sameTag)
		return Info{Entry: *sp.entry(), Held: g.held, Rewritten: true}, false, err
	}
	created := g.op == opCreate
	if created {
		err = u.s.create(tx, g, sp, b, m)
	} else {
		err = u.s.replace(tx, g, sp, b, m)
	}
	if err == nil && u.then != nil {
		err = u.then(tx)
	}
	if err != nil {
		return Info{}, false, err
	}
	return Info{Entry: *sp.entry(), Held: g.held, Rewritten: b.hash != sent}, created, nil
}

// create makes the last name of the path a file with that content.
func (s *Session) create(tx *Tx, g grant, sp *spot, b body, m Meta) error {
	n, err := tx.newNode()
	if err != nil {
		return err
	}
	parent := sp.nodes[len(sp.nodes)-1]
	seq, err := tx.log(sp.space.ID, s.cred.id(), making(n, parent, sp.name()))
	if err != nil {
		return err
	}
	e := Entry{Name: sp.name(), Node: n, Size: b.size, Created: tx.now, Modified: modified(tx, m), Rev: seq,
		Creator: s.cred.id(), Type: m.Type, Indexed: m.Object != nil, Private: m.Object != nil && m.Object.Private, content: b.content}
	if m.Object != nil && m.Object.Scheduled {
		e.Scheduled, e.Tagged = true, seq
	}
	if err := tx.keepObject(g, n, m.Object); err != nil {
		return err
	}
	if err := s.keepAttachments(tx, g, sp.nodes, &e, nil, m.Object); err != nil {
		return err
	}
	if err := tx.link(g, parent, &e); err != nil {
		return err
	}
	if err := tx.use(g, b, n); err != nil {
		return err
	}
	tx.charge(sp.nodes, sum{live: b.size, files: 1})
	sp.nodes, sp.entries = append(sp.nodes, n), append(sp.entries, e)
	return s.bringBack(tx, g, sp)
}

func modified(tx *Tx, m Meta) time.Time {
	if m.Modified.IsZero() {
		return tx.now
	}
	return m.Modified
}

// replace gives an existing file new content, and keeps the old one as a version.
func (s *Session) replace(tx *Tx, g grant, sp *spot, b body, m Meta) error {
	// The growth of the file is reserved already.
	return s.overwrite(tx, g, sp, b, m, min(sp.entry().Size, b.size))
}

// overwrite replaces, and reserves the room given for the version.
func (s *Session) overwrite(tx *Tx, g grant, sp *spot, b body, m Meta, room int64) error {
	e := sp.entry()
	s.touch(e)
	_, dir := sp.parent()
	if err := s.keepAttachments(tx, g, sp.above().nodes, e, e, m.Object); err != nil {
		return err
	}
	was := before{how: e.content.replacedBy(b.content), rev: e.Rev}
	if err := tx.use(g, b, e.Node); err != nil {
		return err
	}
	var err error
	if was.again, err = s.retire(tx, g, sp, b, room); err != nil {
		return err
	}
	seq, err := tx.log(sp.space.ID, s.cred.id(), changeRec{op: Updated, node: e.Node, parent: dir.Node, name: e.Name, before: was})
	if err != nil {
		return err
	}
	tx.charge(sp.nodes[:len(sp.nodes)-1], sum{live: b.size - e.Size})
	// A file that came from another space may be ahead of this one's sequence.
	e.Size, e.content, e.Modified, e.Rev = b.size, b.content, modified(tx, m), max(seq, e.Rev+1)
	if m.Type != "" {
		e.Type = m.Type
	}
	if err := tx.reindex(g, dir.Node, e, m.Object); err != nil {
		return err
	}
	if e.Scheduled {
		e.Tagged = e.Rev
	}
	return tx.put(g, dir.Node, e)
}

// replacedBy says how one content comes in the place of another.
func (c content) replacedBy(next content) how {
	switch {
	case c == next:
		return byRewriting
	case c.where == nowhere:
		return byFilling
	}
	return byReplacement
}

// createEmpty makes the last name of the path a file of no bytes.
func (s *Session) createEmpty(tx *Tx, g grant, sp *spot) error {
	if err := sp.admits(nil); err != nil {
		return err
	}
	return s.create(tx, g, sp, body{}, Meta{})
}
