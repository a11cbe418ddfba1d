package store

import (
	"bytes"
	"encoding/binary"
	"sort"
	"sync"

	"davit/policy"
)

// A query by UID asks for a text anywhere in it (RFC 4791, section 9.7.5), which no
// order of keys answers: every UID is looked at. Those of a large calendar are kept in
// memory for that, one after the other, until a member of it changes.

const (
	uidsKeptMin = 1000     // in a calendar: fewer are read from the database each time
	uidsKeptMax = 16 << 20 // bytes of memory for the UIDs of all calendars
)

// uidList is the UIDs of one calendar.
type uidList struct {
	tally uint64        // of the calendar when they were read
	text  []byte        // each followed by a byte that none has
	ends  []uint32      // where each ends in the text
	nodes []policy.Node // whose they are
}

func (l *uidList) add(uid []byte, n policy.Node) {
	l.text = append(append(l.text, uid...), 0)
	l.ends = append(l.ends, uint32(len(l.text)))
	l.nodes = append(l.nodes, n)
}

// size is the memory that the list takes, in bytes.
func (l *uidList) size() int { return cap(l.text) + 4*cap(l.ends) + 8*cap(l.nodes) }

// with gives the objects that have a text in their UID; with anyCase letters of ASCII
// are the same in both cases.
func (l *uidList) with(text string, anyCase bool) (found []policy.Node) {
	all, wanted := l.text, []byte(text)
	if anyCase {
		all, wanted = lowerASCII(all), lowerASCII(wanted)
	}
	for from := 0; ; {
		at := bytes.Index(all[from:], wanted)
		if at < 0 {
			return found
		}
		i := sort.Search(len(l.ends), func(i int) bool { return int(l.ends[i]) > from+at })
		found = append(found, l.nodes[i])
		from = int(l.ends[i])
	}
}

func lowerASCII(text []byte) []byte {
	lower := make([]byte, len(text))
	for i, c := range text {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return lower
}

// uids holds the lists of the calendars that were asked for.
type uids struct {
	sync.Mutex
	lists map[policy.Node]*uidList
	size  int
}

// get is the list of a calendar as it is at a tally, nil for none.
func (u *uids) get(calendar policy.Node, tally uint64) *uidList {
	u.Lock()
	defer u.Unlock()
	if l := u.lists[calendar]; l != nil && l.tally == tally {
		return l
	}
	return nil
}

// put keeps a list, and drops others where they are too much.
func (u *uids) put(calendar policy.Node, l *uidList) {
	u.Lock()
	defer u.Unlock()
	u.drop(calendar)
	for other := range u.lists {
		if u.size+l.size() <= uidsKeptMax {
			break
		}
		u.drop(other)
	}
	if u.size+l.size() > uidsKeptMax {
		return
	}
	if u.lists == nil {
		u.lists = map[policy.Node]*uidList{}
	}
	u.lists[calendar] = l
	u.size += l.size()
}

func (u *uids) drop(calendar policy.Node) {
	if l := u.lists[calendar]; l != nil {
		u.size -= l.size()
		delete(u.lists, calendar)
	}
}

// withUID finds the objects of a calendar that have a text in their UID.
func (tx *Tx) withUID(g grant, calendar policy.Node, text string, anyCase bool) ([]policy.Node, error) {
	tally, err := tx.tallyOf(calendar)
	if err != nil {
		return nil, err
	}
	if l := tx.st.uids.get(calendar, tally); l != nil && tx.w == nil {
		return l.with(text, anyCase), nil
	}
	l := &uidList{tally: tally}
	prefix := uidKey(calendar, "")
	err = scanPrefix(tx.r, prefix, func(k, v []byte) bool {
		if len(v) == 8 {
			l.add(k[len(prefix):], policy.Node(binary.BigEndian.Uint64(v)))
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	// What a transaction that writes sees may never come to be.
	if tx.w == nil && len(l.nodes) >= uidsKeptMin {
		tx.st.uids.put(calendar, l)
	}
	return l.with(text, anyCase), nil
}
