package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"davit/policy"
	"davit/store/engine"
)

// A sync token says what its asker was told of a collection. It is sealed with a
// key of the store's own: nobody reads in it what is hidden from them, makes one
// that asks for another's past, or uses one in another store. Equal contents give
// equal tokens, so that a client sees by the token alone that nothing happened.

// SyncPrefix is what every sync token, which is a URI, begins with.
const SyncPrefix = "urn:davit:sync:"

// ErrSyncToken refuses a token that tells nothing here: of another store, account
// or collection, or of a past that the change log has forgotten.
var ErrSyncToken = errors.New("the sync token does not count here; sync without one")

// Limits of a sync token.
const (
	tokenSizeMax  = 32 << 10 // characters
	tokenSizeMin  = 128      // bytes inside: shorter ones are filled up
	tokenSightMax = 500      // nodes of a sight; of a longer one only its sum is kept
)

// syncToken is what a sync token holds.
type syncToken struct {
	asker policy.ID
	space policy.ID
	node  policy.Node // the collection
	// base is what the client has; nil: nothing yet.
	base *moment
	// goal is what it will have after the last page, of which after was the last
	// member told; nil when nothing is left.
	goal  *moment
	after Path
}

// A moment is the state of a space as somebody sees it.
type moment struct {
	seq   uint64 // the newest change
	epoch uint64 // of the policy
	// until is the newest change that the client may know in part, having been
	// told page by page.
	until uint64
	seen  sighted
}

// sighted is a sight, or the sum of one that was too long to be kept. The zero one
// is like no other.
type sighted struct {
	list  policy.Sight
	sum   sightSum // when the list is not known
	known bool
}

type sightSum [sha256.Size / 2]byte

func sightedOf(sight policy.Sight) sighted { return sighted{list: sight, known: true} }

func sumOf(sight policy.Sight) sightSum {
	sum := sha256.Sum256(appendSight(nil, sight))
	return sightSum(sum[:len(sightSum{})])
}

// is tells whether it is the sight that the other, which is known, is.
func (s *sighted) is(other *sighted) bool {
	if s.known {
		return slices.Equal(s.list, other.list)
	}
	return s.sum == sumOf(other.list)
}

func appendSight(b []byte, sight policy.Sight) []byte {
	b = binary.AppendUvarint(b, uint64(len(sight)))
	last := policy.Node(0)
	for _, one := range sight {
		b = binary.AppendUvarint(b, uint64(one.Node-last))
		b = append(b, byte(one.View))
		last = one.Node
	}
	return b
}

func (d *decoder) sight() (sight policy.Sight) {
	last := policy.Node(0)
	for n := min(d.uvarint(), tokenSightMax); n > 0 && !d.bad; n-- {
		last += policy.Node(d.uvarint())
		sight = append(sight, policy.Sighting{Node: last, View: policy.View(d.byte())})
	}
	return sight
}

// How a moment is encoded.
const (
	momentNone   byte = iota
	momentKept        // with its sight
	momentSummed      // with the sum of it
)

// appendMoment encodes a moment, nil for none.
func appendMoment(b []byte, m *moment) []byte {
	if m == nil {
		return append(b, momentNone)
	}
	kept := m.seen.known && len(m.seen.list) <= tokenSightMax
	if kept {
		b = append(b, momentKept)
	} else {
		b = append(b, momentSummed)
	}
	b = binary.AppendUvarint(b, m.seq)
	b = binary.AppendUvarint(b, m.epoch)
	b = binary.AppendUvarint(b, m.until)
	if kept {
		return appendSight(b, m.seen.list)
	}
	sum := m.seen.sum
	if m.seen.known {
		sum = sumOf(m.seen.list)
	}
	return append(b, sum[:]...)
}

func (d *decoder) moment() *moment {
	kind := d.byte()
	if kind == momentNone {
		return nil
	}
	m := &moment{seq: d.uvarint(), epoch: d.uvarint(), until: d.uvarint()}
	if m.seen.known = kind == momentKept; m.seen.known {
		m.seen.list = d.sight()
	} else {
		copy(m.seen.sum[:], d.take(len(m.seen.sum)))
	}
	return m
}

func appendSyncToken(b []byte, t *syncToken) []byte {
	b = binary.AppendUvarint(b, uint64(t.asker))
	b = binary.AppendUvarint(b, uint64(t.space))
	b = binary.AppendUvarint(b, uint64(t.node))
	b = appendMoment(b, t.base)
	b = appendMoment(b, t.goal)
	b = binary.AppendUvarint(b, uint64(len(t.after)))
	for _, name := range t.after {
		b = binary.AppendUvarint(b, uint64(len(name)))
		b = append(b, name...)
	}
	return b
}

func decodeSyncToken(b []byte) (*syncToken, error) {
	d := decoder{b: b}
	t := &syncToken{asker: policy.ID(d.uvarint()), space: policy.ID(d.uvarint()), node: policy.Node(d.uvarint())}
	t.base, t.goal = d.moment(), d.moment()
	for n := min(d.uvarint(), depthMax); n > 0 && !d.bad; n-- {
		t.after = append(t.after, d.text())
	}
	return t, d.done("sync token")
}

