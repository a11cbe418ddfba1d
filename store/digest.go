package store

import (
	"crypto/sha256"
	"errors"
)

// ErrDigest says that the content which came is not the one that was sent.
var ErrDigest = errors.New("the content has not the announced digest")

// SHA256 is the digest of a file's content; ok is false for a collection.
func (e *Entry) SHA256() (sum [sha256.Size]byte, ok bool) {
	if !e.Dir && e.content.where == nowhere {
		return sha256.Sum256(nil), true
	}
	return e.content.hash, !e.Dir
}

// proves holds what came to a digest, nil for any.
func (u *Upload) proves(want *[sha256.Size]byte) error {
	if want == nil {
		return nil
	}
	got := sha256.Sum256(u.small)
	if u.temp != nil {
		got, _ = u.temp.Sum()
	}
	if got != *want {
		return ErrDigest
	}
	return nil
}
