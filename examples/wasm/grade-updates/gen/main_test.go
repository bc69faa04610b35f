package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestDataIsGenerated: the committed files are what the generator writes.
func TestDataIsGenerated(t *testing.T) {
	for name, got := range generate() {
		want, err := os.ReadFile(filepath.Join("..", "data", name))
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("data/%s is not what gen writes; see the command in gen's comment", name)
		}
	}
}
