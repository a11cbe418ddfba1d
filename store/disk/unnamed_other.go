//go:build !linux

package disk

import (
	"errors"
	"os"
)

// openUnnamed is for systems that have such files.
func openUnnamed(string, string) (*os.File, error) { return nil, errors.ErrUnsupported }

func linkUnnamed(*os.File, string) error { return errors.ErrUnsupported }
