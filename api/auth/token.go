package auth

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Prefix begins every token, so that scanners for leaked secrets know one.
const Prefix = "wrt_"

// FileName is where in the data folder the administrator's token is.
const FileName = "admin.token"

// Token is a bearer token of which only the SHA-256 is kept.
type Token struct{ sum [sha256.Size]byte }

// NewToken keeps a token's sum.
func NewToken(text string) (*Token, error) {
	if !strings.HasPrefix(text, Prefix) || len(text) < len(Prefix)+43 {
		return nil, fmt.Errorf("a token is %s and 43 characters that %s has", Prefix, FileName)
	}
	return &Token{sum: sha256.Sum256([]byte(text))}, nil
}

// Sum is a token of which this is the SHA-256.
func Sum(sum [sha256.Size]byte) *Token { return &Token{sum: sum} }

// Sum is the token's SHA-256, which may be kept where the token may not.
func (t *Token) Sum() [sha256.Size]byte { return t.sum }

// Generate makes a token of 256 random bits.
func Generate() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return Prefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// Load reads the token in a data folder; created tells that there was none and
// that it has been made, readable for the node's own user alone.
func Load(dir string) (t *Token, created bool, err error) {
	path := filepath.Join(dir, FileName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		made := Generate()
		if err := write(path, made); err != nil {
			return nil, false, err
		}
		t, err = NewToken(made)
		return t, true, err
	}
	if err != nil {
		return nil, false, fmt.Errorf("read token: %w", err)
	}
	t, err = NewToken(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w; remove the file to have a new one made", path, err)
	}
	return t, false, nil
}

// write makes the file whole or not at all, and never over another one.
func write(path, token string) error {
	f, err := os.CreateTemp(filepath.Dir(path), FileName+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("write token: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // its link stays
	_, err = f.WriteString(token + "\n")
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write token: %w", err)
	}
	return nil
}

// Allow implements Guard for "Bearer TOKEN", in constant time.
func (t *Token) Allow(authorization []byte) bool {
	const scheme = "bearer "
	if len(authorization) < len(scheme) || !bytes.EqualFold(authorization[:len(scheme)], []byte(scheme)) {
		return false
	}
	sum := sha256.Sum256(bytes.TrimSpace(authorization[len(scheme):]))
	return subtle.ConstantTimeCompare(sum[:], t.sum[:]) == 1
}
