// Package keyring closes what is secret before it leaves the node that it was
// given to: into the log, the store and backups goes what only a server with
// the cluster's key can open.
//
// It is an envelope: each secret has a key of its own, which the cluster's key
// closes. What a secret belongs to is bound to it, so that nobody who can write
// records can put one secret in the place of another.
package keyring

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
)

// Errors of opening and closing.
var (
	// ErrNoKey says that the node was given no key to close secrets with.
	ErrNoKey = errors.New("this server has no key for secrets; make one with `head -c 32 /dev/urandom | base64 > FILE` and start every server with --secrets-key-file FILE")
	// ErrUnknownKey says that a secret was closed with a key that is not here.
	ErrUnknownKey = errors.New("closed with a key that is not in this server's --secrets-key-file")
	// ErrDamaged says that something is no secret, or not the one that belongs
	// there.
	ErrDamaged = errors.New("damaged secret")
)

const (
	keySize = 32
	version = "v1"
)

// key closes keys.
type key struct {
	id   string
	aead cipher.AEAD
}

// Keyring is the cluster's keys: the first one closes, all of them open. The
// zero Keyring has none.
type Keyring struct{ keys []key }

// Load reads a file of keys: 32 bytes in base64 a line, the newest first, so
// that a key is replaced by putting another above it. An empty name gives an
// empty keyring.
func Load(name string) (*Keyring, error) {
	if name == "" {
		return &Keyring{}, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the secrets' key: %w", err)
	}
	k, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("read the secrets' key from %s: %w", name, err)
	}
	return k, nil
}

// Parse reads keys as they stand in a file.
func Parse(text []byte) (*Keyring, error) {
	k := &Keyring{}
	for n, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(string(line))
		if err != nil || len(raw) != keySize {
			return nil, fmt.Errorf("line %d is not %d bytes in base64", n+1, keySize)
		}
		k.keys = append(k.keys, key{idOf(raw), gcm(raw)})
	}
	if len(k.keys) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return k, nil
}

// idOf names a key without telling it.
func idOf(raw []byte) string {
	sum := sha256.Sum256(append([]byte("windrow key id "), raw...))
	return hex.EncodeToString(sum[:6])
}

func gcm(raw []byte) cipher.AEAD {
	block, err := aes.NewCipher(raw)
	if err != nil {
		panic(err) // the length is right
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return aead
}

// Ready reports whether the keyring can close anything.
func (k *Keyring) Ready() bool { return len(k.keys) > 0 }

// belongs is what a secret is bound to.
func belongs(to []string) []byte {
	var b []byte
	for _, s := range to {
		b = append(b, fmt.Sprintf("%d:%s;", len(s), s)...)
	}
	return b
}

// Seal closes a secret that belongs to what the names say: its kind, namespace
// and name.
func (k *Keyring) Seal(secret []byte, to ...string) (string, error) {
	if !k.Ready() {
		return "", ErrNoKey
	}
	own := make([]byte, keySize)
	_, _ = rand.Read(own) // never fails
	aad := belongs(to)
	first := k.keys[0]
	lid := first.aead.Seal(nil, nil, own, append([]byte("key "), aad...)) //nolint:gosec // it draws its nonce itself
	text := gcm(own).Seal(nil, nil, secret, aad)                          //nolint:gosec // the same
	return strings.Join([]string{version, first.id, enc(lid), enc(text)}, "."), nil
}

// Open gives a secret back.
func (k *Keyring) Open(sealed string, to ...string) ([]byte, error) {
	parts := strings.Split(sealed, ".")
	if len(parts) != 4 || parts[0] != version {
		return nil, ErrDamaged
	}
	lid, err1 := base64.RawURLEncoding.DecodeString(parts[2])
	text, err2 := base64.RawURLEncoding.DecodeString(parts[3])
	if err1 != nil || err2 != nil {
		return nil, ErrDamaged
	}
	aad := belongs(to)
	for _, c := range k.keys {
		if c.id != parts[1] {
			continue
		}
		own, err := c.aead.Open(nil, nil, lid, append([]byte("key "), aad...))
		if err != nil || len(own) != keySize {
			return nil, ErrDamaged
		}
		secret, err := gcm(own).Open(nil, nil, text, aad)
		if err != nil {
			return nil, ErrDamaged
		}
		return secret, nil
	}
	return nil, ErrUnknownKey
}

func enc(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
