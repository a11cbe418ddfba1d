package disk

import (
	"os"

	"golang.org/x/sys/unix"
)

// setDirect lets writes to the file pass the system's cache by.
func setDirect(f *os.File) error {
	return setFlags(f, func(flags int) int { return flags | unix.O_DIRECT })
}

// clearDirect lets them go through it again.
func clearDirect(f *os.File) error {
	return setFlags(f, func(flags int) int { return flags &^ unix.O_DIRECT })
}

func setFlags(f *os.File, change func(int) int) error {
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	if err == nil {
		_, err = unix.FcntlInt(f.Fd(), unix.F_SETFL, change(flags))
	}
	return os.NewSyscallError("fcntl", err)
}
