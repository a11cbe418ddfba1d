package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"davit/policy"
	"davit/store"
)

// ErrDevice is wrapped by every refusal of a new app password; the text says
// what to do.
var ErrDevice = errors.New("app password refused")

const (
	devicePrefix  = "davit"
	deviceGroup   = 4
	deviceLetters = 32 // 160 bits, 5 a letter
	// deviceNameMax is in characters.
	deviceNameMax   = 64
	deviceSpacesMax = 100
)

// deviceBits are what an app password is made of.
type deviceBits [20]byte

const deviceAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

var deviceEncoding = base32.NewEncoding(deviceAlphabet).WithPadding(base32.NoPadding)

// A NewDevice is what the owner of an account says of an app password to be made.
type NewDevice struct {
	Name     string
	Class    policy.Class
	ReadOnly bool
	Spaces   []policy.ID // that it opens; all if there are none
	Expires  time.Time   // zero: never
}

// AddDevice makes an app password for the account. The secret is answered this
// once; afterwards nobody can tell it.
func (s *Service) AddDevice(ctx context.Context, id policy.ID, n NewDevice) (d store.Device, secret string, err error) {
	n.Name = strings.TrimSpace(n.Name)
	now := s.now()
	if err := n.check(now); err != nil {
		return store.Device{}, "", err
	}
	bits := deviceBits(random(len(deviceBits{})))
	d, err = s.accounts.AddDevice(ctx, id, store.Device{
		Name:     n.Name,
		Secret:   sha256.Sum256(bits[:]),
		Class:    n.Class,
		ReadOnly: n.ReadOnly,
		Spaces:   n.Spaces,
		Created:  now,
		Expires:  n.Expires,
	})
	if err != nil {
		return store.Device{}, "", err
	}
	return d, bits.String(), nil
}

// RemoveDevice ends an app password; its next request is refused.
func (s *Service) RemoveDevice(ctx context.Context, id policy.ID, device uint64) error {
	return s.accounts.RemoveDevice(ctx, id, device)
}

func (n NewDevice) check(now time.Time) error {
	switch length := utf8.RuneCountInString(n.Name); {
	case n.Name == "":
		return fmt.Errorf("%w: give it a name", ErrDevice)
	case length > deviceNameMax:
		return fmt.Errorf("%w: use at most %d characters for its name", ErrDevice, deviceNameMax)
	case !utf8.ValidString(n.Name) || strings.ContainsFunc(n.Name, unicode.IsControl):
		return fmt.Errorf("%w: use only printable characters for its name", ErrDevice)
	case len(n.Spaces) > deviceSpacesMax:
		return fmt.Errorf("%w: name at most %d spaces", ErrDevice, deviceSpacesMax)
	case !n.Expires.IsZero() && !now.Before(n.Expires):
		return fmt.Errorf("%w: let it expire in the future", ErrDevice)
	}
	return nil
}

// String is the form that people type: davit-abcd-efgh- and so on.
func (b deviceBits) String() string {
	letters := deviceEncoding.EncodeToString(b[:])
	var t strings.Builder
	t.WriteString(devicePrefix)
	for i := 0; i < len(letters); i += deviceGroup {
		t.WriteByte('-')
		t.WriteString(letters[i : i+deviceGroup])
	}
	return t.String()
}

// parseDevice reads an app password, hyphens or not, in any case. Text of another
// shape is none, and may be a main password.
func parseDevice(text string) (deviceBits, bool) {
	var plain [len(devicePrefix) + deviceLetters]byte
	n := 0
	for i := range len(text) {
		c := text[i]
		if c == '-' {
			continue
		}
		if n == len(plain) {
			return deviceBits{}, false
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		plain[n] = c
		n++
	}
	var bits deviceBits
	if n < len(plain) || string(plain[:len(devicePrefix)]) != devicePrefix {
		return deviceBits{}, false
	}
	// The alphabet has no line ends, which Decode would skip: a short result.
	size, err := deviceEncoding.Decode(bits[:], plain[len(devicePrefix):])
	return bits, err == nil && size == len(bits)
}

// findDevice looks at every device, whichever it is that fits.
func findDevice(devices []store.Device, bits deviceBits) (store.Device, bool) {
	sum := sha256.Sum256(bits[:])
	found := -1
	for i := range devices {
		fits := subtle.ConstantTimeCompare(devices[i].Secret[:], sum[:])
		found = subtle.ConstantTimeSelect(fits, i, found)
	}
	if found < 0 {
		return store.Device{}, false
	}
	return devices[found], true
}

// expired tells whether d's time is over; it ends with the second it names.
func expired(d store.Device, now time.Time) bool {
	return !d.Expires.IsZero() && !now.Before(d.Expires)
}
