package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
)

func TestUploadProgress(t *testing.T) {
	large := strings.Repeat("x", 3<<20)
	var shown bytes.Buffer
	r, done := watchUpload(strings.NewReader(large), "big.wasm", &shown, true)
	for range 2 { // a second attempt
		if _, err := r.(io.Seeker).Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if b, err := io.ReadAll(r); err != nil || string(b) != large {
			t.Errorf("read %d bytes, %v", len(b), err)
		}
	}
	done()
	for _, want := range []string{"big.wasm: ", " of 3.0 MiB", "3.0 MiB sent", "\r\x1b[K"} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("it does not show %q: %q", want, shown.String())
		}
	}
	for name, r := range map[string]io.Reader{"small": strings.NewReader("x"), "pipe": io.LimitReader(strings.NewReader(large), 1<<21)} {
		if same, _ := watchUpload(r, name, &shown, true); same != r {
			t.Errorf("%s is watched", name)
		}
	}
	plain := io.Reader(strings.NewReader(large))
	if same, _ := watchUpload(plain, "no terminal", &shown, false); same != plain {
		t.Error("a program sees progress")
	}
}
