package bolt

import (
	"os"
	"syscall"
)

// durably is the flag of a file whose writes are durable once they and flush return.
const durably = syscall.O_DSYNC

func flush(*os.File) error { return nil }
