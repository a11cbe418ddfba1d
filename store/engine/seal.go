package engine

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// A sealed value is `version byte | payload | CRC-32C`, the sum taken over the
// key and all that precedes it: a value that ended up under another key is as
// damaged as one with a flipped bit.
const (
	sealVersion  = 1
	sealOverhead = 1 + crc32.Size
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Seal makes the stored form of a value in new memory.
func Seal(key, payload []byte) []byte {
	return seal(make([]byte, 0, len(payload)+sealOverhead), key, payload)
}

// seal is Seal into empty memory that is long enough.
func seal(sealed, key, payload []byte) []byte {
	sealed = append(sealed, sealVersion)
	sealed = append(sealed, payload...)
	return binary.BigEndian.AppendUint32(sealed, sealSum(key, sealed))
}

// Unseal returns the payload inside sealed, not a copy of it, or an error that
// wraps ErrDamaged.
func Unseal(key, sealed []byte) ([]byte, error) {
	end := len(sealed) - crc32.Size
	if end < 1 || binary.BigEndian.Uint32(sealed[end:]) != sealSum(key, sealed[:end]) {
		return nil, fmt.Errorf("%w: %s", ErrDamaged, keyName(key))
	}
	if sealed[0] != sealVersion {
		return nil, fmt.Errorf("%s has format %d, this program reads %d: use a newer one", keyName(key), sealed[0], sealVersion)
	}
	return payload(sealed), nil
}

// payload cuts the capacity too, so that an append cannot reach the sum.
func payload(sealed []byte) []byte {
	end := len(sealed) - crc32.Size
	return sealed[1:end:end]
}

func sealSum(key, rest []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, rest)
}

func keyName(key []byte) string {
	if len(key) == 0 {
		return "empty key"
	}
	return fmt.Sprintf("table %02x key %x", key[0], key[1:])
}
