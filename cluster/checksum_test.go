package cluster

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
)

func TestChecksum(t *testing.T) {
	l := raft.Log{Index: 7, Term: 3, Type: raft.LogCommand, Data: []byte("abc")}
	if err := verify(&l); err != nil {
		t.Errorf("an entry of before: %v", err)
	}
	if err := sign(&l); err != nil {
		t.Fatal(err)
	}
	for name, hurt := range map[string]func(*raft.Log){
		"index": func(l *raft.Log) { l.Index++ }, "term": func(l *raft.Log) { l.Term++ }, "type": func(l *raft.Log) { l.Type++ },
		"data": func(l *raft.Log) { l.Data = []byte("abd") }, "sum": func(l *raft.Log) { l.Extensions = []byte{1, 2, 3, 4} },
		"length": func(l *raft.Log) { l.Extensions = l.Extensions[:3] },
	} {
		other := l
		hurt(&other)
		if err := verify(&other); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s changed: %v", name, err)
		}
		if err := sign(&other); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s changed on its way: %v", name, err)
		}
	}
	if err := sign(&l); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

// TestDamagedEntry: a byte of an entry that has yet to be applied again is
// another than what was written.
func TestDamagedEntry(t *testing.T) {
	s := mustStart(t, t.TempDir(), Config{})
	s.waitLead()
	s.fill("a", 5, 10)
	s.mustPropose("the one that is hit")
	s.fill("b", 5, 10)
	s.crash()
	hurt := 0
	files, err := filepath.Glob(filepath.Join(s.dir, "raft", "*.wal"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(b, []byte("is hit")); at >= 0 {
			hurt++
			b[at] = 'I'
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if hurt != 1 {
		t.Fatalf("%d of %q hold the entry", hurt, files)
	}
	if err := s.start(); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "joins anew") {
		t.Fatalf("started with a damaged log: %v", err)
	}
	s.Node = nil
}
