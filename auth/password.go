package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"davit/policy"
)

// ErrPassword is wrapped by every refusal of a new password; the text says what
// to do.
var ErrPassword = errors.New("password refused")

// errHash is a stored password that is not one: damaged, or not ours.
var errHash = errors.New("the stored password is unreadable, set a new one")

// How long a password may be, in characters. It is never cut.
const (
	passwordMin = 8
	passwordMax = 128
)

// current is what new passwords are hashed with.
var current = cost{memory: 19456, passes: 2, lanes: 1}

const (
	saltSize = 16
	sumSize  = 32
)

// What a stored hash may ask for at most, so that a damaged or hostile one
// cannot take the machine's memory or hours of its time.
const (
	phcMax    = 256 // bytes of text
	memoryMax = 128 << 10
	passesMax = 16
	lanesMax  = 16
	saltMax   = 64
	saltMin   = 8
	sumMax    = 64
	sumMin    = 16
)

// Hash makes the stored form of a new main password, which has to obey the
// rules.
func (s *Service) Hash(ctx context.Context, secret string) (string, error) {
	if err := CheckPassword(secret); err != nil {
		return "", err
	}
	leave, err := s.work.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return s.work.hash(secret).String(), nil
}

// SetPassword gives the account a new main password and lifts its lock: what was
// guessed at before is gone.
func (s *Service) SetPassword(ctx context.Context, id policy.ID, secret string) error {
	stored, err := s.Hash(ctx, secret)
	if err != nil {
		return err
	}
	if err := s.accounts.SetPassword(ctx, id, stored); err != nil {
		return err
	}
	return s.Unlock(ctx, id)
}

// CheckPassword tells whether secret can become a main password. The error wraps
// ErrPassword.
func CheckPassword(secret string) error {
	switch n := utf8.RuneCountInString(secret); {
	case n > passwordMax: // first, for the checks below to be short
		return fmt.Errorf("%w: use at most %d characters", ErrPassword, passwordMax)
	case !utf8.ValidString(secret):
		return fmt.Errorf("%w: it is not valid UTF-8", ErrPassword)
	case n < passwordMin:
		return fmt.Errorf("%w: use at least %d characters", ErrPassword, passwordMin)
	case !legible(secret):
		return fmt.Errorf("%w: leave out control characters", ErrPassword)
	}
	if _, ok := parseDevice(secret); ok {
		return fmt.Errorf("%w: it looks like an app password, choose another", ErrPassword)
	}
	return nil
}

// NeedsRehash tells whether a stored password was made with other parameters than
// a new one would be.
func NeedsRehash(stored string) bool {
	h, err := parsePHC(stored)
	return err != nil || h.cost != current || len(h.salt) != saltSize || len(h.sum) != sumSize
}

// A cost is what one argon2id computation takes.
type cost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// A phc is a password as it is stored.
type phc struct {
	cost
	salt, sum []byte
}

// argon2id is the sum that secret gives with h's cost and salt.
func argon2id(secret string, h phc) []byte {
	return argon2.IDKey([]byte(secret), h.salt, h.passes, h.memory, h.lanes, uint32(len(h.sum)))
}

// String is the PHC form: $argon2id$v=19$m=19456,t=2,p=1$salt$sum.
func (h phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.lanes,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.sum))
}

// parsePHC reads what String writes, and nothing else.
func parsePHC(text string) (phc, error) {
	if len(text) > phcMax {
		return phc{}, errHash
	}
	part := strings.Split(text, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" || part[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, errHash
	}
	c, ok := parseCost(part[3])
	salt, saltOK := unbase64(part[4], saltMin, saltMax)
	sum, sumOK := unbase64(part[5], sumMin, sumMax)
	if !ok || !saltOK || !sumOK {
		return phc{}, errHash
	}
	return phc{c, salt, sum}, nil
}

// parseCost reads m=19456,t=2,p=1.
func parseCost(text string) (cost, bool) {
	field := strings.Split(text, ",")
	if len(field) != 3 {
		return cost{}, false
	}
	memory, ok := parameter(field[0], "m=", memoryMax)
	passes, passesOK := parameter(field[1], "t=", passesMax)
	lanes, lanesOK := parameter(field[2], "p=", lanesMax)
	// RFC 9106, section 3.1: at least 8 KiB for every lane
	if !ok || !passesOK || !lanesOK || memory < 8*lanes {
		return cost{}, false
	}
	return cost{memory, passes, uint8(lanes)}, true
}

// parameter reads one number from 1 to limit, in the one way it can be written.
func parameter(text, name string, limit uint32) (uint32, bool) {
	digits, ok := strings.CutPrefix(text, name)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil || n == 0 || n > uint64(limit) || digits[0] == '0' {
		return 0, false
	}
	return uint32(n), true
}

func unbase64(text string, shortest, longest int) ([]byte, bool) {
	b, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < shortest || len(b) > longest || strings.ContainsAny(text, "\r\n") {
		return nil, false
	}
	return b, true
}

// random is n bytes from the system.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: it ends the program instead
	return b
}

// equal compares in a time that tells nothing of where a and b differ.
func equal(a, b []byte) bool {
	return subtle.ConstantTimeCompare(a, b) == 1
}
