//go:build !linux

package main

import (
	"os"
	"os/exec"
)

// dieWithParent can be had on Linux only; elsewhere an orderly end has to do.
func dieWithParent(*exec.Cmd) {}

// syncData makes the file durable.
func syncData(f *os.File) error { return f.Sync() }

// settle does nothing: there is no portable way to flush one disk.
func settle(string) error { return nil }
