package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"davit/policy"
	"davit/store/engine"
)

// A NewLink is what a link has beside the share that it is: how its bearers sign
// in, and for how long that goes well.
type NewLink struct {
	// Token is the SHA-256 of the random bits that its bearers are given.
	Token [32]byte
	// Password is a PHC string, empty for none.
	Password string
	// DownloadsMax is how many downloads end it, 0 for any number.
	DownloadsMax int64
}

// link is the record of one. Every request through it reads its record.
type link struct {
	NewLink
	downloads int64
}

func (l *link) usedUp() bool { return l.DownloadsMax > 0 && l.downloads >= l.DownloadsMax }

func appendLink(b []byte, l *link) []byte {
	b = append(b, l.Token[:]...)
	b = binary.AppendVarint(b, l.DownloadsMax)
	b = binary.AppendVarint(b, l.downloads)
	return append(b, l.Password...)
}

func decodeLink(b []byte) (*link, error) {
	d := decoder{b: b}
	l := new(link)
	copy(l.Token[:], d.take(len(l.Token)))
	l.DownloadsMax, l.downloads = d.varint(), d.varint()
	l.Password = string(d.b)
	d.b = nil
	return l, d.done("link")
}

// NewToken makes the token of a link, 160 random bits as lower-case letters and digits,
// and what is kept of it.
func NewToken() (token string, sum [32]byte) {
	bits := make([]byte, tokenBits/8)
	rand.Read(bits)
	token = strings.ToLower(base32.StdEncoding.EncodeToString(bits)) // 32 letters, with nothing to fill up
	return token, tokenSum(token)
}

const tokenBits = 160

func tokenSum(token string) [32]byte { return sha256.Sum256([]byte(token)) }

func linkKey(id policy.ID) []byte { return key1(tableLink, uint64(id)) }

func tokenKey(token [32]byte) []byte { return hashKey(tableToken, token) }

// readLink reads the record of a link, nil if there is none.
func readLink(r engine.Reader, id policy.ID) (*link, error) {
	v, err := r.Get(linkKey(id))
	if err != nil || v == nil {
		return nil, err
	}
	l, err := decodeLink(v)
	if err != nil {
		return nil, fmt.Errorf("link %d: %w", id, err)
	}
	return l, nil
}

// liveLink finds a link that gives something at a moment, and what it shares.
func liveLink(state *policy.State, id policy.ID, now time.Time) (shared policy.Node, live bool) {
	sh, at := state.Share(id)
	if sh == nil || !sh.IsLink() || len(at.Path) == 0 {
		return 0, false
	}
	return at.Path[len(at.Path)-1], state.Asleep(sh, state.Space(at.Space), now.Unix()) == ""
}

// Link finds the link of a token as the account that its bearers sign in to.
// There is none for ErrNotFound, which is all that is told of a dead one.
func (st *Store) Link(token [32]byte) (Account, error) {
	var a Account
	err := st.db.View(func(r engine.Reader) error {
		v, err := r.Get(tokenKey(token))
		if err != nil || v == nil {
			return err
		}
		n, err := readUint64(v)
		if err != nil {
			return err
		}
		// The stamp is read before the record, as Account does.
		a = Account{ID: policy.ID(n), Link: true, Stamp: st.stamps.get(policy.ID(n))}
		l, err := readLink(r, a.ID)
		if err != nil || l == nil {
			return err
		}
		_, live := liveLink(st.Policy(), a.ID, st.clock())
		a.Password, a.Active = l.Password, live && !l.usedUp()
		return nil
	})
	if err == nil && !a.Active {
		return Account{}, fmt.Errorf("no such link: %w", ErrNotFound)
	}
	return a, err
}

func (tx *Tx) keepLink(id policy.ID, l *link) error {
	return tx.w.Put(linkKey(id), appendLink(nil, l))
}

// putLink keeps the record of a new link.
func (tx *Tx) putLink(id policy.ID, n *NewLink) error {
	if taken, err := tx.r.Get(tokenKey(n.Token)); err != nil {
		return err
	} else if taken != nil {
		return fmt.Errorf("a link with this token: %w", ErrExists)
	}
	if err := tx.keepLink(id, &link{NewLink: *n}); err != nil {
		return err
	}
	return tx.w.Put(tokenKey(n.Token), beUint64(uint64(id)))
}

// dropLink takes the record of a link away, with its token.
func (tx *Tx) dropLink(id policy.ID) error {
	l, err := readLink(tx.r, id)
	if err != nil || l == nil {
		return err
	}
	for _, key := range [][]byte{tokenKey(l.Token), outletKey(id)} {
		if err := tx.w.Delete(key); err != nil {
			return err
		}
	}
	return tx.w.Delete(linkKey(id))
}

// resolve walks the path as far as the session can get at all: the bearer of a
// link finds nothing but what it shares and what is below.
func (s *Session) resolve(tx *Tx, p Path) (*spot, error) {
	if IsPast(p) {
		return s.resolvePast(tx, p)
	}
	if s.cred.Link == policy.Nobody {
		return tx.resolve(p)
	}
	shared, live := liveLink(tx.state, s.cred.Link, tx.now)
	if !live {
		return nil, ErrNotFound
	}
	sp, err := tx.resolve(p)
	if err == nil && !slices.Contains(sp.nodes, shared) {
		sp = &spot{path: p}
	}
	return sp, err
}

// isShared tells whether the node is the very one that the session's link
// shares: its bearers change what is in it, and do not take it away.
func (s *Session) isShared(tx *Tx, n policy.Node) bool {
	if s.cred.Link == policy.Nobody {
		return false
	}
	shared, _ := liveLink(tx.state, s.cred.Link, tx.now)
	return n == shared
}

