package main

import (
	"bytes"
	"os"
	"testing"
)

// TestDataIsGenerated: the committed file is what the generator writes.
func TestDataIsGenerated(t *testing.T) {
	var got bytes.Buffer
	if err := generate(&got, defaultLines); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../data/access.log")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("data/access.log is not what gen writes; see the command in gen's comment")
	}
}
