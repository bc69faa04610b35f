package keyring

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

func line(b byte) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{b}, keySize)) + "\n"
}

func ring(t *testing.T, text string) *Keyring {
	t.Helper()
	k, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSealAndOpen(t *testing.T) {
	k := ring(t, line(1))
	rapid.Check(t, func(t *rapid.T) {
		secret := rapid.SliceOf(rapid.Byte()).Draw(t, "secret")
		names := rapid.SliceOfN(rapid.String(), 3, 3).Draw(t, "names")
		sealed, err := k.Seal(secret, names...)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := k.Open(sealed, names...); err != nil || !bytes.Equal(got, secret) {
			t.Fatalf("%q came back as %q, %v", secret, got, err)
		}
		other := append([]string(nil), names...)
		other[rapid.IntRange(0, 2).Draw(t, "which")] += "x"
		if got, err := k.Open(sealed, other...); !errors.Is(err, ErrDamaged) {
			t.Fatalf("it opens in another place: %q, %v", got, err)
		}
		changed := []byte(sealed)
		at := rapid.IntRange(len(version)+14, len(changed)-2).Draw(t, "at") // the last character may hold spare bits
		if changed[at] == '.' {
			return
		}
		if changed[at]++; string(changed) != sealed {
			if got, err := k.Open(string(changed), names...); err == nil {
				t.Fatalf("it opens though changed at %d: %q", at, got)
			}
		}
	})
}

func TestNamesAreNotRunTogether(t *testing.T) {
	k := ring(t, line(1))
	sealed, err := k.Seal([]byte("x"), "webhook", "ab", "c")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Open(sealed, "webhook", "a", "bc"); !errors.Is(err, ErrDamaged) {
		t.Errorf("ab/c opens as a/bc: %v", err)
	}
}

func TestRotation(t *testing.T) {
	before, both, after := ring(t, line(1)), ring(t, line(2)+line(1)), ring(t, "# new\n\n"+line(2))
	old, err := before.Seal([]byte("old"), "n")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := both.Open(old, "n"); err != nil || string(got) != "old" {
		t.Errorf("with both keys: %q, %v", got, err)
	}
	if _, err := after.Open(old, "n"); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("without the old key: %v", err)
	}
	young, err := both.Seal([]byte("young"), "n")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := after.Open(young, "n"); err != nil || string(got) != "young" {
		t.Errorf("with the first key: %q, %v", got, err)
	}
}

func TestFiles(t *testing.T) {
	k, err := Load("")
	if err != nil || k.Ready() {
		t.Fatalf("no file gives %v, %v", k, err)
	}
	if _, err := k.Seal(nil); !errors.Is(err, ErrNoKey) {
		t.Errorf("without a key: %v", err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"empty": "", "short": "AAAA\n", "text": "hello\n", "second": line(1) + "x\n"} {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if k, err := Load(p); err == nil {
			t.Errorf("%s: %v", name, k)
		}
	}
}

func FuzzOpen(f *testing.F) {
	k, err := Parse([]byte(line(1)))
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := k.Seal([]byte("secret"), "a", "b")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add("v1.." + sealed)
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := k.Open(s, "a", "b"); err == nil && string(got) != "secret" {
			t.Errorf("%q opens to %q", s, got)
		}
	})
}
