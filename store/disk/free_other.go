//go:build !(linux || darwin || freebsd)

package disk

import (
	"errors"
	"fmt"
)

func free(dir string) (int64, error) {
	return 0, fmt.Errorf("free space of %s: %w", dir, errors.ErrUnsupported)
}
