package engine

import (
	"errors"
	"fmt"
)

var errEnded = errors.New("transaction used after its function returned")

// A reader stands between a closure and the database's own Reader: it checks
// what is asked, opens the seals, and answers nothing once the closure is over.
type reader struct {
	sealed Reader
	ended  bool
}

func (r *reader) Get(key []byte) ([]byte, error) {
	if r.ended {
		return nil, errEnded
	}
	if err := checkKey(key); err != nil {
		return nil, err
	}
	sealed, err := r.sealed.Get(key)
	if err != nil || sealed == nil {
		return nil, err
	}
	return Unseal(key, sealed)
}

func (r *reader) Scan(lo, hi []byte, fn func(key, value []byte) bool) error {
	if r.ended {
		return errEnded
	}
	if err := checkRange(lo, hi); err != nil {
		return err
	}
	var damage error
	err := r.sealed.Scan(lo, hi, func(key, sealed []byte) bool {
		var value []byte
		if value, damage = Unseal(key, sealed); damage != nil {
			return false
		}
		return fn(key, value)
	})
	return errors.Join(err, damage)
}

func checkKey(key []byte) error {
	if len(key) == 0 || len(key) > KeySizeMax {
		return fmt.Errorf("key of %d bytes: use 1 to %d", len(key), KeySizeMax)
	}
	return nil
}

func checkRange(lo, hi []byte) error {
	if len(lo) == 0 || len(hi) == 0 {
		return errors.New("scan without a bound: name the table")
	}
	wholeTable := len(hi) == 1 && int(hi[0]) == int(lo[0])+1
	if lo[0] != hi[0] && !wholeTable {
		return fmt.Errorf("scan from table %02x to %02x: stay in one table", lo[0], hi[0])
	}
	return nil
}
