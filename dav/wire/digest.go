package wire

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
)

// sha256Key is the one algorithm of RFC 9530 that is known here.
const sha256Key = "sha-256"

// ParseDigest reads the SHA-256 of a Content-Digest or Repr-Digest header: RFC
// 9530, sections 2 and 3. It is nil when there is none; other algorithms are
// ignored. ErrHeader for a SHA-256 that is none.
func ParseDigest(fields []string) (*[sha256.Size]byte, error) {
	value, found := member(fields, sha256Key)
	if !found {
		return nil, nil
	}
	inner, isBytes := strings.CutPrefix(value, ":")
	inner, ends := strings.CutSuffix(inner, ":")
	sum, err := base64.StdEncoding.DecodeString(inner)
	if !isBytes || !ends || err != nil || len(sum) != sha256.Size {
		return nil, fmt.Errorf("%w: a sha-256 digest is :BASE64: of %d bytes", ErrHeader, sha256.Size)
	}
	return (*[sha256.Size]byte)(sum), nil
}

// WantsDigest tells whether a Want-Content-Digest or Want-Repr-Digest header asks
// for SHA-256: RFC 9530, section 4.
func WantsDigest(fields []string) bool {
	value, found := member(fields, sha256Key)
	if !found {
		return false
	}
	weight, err := strconv.Atoi(value)
	return err == nil && weight > 0 && weight <= 10
}

// AppendDigest appends the value of a Content-Digest or Repr-Digest header.
func AppendDigest(dst []byte, sum [sha256.Size]byte) []byte {
	dst = append(dst, sha256Key+"=:"...)
	dst = base64.StdEncoding.AppendEncode(dst, sum[:])
	return append(dst, ':')
}

// member finds a key in a dictionary of values without commas or strings; the last
// one counts: RFC 9651, section 4.2.2.
func member(fields []string, key string) (value string, found bool) {
	for _, line := range fields {
		for item := range strings.SplitSeq(line, ",") {
			name, v, _ := strings.Cut(strings.Trim(item, " \t"), "=")
			if name == key {
				value, _, _ = strings.Cut(v, ";")
				found = true
			}
		}
	}
	return value, found
}
