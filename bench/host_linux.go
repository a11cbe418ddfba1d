package main

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// dieWithParent has the kernel end the child when this program is gone, however
// it went: not even a kill -9 leaves a server behind.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// syncData makes the file's content durable.
func syncData(f *os.File) error { return unix.Fdatasync(int(f.Fd())) }

// settle writes out what the disk under dir still owes, so that one server's
// lazy writes are not paid for in the next one's turn.
func settle(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return unix.Syncfs(int(d.Fd()))
}
