package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestData: the list in data/ is what this program makes.
func TestData(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recipients.csv")
	if err := write(file, 400); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("../data/recipients.csv")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("data/recipients.csv is not what gen makes")
	}
}
