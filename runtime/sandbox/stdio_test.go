package sandbox

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// The log keeps its end, whatever the pieces.
func TestLogTail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all, streamed []byte
		var l log
		limit := rapid.Int64Range(0, 20000).Draw(t, "limit")
		for range rapid.IntRange(1, 3).Draw(t, "attempts") {
			all, streamed = nil, nil
			l.reset(limit, func(p []byte) { streamed = append(streamed, p...) })
			for i := range rapid.IntRange(0, 30).Draw(t, "writes") {
				p := bytes.Repeat([]byte{byte('a' + i)}, rapid.IntRange(0, 9000).Draw(t, "n"))
				all = append(all, p...)
				if n, err := l.Write(p); n != len(p) || err != nil {
					t.Fatal(n, err)
				}
			}
		}
		if want := all[max(0, len(all)-frame.MaxTail):]; !bytes.Equal(l.last(), want) {
			t.Fatalf("a tail of %d, want %d", len(l.last()), len(want))
		}
		if l.total != int64(len(all)) || !bytes.Equal(streamed, all[:min(limit, int64(len(all)))]) {
			t.Fatalf("%d of %d streamed, total %d", len(streamed), len(all), l.total)
		}
	})
}

func TestOutput(t *testing.T) {
	stopped := func(f func()) (err error) {
		defer func() { err, _ = recover().(error) }()
		f()
		return nil
	}
	var o output
	write := func(s string) {
		if n, err := o.Write([]byte(s)); err != nil || n != len(s) {
			t.Errorf("%d of %d bytes: %v", n, len(s), err)
		}
	}
	o.reset(4, nil)
	if err := stopped(func() { write("ab"); write("cd") }); err != nil || string(o.b) != "abcd" {
		t.Error(err, o.b)
	}
	if err := stopped(func() { write("e") }); !errors.Is(err, errOutput) {
		t.Error(err)
	}
	o.set([]byte("xy"))
	if string(o.b) != "xy" {
		t.Errorf("%q", o.b)
	}
	if err := stopped(func() { o.set([]byte("12345")) }); !errors.Is(err, errOutput) {
		t.Error(err)
	}
	o.reset(4, &log{})
	if write("into the log"); len(o.b) != 0 || o.log.total != 12 {
		t.Errorf("%q %d", o.b, o.log.total)
	}
}

func TestInput(t *testing.T) {
	in := input{b: []byte("abc")}
	if b, err := io.ReadAll(&in); err != nil || string(b) != "abc" {
		t.Error(b, err)
	}
}