// IsLink tells whether the session is that of a link's bearer.
func (s *Session) IsLink() bool { return s != nil && s.cred.Link != policy.Nobody }

// Root is what the link of the session shares, by its path now. ErrNotFound for
// a session of an account. Of what stands among the calendars nothing but the path
// is told: what its bearers are given of it, Feed decides.
func (s *Session) Root() (p Path, e Entry, err error) {
	err = s.view(func(tx *Tx) error {
		sp, err := s.linked(tx)
		if err != nil {
			return err
		}
		if p = sp.path; p.InCalendars() {
			return nil
		}
		if _, err = s.authorize(tx, sp, opStat); err == nil {
			e = *sp.entry()
		}
		return err
	})
	return p, e, err
}

// linked is the spot that the link of the session shares.
func (s *Session) linked(tx *Tx) (*spot, error) {
	shared, live := liveLink(tx.state, s.cred.Link, tx.now)
	if !live {
		return nil, ErrNotFound
	}
	p, err := tx.pathOf(housekeeping(tx, shared), shared)
	if err != nil {
		return nil, err
	}
	return s.resolve(tx, p)
}

// A counter is the link that a file was opened through.
type counter struct {
	st      *Store
	link    policy.ID // Nobody: nothing is counted
	limited bool
}

func (s *Session) counter(tx *Tx) (counter, error) {
	if s.cred.Link == policy.Nobody {
		return counter{}, nil
	}
	l, err := readLink(tx.r, s.cred.Link)
	if err != nil {
		return counter{}, err
	}
	if l != nil && l.usedUp() {
		return counter{}, ErrNotFound
	}
	return counter{s.st, s.cred.Link, l != nil && l.DownloadsMax > 0}, nil
}

// Limited tells whether the file comes through a link that ends after some
// downloads: then each of them is whole, and counts.
func (f *File) Limited() bool { return f.count.limited }

// Count counts a download before its first byte leaves, if the file comes through
// a link. ErrNotFound when the link has handed out all that it may.
func (f *File) Count(ctx context.Context) error { return f.count.one(ctx) }

// one counts a download.
func (c *counter) one(ctx context.Context) error {
	switch {
	case c.link == policy.Nobody:
		return nil
	case c.limited:
		return c.st.countDownload(ctx, c.link)
	}
	c.st.downloads.add(c.link, 1)
	return nil
}

// downloads are those of links without a limit since they were last kept. A
// crash forgets them: nothing depends on their number.
type downloads struct {
	sync.Mutex
	of map[policy.ID]int64
}

func (d *downloads) add(id policy.ID, n int64) {
	d.Lock()
	defer d.Unlock()
	d.of[id] += n
}

func (d *downloads) get(id policy.ID) int64 {
	d.Lock()
	defer d.Unlock()
	return d.of[id]
}

func (d *downloads) take() map[policy.ID]int64 {
	d.Lock()
	defer d.Unlock()
	taken := d.of
	d.of = map[policy.ID]int64{}
	return taken
}

// countDownload counts one of a limited link, durably: a single one more than it
// allows is one too many.
func (st *Store) countDownload(ctx context.Context, id policy.ID) error {
	return st.update(ctx, engine.Foreground, func(tx *Tx) error {
		l, err := readLink(tx.r, id)
		if err != nil {
			return err
		}
		if l == nil || l.usedUp() {
			return ErrNotFound
		}
		l.downloads++
		if l.usedUp() {
			tx.w.OnCommit(func() { st.stamps.bump(id) }) // nobody is signed in to it any more
		}
		return tx.keepLink(id, l)
	})
}

// keepDownloads writes down what was counted in memory.
func (st *Store) keepDownloads(ctx context.Context) error {
	taken := st.downloads.take()
	if len(taken) == 0 {
		return nil
	}
	err := st.update(ctx, engine.Background, func(tx *Tx) error {
		for id, n := range taken {
			l, err := readLink(tx.r, id)
			if err != nil {
				return err
			}
			if l == nil {
				continue
			}
			l.downloads += n
			if err := tx.keepLink(id, l); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		for id, n := range taken {
			st.downloads.add(id, n)
		}
	}
	return err
}

// linkTables: every link has its share and its token, and every token its link.
// A share may be a link without a record: nobody was given a token for it.
func (k *checker) linkTables() error {
	tokens := 0
	err := scanTable(k.tx.r, tableLink, func(key, v []byte) error {
		id := policy.ID(binary.BigEndian.Uint64(key[1:]))
		l, err := decodeLink(v)
		if err != nil {
			k.faultf("link %d: %v", id, err)
			return nil
		}
		k.found.Links++
		sh, at := k.tx.state.Share(id)
		switch {
		case sh == nil || !sh.IsLink():
			k.faultf("link %d, which is none", id)
		case sh.Password != (l.Password != ""):
			k.faultf("link %d: its share and its record disagree about a password", id)
		case len(at.Path) > 0 && sh.Calendar != k.amongCalendars(at):
			k.faultf("link %d: it is told to be of a calendar: %t", id, sh.Calendar)
		}
		if of, err := k.tx.r.Get(tokenKey(l.Token)); err != nil || !slices.Equal(of, beUint64(uint64(id))) {
			k.faultf("link %d: its token leads elsewhere (%v)", id, err)
		}
		tokens++
		return nil
	})
	if err != nil {
		return err
	}
	n, err := count(k.tx.r, tableToken)
	if n != tokens {
		k.faultf("%d tokens of links, %d links", n, tokens)
	}
	return err
}

// amongCalendars tells whether a place is among the calendars of its space.
func (k *checker) amongCalendars(at policy.Place) bool {
	n := at.Path[len(at.Path)-1]
	p, err := k.tx.pathOf(housekeeping(k.tx, n), n)
	return err == nil && p.InCalendars()
}
