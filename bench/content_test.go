package main

import (
	"bytes"
	"testing"
)

func TestContentIsTheSameFromAnywhere(t *testing.T) {
	c := contentOf("a", 2*blockSize+100)
	whole := c.bytes()
	for _, at := range []int64{0, 1, stampSize - 1, stampSize, blockSize - 1, blockSize, blockSize + 3, 2*blockSize + 99} {
		for _, n := range []int64{1, 8, stampSize, 50, blockSize + 20} {
			p := make([]byte, min(n, c.size-at))
			c.fill(p, at)
			if !bytes.Equal(p, whole[at:at+int64(len(p))]) {
				t.Errorf("%d bytes at %d differ", len(p), at)
			}
		}
	}
	var sent bytes.Buffer
	if n, err := c.WriteTo(&sent); n != c.size || err != nil || !bytes.Equal(sent.Bytes(), whole) {
		t.Errorf("%d bytes sent, %v", n, err)
	}
}

func TestNoTwoContentsAreAlike(t *testing.T) {
	a, b := contentOf("a", 3*blockSize).bytes(), contentOf("b", 3*blockSize).bytes()
	seen := map[string]bool{}
	for _, whole := range [][]byte{a, b} {
		for ; len(whole) > 0; whole = whole[blockSize:] {
			seen[string(whole[:blockSize])] = true
		}
	}
	if len(seen) != 6 {
		t.Errorf("%d different blocks of 6", len(seen))
	}
}

func TestSinksNoticeOtherBytes(t *testing.T) {
	c := contentOf("a", 300)
	for name, broken := range map[string]func(p []byte) []byte{
		"one bit":    func(p []byte) []byte { p[len(p)-1] ^= 1; return p },
		"too many":   func(p []byte) []byte { return append(p, 0) },
		"other file": func([]byte) []byte { return contentOf("b", 300).bytes() },
	} {
		if _, err := (&verifier{content: c}).Write(broken(c.bytes())); err == nil {
			t.Errorf("verifier accepts %s", name)
		}
	}
	if _, err := (&verifier{content: c}).Write(c.bytes()); err != nil {
		t.Errorf("verifier refuses what is right: %v", err)
	}
	s := &sampler{content: c}
	if _, err := s.Write(c.bytes()[:150]); err != nil {
		t.Errorf("sampler refuses what is right: %v", err)
	}
	if _, err := s.Write(c.bytes()[:150]); err == nil {
		t.Error("sampler accepts a piece from another place")
	}
	if complete(c, s.offset) == nil || complete(c, c.size) != nil {
		t.Error("a length is judged wrong")
	}
}
