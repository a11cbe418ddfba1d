package dav

import (
	"errors"
	"testing"

	"davit/dav/wire"
	"davit/store"
)

// What is too much to sort is not held, and an error is no short listing.
func TestPageSortsNoMoreThanItHolds(t *testing.T) {
	listing := func(n int, err error) func(func([]member, error) bool) {
		return func(yield func([]member, error) bool) {
			for range n {
				if !yield(make([]member, pageSize), nil) {
					return
				}
			}
			if err != nil {
				yield(nil, err)
			}
		}
	}
	by := readOrder("-size")
	if all, whole, err := by.sorted(listing(sortMax/pageSize, nil)); len(all) != sortMax || !whole || err != nil {
		t.Errorf("%d entries: %d, %v, %v", sortMax, len(all), whole, err)
	}
	if all, whole, err := by.sorted(listing(sortMax/pageSize+1, nil)); len(all) != 0 || whole || err != nil {
		t.Errorf("more: %d, %v, %v", len(all), whole, err)
	}
	broken := errors.New("broken")
	if _, whole, err := by.sorted(listing(1, broken)); whole || err != broken {
		t.Errorf("an error is lost: %v, %v", whole, err)
	}
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 9949: "9.9 kB", 9950: "10 kB", 999_499: "999 kB", 999_500: "1.0 MB",
		1_500_000: "1.5 MB", 2_000_000_000: "2.0 GB", 1<<63 - 1: "9.2 EB",
	} {
		if got := sizeText(n); got != want {
			t.Errorf("%d: %q instead of %q", n, got, want)
		}
	}
}

func TestIcons(t *testing.T) {
	for mediaType, want := range map[string]string{
		"image/png": "image", "text/plain; charset=utf-8": "text", "text/calendar; charset=utf-8": "calendar", "application/zip": "archive",
		"application/pdf": "file", "": "file", `folder" onclick="x`: "file",
	} {
		if got := pageRow(&member{Info: store.Info{Entry: store.Entry{Name: "a", Type: mediaType}}, url: wire.Path{"a"}}, 0).Kind; got != want {
			t.Errorf("%s: %s instead of %s", mediaType, got, want)
		}
	}
}
