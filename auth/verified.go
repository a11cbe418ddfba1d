package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
	"time"
)

const (
	// rememberFor is how long a verified credential spares the work of verifying
	// it again.
	rememberFor = 5 * time.Minute
	// verifiedMax bounds how many are remembered.
	verifiedMax = 16 << 10
	shards      = 16
	shardMax    = verifiedMax / shards
	// shardKept is what a full shard is cut down to, so that it is not swept for
	// every credential that comes.
	shardKept = shardMax * 7 / 8
)

// A digest stands for a name and a secret. Its key dies with the process, so that
// neither can be found from it.
type digest [sha256.Size]byte

// A credential is a remembered success. It holds until its time, and only while
// the account has the same stamp.
type credential struct {
	Identity
	stamp uint64
	until time.Time
}

// verified remembers credentials. Clients send theirs with every request, and a
// password costs some 45 ms of a processor to check.
type verified struct {
	macs   sync.Pool // of *mac
	shards [shards]shard
}

type shard struct {
	sync.RWMutex
	entries map[digest]credential
}

// A mac is kept with its buffer so that making a key allocates nothing.
type mac struct {
	hash.Hash
	buf [2*credentialMax + 1]byte
	sum digest
}

func newVerified() *verified {
	secret := random(sha256.Size)
	v := &verified{}
	v.macs.New = func() any { return &mac{Hash: hmac.New(sha256.New, secret)} }
	for i := range v.shards {
		v.shards[i].entries = make(map[digest]credential)
	}
	return v
}

// key is where a name and a secret are remembered. Both are legible, so the zero
// byte between them is in neither.
func (v *verified) key(name, secret string) digest {
	m := v.macs.Get().(*mac)
	defer v.macs.Put(m)
	n := copy(m.buf[:], name)
	m.buf[n] = 0
	n += 1 + copy(m.buf[n+1:], secret)
	m.Reset()
	m.Write(m.buf[:n])
	clear(m.buf[:n])
	m.Sum(m.sum[:0])
	return m.sum
}

// get finds what is remembered and not yet over.
func (v *verified) get(key digest, now time.Time) (credential, bool) {
	s := v.shard(key)
	s.RLock()
	c, ok := s.entries[key]
	s.RUnlock()
	return c, ok && now.Before(c.until)
}

// put remembers c. A full shard lets go of what is over, or else of any.
func (v *verified) put(key digest, c credential, now time.Time) {
	s := v.shard(key)
	s.Lock()
	defer s.Unlock()
	if len(s.entries) >= shardMax {
		s.makeRoom(now)
	}
	s.entries[key] = c
}

func (s *shard) makeRoom(now time.Time) {
	for key, c := range s.entries {
		if !now.Before(c.until) {
			delete(s.entries, key)
		}
	}
	for key := range s.entries {
		if len(s.entries) <= shardKept {
			return
		}
		delete(s.entries, key)
	}
}

func (v *verified) shard(key digest) *shard { return &v.shards[key[0]%shards] }

// rememberUntil is when a success of now is over; a device's own end comes first.
func rememberUntil(now, expires time.Time) time.Time {
	until := now.Add(rememberFor)
	if !expires.IsZero() && expires.Before(until) {
		return expires
	}
	return until
}
