package dav

import (
	"crypto/sha256"
	"fmt"

	"davit/dav/wire"
	"davit/store"
)

// Digests of contents are SHA-256, under which the store keeps them. RFC 9530

// tellDigests sets the digests that the request asks for. That of a whole file
// goes with any part of it; that of the answer's content is told where the answer
// has all of the file.
func (rq *request) tellDigests(e *store.Entry, whole bool) {
	sum, ok := e.SHA256()
	if !ok {
		return
	}
	in, out := rq.r.Header, rq.w.Header()
	if wire.WantsDigest(in["Want-Repr-Digest"]) {
		out.Set("Repr-Digest", string(wire.AppendDigest(nil, sum)))
	}
	if whole && wire.WantsDigest(in["Want-Content-Digest"]) {
		out.Set("Content-Digest", string(wire.AppendDigest(nil, sum)))
	}
}

// announcedSum is the digest that a PUT tells of its content, nil for none. Sent
// whole and without a coding, content and representation are the same.
func (rq *request) announcedSum() (*[sha256.Size]byte, error) {
	content, err := wire.ParseDigest(rq.r.Header["Content-Digest"])
	if err != nil {
		return nil, err
	}
	repr, err := wire.ParseDigest(rq.r.Header["Repr-Digest"])
	switch {
	case err != nil || content == nil:
		return repr, err
	case repr != nil && *repr != *content:
		return nil, fmt.Errorf("%w: Content-Digest and Repr-Digest differ", wire.ErrHeader)
	}
	return content, nil
}
