package bolt_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"davit/store/bolt"
)

// TestDurably looks at what the kernel does with the journal's writes, which no image
// of a disk tells.
func TestDurably(t *testing.T) {
	path := filepath.Join(t.TempDir(), "meta.db")
	db := openJournaled(t, path, 1<<20, nil)
	defer db.Close()
	put(t, db, "a", "1")
	if !bolt.Journaled(db) {
		t.Error("there is no journal")
	}
	const dsync = 0o10000
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, fd := range fds {
		name, _ := os.Readlink("/proc/self/fd/" + fd.Name())
		if names := bolt.JournalNames(path); name != names[0] && name != names[1] {
			continue
		}
		info := string(read(t, "/proc/self/fdinfo/"+fd.Name()))
		_, flags, _ := strings.Cut(info, "flags:\t")
		flags, _, _ = strings.Cut(flags, "\n")
		if bits, err := strconv.ParseUint(flags, 8, 64); err != nil || bits&dsync == 0 {
			t.Errorf("the journal is open with flags %s, %v: its writes are not durable", flags, err)
		}
		found++
	}
	if found != 2 {
		t.Errorf("%d descriptors of the journal, want 2", found)
	}
}
