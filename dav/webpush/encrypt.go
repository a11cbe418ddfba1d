package webpush

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
)

// Sizes of what is encrypted, in bytes.
const (
	// recordSize is more than the one record that a message is. RFC 8291, section 4
	recordSize = 4096
	headSize   = saltSize + 4 + 1 + pointSize
	saltSize   = 16
	pointSize  = 65 // of P-256, uncompressed
	tagSize    = 16
	// AuthSize is that of the receiver's secret. RFC 8291, section 3.2
	AuthSize = 16
	// BodyMax is that of the longest message which every service takes.
	// RFC 8030, section 7.2
	BodyMax = 4096 - headSize - tagSize - 1
)

// CheckKeys refuses what nothing can be encrypted for.
func CheckKeys(publicKey, auth []byte) error {
	if _, err := ecdh.P256().NewPublicKey(publicKey); err != nil {
		return errors.New("the public key is no uncompressed point of P-256")
	}
	if len(auth) != AuthSize {
		return errors.New("the auth secret does not have 16 bytes")
	}
	return nil
}

// encrypt makes the content of a message, with a key and a salt that serve this once.
func encrypt(to Subscription, plain []byte) ([]byte, error) {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	salt := make([]byte, saltSize)
	rand.Read(salt)
	return seal(to, key, salt, plain)
}

// seal is encrypt by a given key and salt. RFC 8291, section 3.4; RFC 8188, section 2
func seal(to Subscription, key *ecdh.PrivateKey, salt, plain []byte) ([]byte, error) {
	if err := CheckKeys(to.PublicKey, to.Auth); err != nil {
		return nil, err
	}
	if len(plain) > BodyMax {
		return nil, errTooLong
	}
	receiver, err := ecdh.P256().NewPublicKey(to.PublicKey)
	if err != nil {
		return nil, err
	}
	shared, err := key.ECDH(receiver)
	if err != nil {
		return nil, err
	}
	own := key.PublicKey().Bytes()
	ikm, err := hkdf.Key(sha256.New, shared, to.Auth, "WebPush: info\x00"+string(to.PublicKey)+string(own), sha256.Size)
	if err != nil {
		return nil, err
	}
	aead, nonce, err := contentKey(ikm, salt)
	if err != nil {
		return nil, err
	}
	head := binary.BigEndian.AppendUint32(slices.Clone(salt), recordSize)
	head = append(append(head, pointSize), own...)
	return aead.Seal(head, nonce, append(slices.Clip(plain), lastRecord), nil), nil
}

// lastRecord ends the content of the last record, and begins what fills it up.
const lastRecord = 2

// contentKey is what a record is encrypted with. RFC 8188, sections 2.2 and 2.3
func contentKey(ikm, salt []byte) (cipher.AEAD, []byte, error) {
	key, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, nil, err
	}
	nonce, err := hkdf.Key(sha256.New, ikm, salt, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	return aead, nonce, err
}
