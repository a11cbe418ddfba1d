package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"sync"
)

const (
	blockSize  = 1 << 20
	stampSize  = 16
	sampleSize = 64
)

// pattern is one block of bytes that do not compress, made when first needed so
// that it does not count as memory of the naive server.
var pattern = sync.OnceValue(func() []byte {
	p := make([]byte, blockSize)
	var seed [32]byte
	rand.NewChaCha8(seed).Read(p)
	return p
})

// A content is what a file holds, known without keeping it. Each block of it
// begins with a stamp of its name and place, so that no two files, and no two
// blocks, are alike: a server that stores equal content once gains nothing, and
// bytes from the wrong file or place are noticed.
type content struct {
	key  uint64
	size int64
}

func contentOf(name string, size int64) content {
	h := fnv.New64a()
	io.WriteString(h, name)
	return content{h.Sum64(), size}
}

// fill puts into p the bytes that lie at the offset.
func (c content) fill(p []byte, offset int64) {
	for len(p) > 0 {
		within := offset % blockSize
		n := copy(p, pattern()[within:])
		if within < stampSize {
			stamp := c.stamp(offset)
			copy(p[:n], stamp[within:])
		}
		p, offset = p[n:], offset+int64(n)
	}
}

// stamp begins the block in which the offset lies.
func (c content) stamp(offset int64) (s [stampSize]byte) {
	binary.LittleEndian.PutUint64(s[:8], c.key)
	binary.LittleEndian.PutUint64(s[8:], uint64(offset/blockSize))
	return s
}

// bytes is the whole content; for small ones.
func (c content) bytes() []byte {
	p := make([]byte, c.size)
	c.fill(p, 0)
	return p
}

// WriteTo sends the whole content, a block at a time.
func (c content) WriteTo(w io.Writer) (int64, error) {
	block := make([]byte, min(blockSize, c.size))
	for sent := int64(0); sent < c.size; {
		p := block[:min(blockSize, c.size-sent)]
		c.fill(p, sent)
		n, err := w.Write(p)
		sent += int64(n)
		if err != nil {
			return sent, err
		}
	}
	return c.size, nil
}

// equal says whether p is the bytes from the offset on.
func (c content) equal(p []byte, offset int64) bool {
	if offset+int64(len(p)) > c.size {
		return false
	}
	for len(p) > 0 {
		within := offset % blockSize
		want := pattern()[within:]
		if within < stampSize {
			stamp := c.stamp(offset)
			want = stamp[within:]
		}
		n := min(len(p), len(want))
		if !bytes.Equal(p[:n], want[:n]) {
			return false
		}
		p, offset = p[n:], offset+int64(n)
	}
	return true
}

// A verifier is written a body and compares all of it.
type verifier struct {
	content
	offset int64
}

func (v *verifier) Write(p []byte) (int, error) {
	if !v.equal(p, v.offset) {
		return 0, wrong("wrong bytes after offset %d", v.offset)
	}
	v.offset += int64(len(p))
	return len(p), nil
}

// A sampler compares the length and the first bytes of each piece, so cheaply
// that a timed download does not notice.
type sampler struct {
	content
	offset int64
}

func (s *sampler) Write(p []byte) (int, error) {
	if head := p[:min(len(p), sampleSize)]; !s.equal(head, s.offset) {
		return 0, wrong("wrong bytes after offset %d", s.offset)
	}
	s.offset += int64(len(p))
	return len(p), nil
}

// complete tells when fewer or more bytes came than the content has.
func complete(c content, got int64) error {
	if got != c.size {
		return wrong("%d bytes came, %d were sent there", got, c.size)
	}
	return nil
}

// A wrongAnswer is a server's mistake: it is counted and told, and the
// measurement goes on. Every other error ends a workload.
type wrongAnswer struct{ text string }

func (w *wrongAnswer) Error() string { return w.text }

func wrong(format string, args ...any) error {
	return &wrongAnswer{fmt.Sprintf(format, args...)}
}