// A sealer makes and opens tokens, and seals secrets that are kept.
type sealer struct {
	aead cipher.AEAD
	mac  []byte
	// vapid is what pushes are signed with, and public its other half.
	vapid  *ecdsa.PrivateKey
	public []byte
}

const sealKeySize = 32

func newSealer(key []byte) (sealer, error) {
	if len(key) != sealKeySize {
		return sealer{}, fmt.Errorf("key of the seals: %d bytes instead of %d: %w", len(key), sealKeySize, engine.ErrDamaged)
	}
	derived := func(use string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(use))
		return h.Sum(nil)
	}
	block, err := aes.NewCipher(derived("seal"))
	if err != nil {
		return sealer{}, err
	}
	s := sealer{mac: derived("nonce")}
	if s.aead, err = cipher.NewGCM(block); err != nil {
		return s, err
	}
	// A number that is too large for the curve, of which there is one in four billion,
	// gives way to the next.
	for i := range 8 {
		if s.vapid, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), derived("push "+strconv.Itoa(i))); err == nil {
			s.public, err = s.vapid.PublicKey.Bytes()
			break
		}
	}
	return s, err
}

// sum tells for one use what nobody else can tell of a text.
func (s *sealer) sum(use string, of []byte) []byte {
	h := hmac.New(sha256.New, s.mac)
	h.Write(append([]byte(use+"\x00"), of...))
	return h.Sum(nil)
}

// nonce follows from what is sealed: equal contents are sealed alike, and others
// never share one.
func (s *sealer) nonce(plain []byte) []byte {
	h := hmac.New(sha256.New, s.mac)
	h.Write(plain)
	return h.Sum(nil)[:s.aead.NonceSize()]
}

// seal fills the content up to a power of two, so that its length does not tell
// how much is hidden.
func (s *sealer) seal(t *syncToken) string {
	plain := appendSyncToken(make([]byte, 4, 2*tokenSizeMin), t)
	binary.BigEndian.PutUint32(plain, uint32(len(plain)-4))
	size := max(tokenSizeMin, 1<<bits.Len(uint(len(plain)-1)))
	plain = append(plain, make([]byte, size-len(plain))...)
	nonce := s.nonce(plain)
	return SyncPrefix + base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, plain, nil))
}

// open reads a token that seal has made.
func (s *sealer) open(token string) (*syncToken, error) {
	text, ours := strings.CutPrefix(token, SyncPrefix)
	if !ours || len(token) > tokenSizeMax {
		return nil, ErrSyncToken
	}
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(sealed) < s.aead.NonceSize() {
		return nil, ErrSyncToken
	}
	plain, err := s.aead.Open(nil, sealed[:s.aead.NonceSize()], sealed[s.aead.NonceSize():], nil)
	if err != nil || len(plain) < 4 {
		return nil, ErrSyncToken
	}
	size := int(binary.BigEndian.Uint32(plain))
	if size > len(plain)-4 {
		return nil, ErrSyncToken
	}
	t, err := decodeSyncToken(plain[4 : 4+size])
	if err != nil {
		return nil, ErrSyncToken
	}
	return t, nil
}

// lock seals what is kept for one use, and opens for no other.
func (s *sealer) lock(use string, plain []byte) []byte {
	nonce := s.nonce(append([]byte(use+"\x00"), plain...))
	return s.aead.Seal(nonce, nonce, plain, []byte(use))
}

// unlock gives what lock has sealed for the use; false for what another key has.
func (s *sealer) unlock(use string, sealed []byte) ([]byte, bool) {
	if len(sealed) < s.aead.NonceSize() {
		return nil, false
	}
	plain, err := s.aead.Open(nil, sealed[:s.aead.NonceSize()], sealed[s.aead.NonceSize():], []byte(use))
	return plain, err == nil
}

// newSealKey gives the store a key of its own. Whoever takes it away, as after a
// step back in time, makes every client begin anew.
func (tx *Tx) newSealKey() error {
	key := make([]byte, sealKeySize)
	rand.Read(key)
	return tx.w.Put(keySeal, key)
}

// loadSealer reads the key, which a store from before there were tokens lacks.
func (st *Store) loadSealer() error {
	read := func(r engine.Reader) (found bool, err error) {
		key, err := r.Get(keySeal)
		if err == nil && key != nil {
			st.sealer, err = newSealer(key)
		}
		return key != nil, err
	}
	var found bool
	err := st.db.View(func(r engine.Reader) (err error) {
		found, err = read(r)
		return err
	})
	if err != nil || found {
		return err
	}
	return st.update(context.Background(), engine.Foreground, func(tx *Tx) error {
		if err := tx.newSealKey(); err != nil {
			return err
		}
		_, err := read(tx.r)
		return err
	})
}
