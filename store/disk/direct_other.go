//go:build !linux

package disk

import (
	"errors"
	"os"
)

// setDirect is for systems that can.
func setDirect(*os.File) error { return errors.ErrUnsupported }

func clearDirect(*os.File) error { return nil }
