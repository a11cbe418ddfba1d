//go:build !linux

package disk

import "os"

// beginWriting is for systems that can be asked.
func beginWriting(*os.File, int64, int64) {}
