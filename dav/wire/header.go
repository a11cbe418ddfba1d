package wire

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ErrHeader is the kind of every error about a request header that cannot be
// read: 400.
var ErrHeader = errors.New("bad request header")

// Depth is the value of a Depth header. Its zero value is DepthAbsent, so that
// cmp.Or(depth, DepthInfinity) gives a method's default.
type Depth uint8

// The depths of RFC 4918, section 10.2.
const (
	DepthAbsent Depth = iota
	Depth0
	Depth1
	DepthInfinity
)

// ParseDepth reads a Depth header.
func ParseDepth(value string) (Depth, error) {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return DepthAbsent, nil
	case value == "0":
		return Depth0, nil
	case value == "1":
		return Depth1, nil
	case strings.EqualFold(value, "infinity"):
		return DepthInfinity, nil
	}
	return DepthAbsent, fmt.Errorf("%w: Depth must be 0, 1 or infinity", ErrHeader)
}

// ParseOverwrite reads an Overwrite header.
func ParseOverwrite(value string) (bool, error) {
	switch strings.TrimSpace(value) {
	case "", "T", "t": // RFC 4918, section 10.6: absent means T
		return true, nil
	case "F", "f":
		return false, nil
	}
	return false, fmt.Errorf("%w: Overwrite must be T or F", ErrHeader)
}

// TimeoutInfinite is what ParseTimeout returns for Infinite: longer than any
// number of seconds a client can ask for.
const TimeoutInfinite = time.Duration(math.MaxInt64)

const timeoutSecondsMax = math.MaxUint32 // RFC 4918, section 10.7

// ParseTimeout returns the first readable wish of a Timeout header, or zero
// when there is none. The header is a hint, so what cannot be read is no error;
// the caller bounds what it grants.
func ParseTimeout(value string) time.Duration {
	for wish := range strings.SplitSeq(value, ",") {
		wish = strings.TrimSpace(wish)
		if strings.EqualFold(wish, "infinite") {
			return TimeoutInfinite
		}
		unit, number, _ := strings.Cut(wish, "-")
		if !strings.EqualFold(unit, "second") || !allDigits(number) {
			continue
		}
		// ParseUint answers the greatest value when the number is out of range.
		seconds, _ := strconv.ParseUint(number, 10, 64)
		return time.Duration(min(seconds, timeoutSecondsMax)) * time.Second
	}
	return 0
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// Preferences are what a client would like to be spared or given.
type Preferences struct {
	Minimal        bool // return=minimal, or Brief: t of older clients
	Representation bool // return=representation
	NoRoot         bool // depth-noroot: a listing without the collection itself
}

// ParsePrefer reads the Prefer headers, and Brief. A preference that is not
// understood is ignored, as RFC 7240, section 2 wants.
func ParsePrefer(h http.Header) Preferences {
	var p Preferences
	returned := false
	for _, line := range h.Values("Prefer") {
		for preference := range strings.SplitSeq(line, ",") {
			name, value := cutPreference(preference)
			switch {
			case name == "depth-noroot": // RFC 8144, section 4
				p.NoRoot = true
			case name == "return" && !returned: // RFC 7240, section 2: the first one counts
				returned = true
				p.Minimal = strings.EqualFold(value, "minimal")
				p.Representation = strings.EqualFold(value, "representation")
			}
		}
	}
	if !returned && strings.EqualFold(strings.TrimSpace(h.Get("Brief")), "t") { // RFC 8144, appendix A
		p.Minimal = true
	}
	return p
}

// cutPreference splits a preference and drops its parameters.
func cutPreference(preference string) (name, value string) {
	preference, _, _ = strings.Cut(preference, ";")
	name, value, _ = strings.Cut(preference, "=")
	name = strings.ToLower(strings.TrimSpace(name))
	if name == "return-minimal" { // Apple's calendar clients send the spelling of the draft
		return "return", "minimal"
	}
	return name, strings.Trim(value, " \t\"")
}
