package auth

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	first, created, err := Load(dir)
	if err != nil || !created {
		t.Fatal(created, err)
	}
	path := filepath.Join(dir, FileName)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	text, _ := os.ReadFile(path)
	token := strings.TrimSpace(string(text))
	if !strings.HasPrefix(token, Prefix) || len(token) != len(Prefix)+43 {
		t.Fatal(token)
	}
	second, created, err := Load(dir)
	if err != nil || created {
		t.Fatal(created, err)
	}
	for _, g := range []Guard{first, second} {
		if !g.Allow([]byte("Bearer "+token)) || !g.Allow([]byte("bearer "+token)) {
			t.Error("refused the token")
		}
		for _, h := range []string{"", "Bearer", "Bearer ", token, "Basic " + token, "Bearer " + token[:len(token)-1], "Bearer " + Generate()} {
			if g.Allow([]byte(h)) {
				t.Errorf("allowed %q", h)
			}
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Error(files)
	}
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(dir); err == nil {
		t.Error("took a damaged token")
	}
	if one, two := Generate(), Generate(); one == two {
		t.Error("twice the same")
	}
}
