package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/queue"
)

// taken is what a follower was given.
type taken struct {
	log      bytes.Buffer
	places   []string
	progress []string
}

func (t *taken) Log(p api.LogPlace, b []byte) error {
	t.places = append(t.places, p.String())
	_, err := t.log.Write(b)
	return err
}

func (t *taken) Progress(_ uint32, b []byte) error {
	t.progress = append(t.progress, string(b))
	return nil
}

// TestLiveLog: what was said before and what comes, each once, and of progress
// the newest; the end of the attempt ends it.
func TestLiveLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, id := newLiveLogs(), queue.ID{1}
		var got taken
		f := &follower{to: &got, sent: map[uint32]int64{1: 2}, worker: map[uint32]string{1: "w"}, at: 1}
		if err := l.follow(t.Context(), id, 1, 0, f); err != nil || got.log.Len() > 0 {
			t.Fatalf("of no attempt: %q, %v", got.log.String(), err)
		}
		l.Log(id, 1, []byte("one "))
		l.Progress(id, 1, []byte("1"))
		l.Progress(id, 1, []byte("2"))
		done := make(chan error)
		go func() { done <- l.follow(t.Context(), id, 1, 2, f) }()
		synctest.Wait()
		l.Log(id, 1, []byte("two"))
		l.Progress(id, 1, []byte("3"))
		synctest.Wait()
		l.Progress(id, 1, []byte("3"))
		if _, progress := l.now(id, 1); string(progress) != "3" {
			t.Errorf("now %q", progress)
		}
		l.Ended(id, 1)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if got.log.String() != "e two" || strings.Join(got.places, " ") != "1-4-w 1-7-w" || strings.Join(got.progress, " ") != "2 3" {
			t.Errorf("%q at %q, progress %q", got.log.String(), got.places, got.progress)
		}
		ctx, cancel := context.WithCancel(t.Context())
		l.Log(id, 2, []byte("again"))
		go func() { done <- l.follow(ctx, id, 2, 0, f) }()
		synctest.Wait()
		cancel()
		if err := <-done; err == nil {
			t.Error("one who leaves is followed on")
		}
	})
}

// TestFollowedAttempts: an attempt that another worker makes anew is told from
// its beginning, one that is behind is not told at all.
func TestFollowedAttempts(t *testing.T) {
	var got taken
	f := &follower{to: &got, q: api.LogQuery{After: api.LogPlace{Attempt: 2, Offset: 3, Worker: "w"}},
		sent: map[uint32]int64{2: 3}, worker: map[uint32]string{2: "w"}}
	list := []queue.Attempt{
		{Number: 1, Worker: "w", LogLen: 3, LogTail: []byte("old"), Progress: []byte("0")},
		{Number: 2, Worker: "w", LogLen: 5, LogTail: []byte("12345"), Progress: []byte("1")},
	}
	for range 2 {
		if err := f.ended(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	if got.log.String() != "45" || strings.Join(got.progress, " ") != "1" {
		t.Errorf("%q, progress %q", got.log.String(), got.progress)
	}
	list[1].Worker = "v"
	if err := f.ended(t.Context(), list); err != nil || got.log.String() != "4512345" {
		t.Errorf("made anew: %q, %v", got.log.String(), err)
	}
}
