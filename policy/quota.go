package policy

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Limit is a number of bytes that a quota node may hold.
type Limit int64

// NoLimit is the absence of a limit.
const NoLimit Limit = -1

// ParseLimit reads "none", bytes, and decimal or binary units: "10GB", "512MiB".
func ParseLimit(text string) (Limit, error) {
	word := strings.ToUpper(strings.TrimSpace(text))
	if word == "NONE" {
		return NoLimit, nil
	}
	digits := strings.TrimRight(word, "BIKMGTP ")
	unit, ok := units[strings.TrimSpace(word[len(digits):])]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("size %q: use none, bytes, or a number with KB, MB, GB, TB (or KiB, MiB, GiB, TiB): %w", text, ErrInvalid)
	}
	return Limit(n * unit), nil
}

var units = map[string]int64{
	"": 1, "B": 1,
	"K": 1e3, "KB": 1e3, "M": 1e6, "MB": 1e6, "G": 1e9, "GB": 1e9, "T": 1e12, "TB": 1e12,
	"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
}

// String is the shortest exact form that ParseLimit reads.
func (l Limit) String() string {
	if l < 0 {
		return "none"
	}
	for _, u := range []struct {
		name string
		size Limit
	}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}} {
		if l != 0 && l%u.size == 0 {
			return strconv.FormatInt(int64(l/u.size), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(l), 10) + "B"
}

// Usage is the state of one quota node in bytes.
type Usage struct {
	Limit    Limit
	Live     int64 // of what is listed
	Versions int64 // of what the listed files were before
	Trash    int64 // of what was deleted from here and not yet erased, with its versions
	Reserved int64 // announced by uploads under way
}

// Used is what is charged: live, versions and trash.
func (u Usage) Used() int64 { return u.Live + u.Versions + u.Trash }

// Available is how much may still be written, never negative; math.MaxInt64
// without a limit.
func (u Usage) Available() int64 {
	if u.Limit < 0 {
		return math.MaxInt64
	}
	return max(0, int64(u.Limit)-u.Used()-u.Reserved)
}

// Fits tells whether growth bytes may be added. Growth of nothing or less always
// passes, even above the limit.
func (u Usage) Fits(growth int64) bool { return growth <= 0 || growth <= u.Available() }

// A QuotaNode is a place on the way that a limit stands on.
type QuotaNode struct {
	Node  Node
	Limit Limit
}

// AppendLimits appends the limits that a write at the place has to pass, from
// the space down.
func (s *State) AppendLimits(dst []QuotaNode, at Place) []QuotaNode {
	sp := s.Space(at.Space)
	if sp == nil || len(at.Path) == 0 {
		return dst
	}
	if l := s.limitOf(sp); l >= 0 {
		dst = append(dst, QuotaNode{sp.Root, l})
	}
	for _, n := range at.Path {
		w, ok := s.ways.get(uint64(n))
		if !ok {
			break
		}
		if w.mark != nil && w.mark.Quota != nil && *w.mark.Quota >= 0 {
			dst = append(dst, QuotaNode{n, *w.mark.Quota})
		}
	}
	return dst
}

// limitOf is the limit on a whole space: a personal drive has its user's own or
// the profile's.
func (s *State) limitOf(sp *Space) Limit {
	if sp.Kind != Personal || sp.Quota >= 0 {
		return sp.Quota
	}
	u := s.User(sp.Owner)
	if u == nil {
		return sp.Quota
	}
	if u.Quota != nil {
		return *u.Quota
	}
	if p := s.Profile(u.Profile); p != nil {
		return p.Quota
	}
	return NoLimit
}
