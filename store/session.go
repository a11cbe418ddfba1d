package store

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"

	"davit/policy"
	"davit/store/blob"
	"davit/store/engine"
)

// A Credential is who somebody has proved to be. It carries ids and no rights:
// what they may do is looked up anew in each transaction.
type Credential struct {
	User   policy.ID
	Link   policy.ID     // instead of User
	Mask   policy.Rights // what the credential lets through
	Spaces []policy.ID   // the only ones that it opens, if there are any
	Device uint64        // the app password, 0 for the main one
	Class  policy.Class
	From   netip.Addr // where the client is, for the network
	Door   Door       // for the audit trail; it decides nothing
}

// id is who acts: whose locks and own files are meant.
func (c *Credential) id() policy.ID {
	if c.Link != policy.Nobody {
		return c.Link
	}
	return c.User
}

// A Session is a client's only way to content.
type Session struct {
	st   *Store
	cred Credential
	// pinned is the policy of a walk, which shows one state from end to end.
	pinned *policy.State
	// trial is who asks when the operator asks for somebody.
	trial *policy.Subject
	// operates: the operator acts, for nobody.
	operates bool
	quiet    Quiet // who is not told of its changes
}

// Login makes the session of a proved credential. Only the package auth proves.
func (st *Store) Login(c Credential) *Session { return &Session{st: st, cred: c} }

// User is the account that the session acts for.
func (s *Session) User() policy.ID { return s.cred.User }

// UserName is its name now.
func (s *Session) UserName() string {
	if u := s.st.Policy().User(s.cred.User); u != nil {
		return u.Name
	}
	return ""
}

// Pinned is the same session with the policy of this moment: a request that
// reads many pages shows all of one policy.
func (s *Session) Pinned() *Session {
	p := *s
	p.pinned = s.st.Policy()
	return &p
}

func (s *Session) view(fn func(*Tx) error) error {
	return s.told(s.st.view(func(tx *Tx) error {
		if s.pinned != nil {
			tx.state = s.pinned
		}
		return fn(tx)
	}))
}

// update runs fn as one durable transaction in the session's name.
func (s *Session) update(ctx context.Context, fn func(*Tx) error) error {
	return s.told(s.st.update(ctx, engine.Foreground, func(tx *Tx) error {
		tx.by, tx.via, tx.quiet = s.subject(tx), s.cred.Door, s.quiet
		return fn(tx)
	}))
}

// Want says what an Info should hold beside the entry; each costs look-ups.
type Want struct{ Quota, Locks, Props, ACL, Sync, Published, Push bool }

// An Info is an entry as the asker may know it.
type Info struct {
	Entry
	// Root: the entry is a space or personal drive itself.
	Root bool
	// Shell: only the way to something below may be told.
	Shell bool
	// Held is what the asker holds here.
	Held policy.Rights
	// Owner owns the space.
	Owner policy.ID
	Quota Quota
	Locks []Lock
	Props []Prop
	// ACL is told to who holds read-acl.
	ACL ACL
	// SyncToken stands for what the asker sees of a collection now.
	SyncToken string
	// Origin is of what lies in the trash, and of versions.
	Origin *Origin
	// Tally is how often the members of a calendar have changed: it grows with
	// every change and tells nothing else.
	Tally uint64
	// Address is the calendar user address of the space whose calendar this is; empty
	// of what belongs to a person.
	Address string
	// SharedAs is of a calendar.
	SharedAs SharedAs
	// Published is the token of the link under which a calendar is published, told to
	// who may end that.
	Published string
	// Topic is what pushes of a collection are told by, empty where there are none.
	Topic string
	// Rewritten: what is kept is not what was sent.
	Rewritten bool
}

// Stat tells about one file or collection.
func (s *Session) Stat(p Path, want Want) (Info, error) {
	var info Info
	err := s.view(func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		g, err := s.authorize(tx, sp, opStat)
		if err != nil {
			return err
		}
		if sp.past != nil {
			info, err = tx.pastInfo(g, sp)
		} else {
			info, err = s.info(tx, g, sp.place(), sp.entry(), want)
		}
		info.Held = sp.heldOf(sp.entry(), info.Held)
		return err
	})
	return info, err
}

