package wire

import (
	"crypto/sha256"
	"errors"
	"strings"
	"testing"
)

func TestParseDigest(t *testing.T) {
	sum := sha256.Sum256([]byte("abc"))
	text := string(AppendDigest(nil, sum))
	if text != "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:" {
		t.Errorf("the digest of abc is written %s", text)
	}
	for _, fields := range [][]string{{text}, {"sha-512=:AAAA:, " + text}, {"sha-256=:AAAA:", text + ";a=1"}} {
		if got, err := ParseDigest(fields); err != nil || got == nil || *got != sum {
			t.Errorf("%q: %v, %v", fields, got, err)
		}
	}
	for _, fields := range [][]string{nil, {""}, {"sha-512=:AAAA:"}, {"SHA-256=abc"}} {
		if got, err := ParseDigest(fields); got != nil || err != nil {
			t.Errorf("%q: %v, %v", fields, got, err)
		}
	}
	for _, text := range []string{"sha-256", "sha-256=", "sha-256=:AAAA:", "sha-256=" + strings.Trim(text, "="), "sha-256=:" + strings.Repeat("A", 100_000) + ":"} {
		if got, err := ParseDigest([]string{text}); !errors.Is(err, ErrHeader) {
			t.Errorf("%.60q: %v, %v", text, got, err)
		}
	}
}

func TestWantsDigest(t *testing.T) {
	for field, want := range map[string]bool{
		"sha-256=10": true, "sha-512=3, sha-256=1": true, "sha-256=0": false, "sha-512=10": false, "": false, "sha-256": false, "sha-256=99": false,
	} {
		if got := WantsDigest([]string{field}); got != want {
			t.Errorf("%q: %t", field, got)
		}
	}
}
