package disk

import (
	"os"

	"golang.org/x/sys/unix"
)

// beginWriting asks the system to begin writing a range and does not wait. It
// promises nothing: only Sync does, and tells what failed.
func beginWriting(f *os.File, off, n int64) {
	unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE)
}
