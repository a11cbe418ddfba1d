package wire

import (
	"encoding/xml"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Sync is the body of a sync-collection report: RFC 6578, section 6.1.
type Sync struct {
	Token string // of the answer before; empty for the first one
	// Level is Depth1 or DepthInfinity, DepthAbsent when the body has none.
	Level Depth
	Limit int        // most members wanted at once, -1 for any number
	Props []xml.Name // to be told
}

// ParseSync reads the body of a sync-collection.
func ParseSync(body []byte) (Sync, error) {
	sync := Sync{Limit: -1}
	tokens, asked := 0, false
	err := parse(body, davName("sync-collection"), func(r *reader, child xml.Name) (err error) {
		switch child {
		case davName("sync-token"):
			tokens++
			sync.Token, err = r.word()
		case davName("sync-level"):
			sync.Level, err = r.syncLevel()
		case davName("limit"):
			sync.Limit, err = r.limit()
		case davName("prop"):
			asked = true
			err = r.names(&sync.Props)
		}
		return err
	})
	if err == nil && (tokens > 1 || !asked) {
		err = fmt.Errorf("%w: sync-collection must hold prop, and one sync-token", ErrXML)
	}
	if err != nil {
		return Sync{}, err
	}
	return sync, nil
}

// word reads text that may have space around it.
func (r *reader) word() (string, error) {
	text, err := r.text()
	return strings.TrimSpace(text), err
}

// syncLevel reads a DAV:sync-level: RFC 6578, section 6.3.
func (r *reader) syncLevel() (Depth, error) {
	level, err := r.word()
	switch {
	case err != nil:
		return DepthAbsent, err
	case level == "1":
		return Depth1, nil
	case strings.EqualFold(level, "infinite"):
		return DepthInfinity, nil
	}
	return DepthAbsent, r.fail("sync-level must be 1 or infinite")
}

// limit reads the content of a DAV:limit: RFC 5323, section 5.17.
func (r *reader) limit() (int, error) {
	limit, found := 0, 0
	err := r.each(func(child xml.Name) error {
		if child != davName("nresults") {
			return nil
		}
		found++
		number, err := r.word()
		if err != nil {
			return err
		}
		if !allDigits(number) {
			return r.fail("nresults must be a number")
		}
		// ParseUint answers the greatest value when the number is out of range.
		n, _ := strconv.ParseUint(number, 10, 64)
		limit = int(min(n, math.MaxInt32))
		return nil
	})
	if err == nil && found != 1 {
		err = r.fail("limit must hold one nresults")
	}
	return limit, err
}
