package engine_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"davit/store/engine"
)

func TestSeal(t *testing.T) {
	key, value := []byte("mkey"), []byte("a value")
	sealed := engine.Seal(key, value)
	if got, err := engine.Unseal(key, sealed); !slices.Equal(got, value) || err != nil {
		t.Fatalf("unsealed %q, %v", got, err)
	}
	damaged := func(what string, key, sealed []byte) {
		t.Helper()
		if got, err := engine.Unseal(key, sealed); !errors.Is(err, engine.ErrDamaged) {
			t.Errorf("%s: unsealed %q, %v", what, got, err)
		}
	}
	for bit := range len(sealed) * 8 {
		flipped := slices.Clone(sealed)
		flipped[bit/8] ^= 1 << (bit % 8)
		damaged(fmt.Sprintf("bit %d", bit), key, flipped)
	}
	for n := range sealed {
		damaged(fmt.Sprintf("cut to %d bytes", n), key, sealed[:n])
	}
	damaged("another key", []byte("nkey"), sealed)
	damaged("no key", nil, sealed)
	payload, _ := engine.Unseal(key, sealed)
	_ = append(payload, 0xff)
	if _, err := engine.Unseal(key, sealed); err != nil {
		t.Error("an append to a payload reached its sum")
	}
	newer := slices.Clone(sealed)
	newer[0] = 2
	sum := crc32.Checksum(append(slices.Clone(key), newer[:len(newer)-4]...), crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(newer[len(newer)-4:], sum)
	if _, err := engine.Unseal(key, newer); err == nil || errors.Is(err, engine.ErrDamaged) || !strings.Contains(err.Error(), "has format 2") {
		t.Errorf("a value of a newer format: %v", err)
	}
}