// info is what the asker may know of an entry that g was granted for.
func (s *Session) info(tx *Tx, g grant, at policy.Place, e *Entry, want Want) (Info, error) {
	info, err := tx.info(g, at, e, want)
	if err == nil && want.Sync && e.Dir {
		info.SyncToken, err = s.syncToken(tx, at.Space, e.Node)
	}
	if want.Push && !info.Shell {
		info.Topic = s.pushTopic(tx, e)
	}
	if e.IsCalendar() && !info.Shell {
		info.SharedAs = s.sharedAs(tx, at.Space, e.Node)
		if want.Published && err == nil {
			info.Published, err = s.publishedAs(tx, g, at)
		}
	}
	return info, err
}

// info gathers what is wanted about an entry that g was granted for.
func (tx *Tx) info(g grant, at policy.Place, e *Entry, want Want) (Info, error) {
	info := Info{Entry: *e, Root: len(at.Path) == 1, Held: g.held, Shell: g.held&policy.See == 0}
	if space := tx.state.Space(at.Space); space != nil {
		info.Owner = space.Owner
	}
	if info.Root {
		info.Name = tx.spaceName(e.Node)
	}
	if info.Shell {
		return info, nil // the way down, and nothing of what is here
	}
	if want.Quota && e.Dir {
		info.Quota = tx.quotaAt(at)
	}
	var err error
	if e.IsCalendar() {
		if info.Tally, err = tx.tallyOf(e.Node); err != nil {
			return info, err
		}
		if space := tx.state.Space(at.Space); space != nil && space.Kind != policy.Personal {
			info.Address = SpaceAddress(space.ID)
		}
	}
	if want.Locks {
		if info.Locks, err = tx.locksOn(g, at.Path); err != nil {
			return info, err
		}
	}
	if want.Props && e.HasProps {
		if info.Props, err = tx.props(g, e.Node); err != nil {
			return info, err
		}
	}
	if want.ACL && g.held&policy.ReadACL != 0 {
		info.ACL, err = tx.aclAt(at)
	}
	return info, err
}

// List gives one page of a collection by name: at most n entries that the asker
// may see, after the name given. more tells whether to ask again.
func (s *Session) List(p Path, after string, n int, want Want) (page []Info, more bool, err error) {
	return s.ListInto(nil, p, after, n, want)
}

// ListInto is List with the page in the memory of one that is not needed any more.
func (s *Session) ListInto(old []Info, p Path, after string, n int, want Want) (page []Info, more bool, err error) {
	err = s.view(func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		g, err := s.authorize(tx, sp, opList)
		if err != nil {
			return err
		}
		if !sp.entry().Dir {
			return ErrNotDir
		}
		if sp.past != nil {
			page, more, err = s.listPast(tx, g, sp, after, n)
		} else {
			page, more, err = s.list(tx, g, sp, old[:0], after, n, want)
		}
		return err
	})
	return page, more, err
}

