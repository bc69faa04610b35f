// Command badgerhour writes to the store as a busy node does, for as long as
// asked, with results that expire after a minute, and prints for each minute
// what the disk holds, how long checkpoints and reads took, and the memory.
// It shows whether compactions keep up with what is written and deleted.
package main

import (
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/cluster/store"
	"github.com/windrow-dev/windrow/queue"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("badgerhour", flag.ContinueOnError)
	flags.SetOutput(stderr)
	var l load
	flags.StringVar(&l.dir, "dir", "", "folder of the store; default a temporary one, removed at the end")
	flags.DurationVar(&l.duration, "duration", time.Hour, "how long to write")
	flags.IntVar(&l.rate, "rate", 5000, "tasks a second")
	flags.DurationVar(&l.ttl, "ttl", time.Minute, "how long results live")
	flags.IntVar(&l.payload, "payload", 200, "bytes of a task's input")
	flags.DurationVar(&l.every, "every", time.Minute, "how often to print")
	flags.Int64Var(&l.memTable, "memtable", 64<<20, "bytes of Badger's memtable")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if l.dir == "" {
		dir, err := os.MkdirTemp("", "badgerhour-")
		if err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(dir) }()
		l.dir = dir
	}
	if err := l.run(ctx, stdout); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// load is one run.
type load struct {
	dir           string
	duration, ttl time.Duration
	every         time.Duration
	rate, payload int
	memTable      int64

	s     *store.Store
	live  map[uint64]struct{} // tasks begun and not ended
	begun uint64
	ended uint64
	// lasting is how far back tasks are read: those that ended, at the most,
	// half a lifetime ago.
	lasting []ending
	index   uint64
}

// ending is how many tasks had ended at a time.
type ending struct {
	ended uint64
	at    time.Time
}

// tickEvery is the pace of log entries.
const tickEvery = 10 * time.Millisecond

func (l *load) run(ctx context.Context, out io.Writer) (err error) {
	checkpoints := &meter{}
	l.live = map[uint64]struct{}{}
	l.s, err = store.Open(store.Options{
		Dir: l.dir, MemTable: l.memTable, Cut: l.cut, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Observe: func(w store.Written) { checkpoints.add(w.Took) },
	})
	if err != nil {
		return err
	}
	defer func() {
		if e := l.s.Close(); err == nil {
			err = e
		}
	}()
	rep := newReport(out, l.dir, checkpoints)
	ctx, cancel := context.WithTimeout(ctx, l.duration)
	defer cancel()
	ticks := time.NewTicker(tickEvery)
	defer ticks.Stop()
	prints := time.NewTicker(l.every)
	defer prints.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-prints.C:
			if err := rep.print(l.ended); err != nil {
				return err
			}
		case now := <-ticks.C:
			start := time.Now()
			l.tick(now)
			rep.applies.add(time.Since(start))
			if err := l.read(rep, now); err != nil {
				return err
			}
		}
	}
}

// id is a task's, in the order of making as UUIDv7 are.
func id(n uint64) (id queue.ID) {
	binary.BigEndian.PutUint64(id[:], n)
	binary.BigEndian.PutUint64(id[8:], n*0x9e3779b97f4a7c15)
	return id
}

// lag is how many tasks are alive at a time: those of 50 ms, so that half of
// them live through a cut.
func (l *load) lag() uint64 { return uint64(l.rate / 20) }

// tick is one log entry: tasks begin, and those begun 50 ms ago end.
func (l *load) tick(now time.Time) {
	n := uint64(float64(l.rate) * tickEvery.Seconds())
	l.s.Begin()
	for range n {
		l.begun++
		l.live[l.begun] = struct{}{}
		l.s.Put(state.InputKey(0, id(l.begun)), filler(l.payload))
	}
	at := now.Add(l.ttl).UnixNano()
	for l.begun-l.ended > l.lag() {
		l.ended++
		delete(l.live, l.ended)
		task := id(l.ended)
		l.s.Delete(state.LiveKey(0, task))
		l.s.Put(state.FinishedKey(0, task), filler(150))
		l.s.Put(state.ResultKey(0, task), filler(50))
		l.s.Put(state.AttemptKey(0, task, 1), filler(80))
		l.s.Expire(0, at, task, 1)
	}
	l.lasting = append(l.lasting, ending{ended: l.ended, at: now})
	for now.Sub(l.lasting[0].at) > l.ttl/2 {
		l.lasting = l.lasting[1:]
	}
	l.index++
	l.s.Applied(l.index, 1, now.UnixNano())
}

func (l *load) cut() {
	for n := range l.live {
		l.s.Put(state.LiveKey(0, id(n)), filler(120))
	}
}

// read does what clients do: a result now and then, a page of a list rarely.
func (l *load) read(rep *report, now time.Time) error {
	if l.ended == 0 {
		return nil
	}
	back := rand.Uint64N(l.ended - l.lasting[0].ended + 1) // #nosec G404 -- which one does not matter
	if back == l.ended {
		return nil
	}
	start := time.Now()
	if _, err := l.s.Get(state.ResultKey(0, id(l.ended-back))); err != nil {
		return fmt.Errorf("result of task %d of %d: %w", l.ended-back, l.ended, err)
	}
	rep.gets.add(time.Since(start))
	if now.UnixNano()/int64(tickEvery)%100 == 0 {
		start = time.Now()
		left := 50
		err := l.s.Scan(state.FinishedKey(0, queue.ID{})[:3], nil, true, func(_, _ []byte) bool {
			left--
			return left > 0
		})
		if err != nil {
			return err
		}
		rep.pages.add(time.Since(start))
	}
	return nil
}

// filler is bytes that do not compress.
func filler(n int) []byte {
	b := make([]byte, n)
	for i := 0; i+8 <= n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], rand.Uint64()) // #nosec G404 -- not a secret
	}
	return b
}
