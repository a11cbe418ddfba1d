//go:build !linux

package bolt

import "os"

// durably is the flag of a file whose writes are durable once they and flush return.
const durably = 0

func flush(file *os.File) error { return file.Sync() }
