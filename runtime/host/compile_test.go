package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// manyLocals is a module of 37 bytes whose one function has 2^28 locals: the
// compiler would take 6 GiB for it.
var manyLocals = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x04\x01\x60\x00\x00" + // type () -> ()
	"\x03\x02\x01\x00" + // one function
	"\x0a\x0b\x01\x09\x01\x80\x80\x80\x80\x01\x7f\x01\x0b") // its body

func write(t *testing.T, name string, b []byte) Module {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".wasm")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return Module{Digest: name, Path: path, Kind: KindCommand}
}

func TestCompile(t *testing.T) {
	h := newHost(t)
	m := guest(t, "acts", KindCommand)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := h.Compile(context.Background(), m); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	dir, err := h.compiler.directory(m)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	err = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if !e.IsDir() {
			found++
		}
		if info.Mode().Perm()&0o222 != 0 && !e.IsDir() {
			t.Errorf("%s is %s", path, info.Mode())
		}
		return nil
	})
	if err != nil || found != 1 {
		t.Errorf("%d files, %v", found, err)
	}
	if info, err := os.Stat(h.cfg.CacheDir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%s, %v", info.Mode(), err)
	}
	if rest, _ := filepath.Glob(filepath.Join(h.cfg.CacheDir, tmpPrefix+"*")); len(rest) > 0 {
		t.Errorf("left behind: %v", rest)
	}
}

func TestCompileRefuses(t *testing.T) {
	h := newHost(t)
	for _, c := range []struct {
		m    Module
		want string
	}{
		{write(t, "text", []byte("no module")), "magic"},
		{write(t, "cut", manyLocals[:20]), ""},
		{write(t, "locals", manyLocals), "memory"},
		{guest(t, "foreign", KindCommand), "env.abort"},
		{Module{Digest: "gone", Path: "/nonesuch"}, "no such file"},
		{Module{Digest: "a/b"}, "digest"},
		{Module{Digest: "tmp-1"}, "digest"},
		{Module{}, "digest"},
	} {
		start := time.Now()
		err := h.Compile(context.Background(), c.m)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.m.Digest, err)
		}
		t.Logf("%s, after %s: %v", c.m.Digest, time.Since(start).Round(time.Millisecond), err)
	}
	entries, err := os.ReadDir(h.cfg.CacheDir)
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestCompileTimeout(t *testing.T) {
	h := newHost(t, func(c *Config) { c.CompileTimeout = time.Nanosecond })
	if err := h.Compile(context.Background(), guest(t, "acts", KindCommand)); !errors.Is(err, errCompileTime) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	h = newHost(t)
	if err := h.Compile(ctx, guest(t, "acts", KindCommand)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What a compile child may leave is regular files in directories.
func TestSeal(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := seal(dir); err == nil {
		t.Error("a symbolic link was kept")
	}
}
