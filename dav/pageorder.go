package dav

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// An order is how a page sorts; the zero one is that of the store, by name.
type order struct {
	by      string // "size" or "time", "" for the name
	falling bool
}

// readOrder reads one as links carry it: "size", "-time". What it does not know is
// by name.
func readOrder(text string) (o order) {
	text, o.falling = strings.CutPrefix(text, "-")
	switch text {
	case "size", "time":
		o.by = text
	case "name":
	default:
		return order{}
	}
	return o
}

func (o order) isStored() bool { return o == order{} }

// key is the name of what it sorts by.
func (o order) key() string { return cmp.Or(o.by, "name") }

// sorted gives the entries of a listing in that order, unless there are more than
// a page sorts.
func (o order) sorted(list iter.Seq2[[]member, error]) (all []member, whole bool, err error) {
	for page, err := range list {
		if err != nil {
			return nil, false, err
		}
		if len(all)+len(page) > sortMax {
			return nil, false, nil
		}
		all = append(all, page...)
	}
	compare := func(a, b member) int {
		switch o.by {
		case "size":
			return cmp.Compare(a.Size, b.Size)
		case "time":
			return a.Modified.Compare(b.Modified)
		}
		return 0 // as they come
	}
	slices.SortStableFunc(all, compare)
	if o.falling {
		slices.Reverse(all)
	}
	return all, true, nil
}