// list decides each child. One that no entry stands on holds what its parent
// does, so only the others ask. They are put into the memory of page, which is empty.
func (s *Session) list(tx *Tx, g grant, sp *spot, page []Info, after string, n int, want Want) (_ []Info, more bool, err error) {
	dir := sp.place()
	var failed error
	err = tx.children(g, g.node, after, func(e *Entry) bool {
		if e.Name == calendarsName {
			return true // calendars have doors of their own
		}
		d := s.sees(tx, g, dir, e.Node)
		if !d.Visible || !s.lists(sp, e, d.Held) {
			return true
		}
		if more = len(page) == n; more {
			return false
		}
		var info Info
		if plain(e, want) {
			info = Info{Entry: *e, Held: d.Held, Owner: sp.space.Owner}
		} else {
			info, failed = s.info(tx, g.child(e.Node, d.Held), at(dir.Space, dir.Path, e.Node), e, want)
		}
		info.Held = sp.heldOf(e, info.Held)
		page = append(page, info)
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	return page, more, err
}

// sees decides one child of a collection that g was granted for.
func (s *Session) sees(tx *Tx, g grant, dir policy.Place, child policy.Node) policy.Decision {
	if tx.state.OnWay(child) {
		return s.decide(tx, at(dir.Space, dir.Path, child), 0)
	}
	return policy.Decision{Held: g.held, Visible: g.held&policy.See != 0}
}

// plain tells whether the entry alone has everything that is wanted.
func plain(e *Entry, want Want) bool {
	return !want.Locks && !want.ACL && !e.Dir && !(want.Props && e.HasProps)
}

// Spaces lists what stands in the mount's top: every space that the asker sees
// anything of, the own drive first.
func (s *Session) Spaces(want Want) ([]Info, error) {
	var infos []Info
	err := s.view(func(tx *Tx) error {
		infos = nil
		u := tx.state.User(s.cred.User)
		if u == nil {
			return nil
		}
		for _, space := range tx.state.Spaces() {
			if space.Kind == policy.Personal && space.ID != u.Home {
				continue
			}
			info, err := s.top(tx, space, want)
			if err == ErrNotFound {
				continue
			} else if err != nil {
				return err
			}
			if space.ID == u.Home {
				infos = slices.Insert(infos, 0, info)
			} else {
				infos = append(infos, info)
			}
		}
		return nil
	})
	return infos, err
}

// top tells about a space itself.
func (s *Session) top(tx *Tx, space *policy.Space, want Want) (Info, error) {
	sp, err := s.resolve(tx, Path{SpacePath(tx.state, space)})
	if err != nil {
		return Info{}, err
	}
	g, err := s.authorize(tx, sp, opStat)
	if err != nil {
		return Info{}, err
	}
	return s.info(tx, g, sp.place(), sp.entry(), want)
}

// A File is content that its reader was granted. It outlives the transaction
// and a later change of the name: what was opened is read whole.
type File struct {
	Info
	blob  *blob.Shared // what is in a file of its own
	bytes []byte
	count counter
}

// Open opens a file for reading once the terms hold.
func (s *Session) Open(p Path, t Terms) (*File, error) {
	var f *File
	err := s.view(func(tx *Tx) error {
		sp, err := s.resolve(tx, p)
		if err != nil {
			return err
		}
		g, err := s.authorize(tx, sp, opOpen)
		if err != nil {
			return err
		}
		e := sp.entry()
		if e.Dir {
			return ErrIsDir
		}
		if err := s.judge(tx, sp, t, nil); err != nil {
			return err
		}
		f = &File{Info: Info{Entry: *e, Held: g.held}}
		if f.Origin, err = tx.tell(g, sp); err != nil {
			return err
		}
		if f.count, err = s.counter(tx); err != nil {
			return err
		}
		if e.Private && !s.knowsPrivate(sp.space, g.held) {
			f.bytes, err = tx.masked(g, e)
			f.Size = int64(len(f.bytes))
			return err
		}
		f.bytes, f.blob, err = tx.content(g, e)
		return err
	})
	return f, err
}

// content opens the bytes of an entry.
func (tx *Tx) content(g grant, e *Entry) ([]byte, *blob.Shared, error) {
	switch e.content.where {
	case inline:
		v, err := tx.r.Get(hashKey(tableInline, e.content.hash))
		if err == nil && int64(len(v)) != e.Size {
			err = fmt.Errorf("content of node %d has %d bytes instead of %d", e.Node, len(v), e.Size)
		}
		return bytes.Clone(v), nil, err
	case blobFile:
		f, err := tx.st.blobs.Share(blob.Ref{Hash: e.content.hash, Gen: e.content.gen, Size: e.Size})
		return nil, f, err
	}
	return nil, nil, nil
}

// Content is the reader to serve from.
func (f *File) Content() io.ReadSeeker {
	if f.blob != nil {
		return f.blob.Content()
	}
	return bytes.NewReader(f.bytes)
}

// Blob is the file that holds the content, which the system can send by itself; nil
// where Bytes has it. Others may read it too: it has no place of the caller's own, and
// is closed by Close alone.
func (f *File) Blob() *os.File {
	if f.blob == nil {
		return nil
	}
	return f.blob.File()
}

// Bytes is the content of a small file, nil when it is in a file of its own.
func (f *File) Bytes() []byte { return f.bytes }

// Close ends the reading.
func (f *File) Close() error {
	if f.blob != nil {
		return f.blob.Close()
	}
	return nil
}

// Terms are the conditions of a request. They are judged in the transaction
// that acts, after the right.
type Terms struct {
	// Submits tells whether the request names the lock as one it holds.
	Submits func(Lock) bool
	// If judges the If header against what stands there: the target, nil when
	// there is none, and other paths by look, for which a hidden thing is absent.
	If func(target *Entry, look Look) error
	// Match judges the target by the preconditions of HTTP.
	Match func(target *Entry) error
	// Synced are the sync tokens that the If header names. Those that still hold
	// of a collection are told by look among its tokens.
	Synced []string
	// Silent: nobody is told of what is done with a calendar object, but what its
	// organizer takes away is cancelled all the same.
	Silent bool
	// Merges: the client has judged a calendar object by its schedule tag, and has
	// not seen the answers that came since it read it.
	Merges bool
}

// Look tells of another path in the same transaction.
type Look func(Path) (e *Entry, tokens []string)

// judge applies the terms to the target, where locked tells which locks are in
// the way. An If header that does not hold fails the request whatever they are;
// the preconditions of HTTP count only for what could be done without them.
// RFC 4918, section 10.4.1
// RFC 9110, section 13.2.1
func (s *Session) judge(tx *Tx, sp *spot, t Terms, locked error) error {
	var target *Entry
	if sp.missing() == 0 {
		target = sp.entry()
	}
	if t.If != nil {
		if err := t.If(target, func(p Path) (*Entry, []string) { return s.look(tx, p, t.Synced) }); err != nil {
			return err
		}
	}
	if locked != nil || t.Match == nil {
		return locked
	}
	return t.Match(target)
}

func (s *Session) look(tx *Tx, p Path, synced []string) (*Entry, []string) {
	sp, err := s.resolve(tx, p)
	if err != nil {
		return nil, nil
	}
	g, err := s.authorize(tx, sp, opLocks)
	if err == ErrNotFound {
		return nil, s.lookOver(tx, sp)
	}
	if err != nil {
		return nil, nil
	}
	locks, err := tx.locksOn(g, sp.nodes)
	if err != nil {
		return nil, nil
	}
	tokens := tokensOf(locks)
	for _, token := range synced {
		if s.unchanged(tx, g, sp, token) {
			tokens = append(tokens, token)
		}
	}
	return sp.entry(), tokens
}

// lookOver tells which locks cover a name that is not there: those of its
// parent. A hidden name answers as one that is not there.
func (s *Session) lookOver(tx *Tx, sp *spot) []string {
	if sp.isRoot() || sp.missing() > 1 {
		return nil
	}
	parent := sp.above()
	g, err := s.authorize(tx, parent, opLocks)
	if err != nil {
		return nil
	}
	locks, err := tx.locksOver(g, parent.nodes)
	if err != nil {
		return nil
	}
	return tokensOf(locks)
}

func tokensOf(locks []Lock) []string {
	tokens := make([]string, len(locks))
	for i, l := range locks {
		tokens[i] = l.Token
	}
	return tokens
}

// OwnPath tells whether the path begins in the session's own drive.
func (s *Session) OwnPath(p Path) bool {
	name, ok := strings.CutPrefix(p[0], "~")
	return ok && policy.Fold(name) == policy.Fold(s.UserName())
}
