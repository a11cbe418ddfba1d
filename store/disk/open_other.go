//go:build !(linux || darwin || freebsd)

package disk

import "os"

func openPlain(name string) (*os.File, error) { return os.Open(name) }
