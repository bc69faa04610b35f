package store

import (
	"errors"
	"log/slog"
	"time"
)

// Options say where and how a Store works. Only Dir must be given.
type Options struct {
	// Dir belongs to the store alone; it is made if need be.
	Dir string
	// Window is how long an applied entry waits at most before its checkpoint
	// begins; default 100 ms.
	Window time.Duration
	// MaxBytes is the size at which a checkpoint begins before its window has
	// passed, keys and values counted; default 3 MB. Applied blocks while the
	// generation in flight and the open one exceed twice as much.
	MaxBytes int
	// Cut writes the machine's dirty live records to the sink. It is called
	// inside the exclusion of Begin and Applied, but not always by the
	// goroutine that applies: a timer or Checkpoint may do it.
	Cut func()
	// Dirty estimates the bytes that Cut would write now, so that they count
	// towards MaxBytes. It is called after each entry; nil counts nothing.
	Dirty func() int
	// Failed is told, once, of a fault after which no checkpoint will be
	// written any more: the node must stop. It must not block.
	Failed func(error)
	// Observe is told of each checkpoint written; it must not block.
	Observe func(Written)
	// Floor is the lowest applied index that the log can carry on from, that
	// is, its first index − 1. Open refuses a store that lags behind it. Where
	// the log is opened after the store, as by cmd/node, it stays 0, and
	// package cluster refuses such a store by its snapshot's index.
	Floor  uint64
	Logger *slog.Logger

	// MemTable is Badger's memtable in bytes; default 64 MiB, at least 8 MiB.
	// A checkpoint's transaction is at most 15 % of it.
	MemTable int64
	// VerifyLimit is the size up to which Open reads the whole database once
	// to check every checksum; default 2 GiB, negative never.
	VerifyLimit int64

	// Reserve is the size of a file that is given up when the disk is full;
	// default 64 MiB, negative none.
	Reserve int64
	// MinFree is the free space below which Badger is not let to begin a new
	// memtable, as its flushes and compactions need room; default 4 × MemTable.
	MinFree int64
	// LowBytes and LowPercent say when FreeSpace calls the disk low: below
	// the larger of both; defaults 1 GiB and 5.
	LowBytes   int64
	LowPercent int

	// Seams for tests: nosync shows that the power-loss test can fail, seam
	// is told of steps at which to crash.
	nosync bool
	now    func() time.Time
	seam   func(step string)
}

// Written tells of one checkpoint: how long it took from its cut until it was
// synced, waiting for space included, and what it held.
type Written struct {
	Took    time.Duration
	Keys    int
	Bytes   int64
	Swept   int // expired tasks deleted
	Version uint64
}

// maxValue is the largest value of one key. From 1 MiB on Badger would move it
// to its value log, which is never collected here, and it must fit, with its
// key, into one part of a large checkpoint.
const maxValue = 896 << 10

// maxKey is the longest key that Badger takes.
const maxKey = 65000

func (o *Options) fill() error {
	setInt(&o.MaxBytes, 3_000_000)
	setInt(&o.LowPercent, 5)
	setInt64(&o.MemTable, 64<<20)
	setInt64(&o.VerifyLimit, 2<<30)
	setInt64(&o.Reserve, 64<<20)
	setInt64(&o.MinFree, 4*o.MemTable)
	setInt64(&o.LowBytes, 1<<30)
	if o.Window == 0 {
		o.Window = 100 * time.Millisecond
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.Observe == nil {
		o.Observe = func(Written) {}
	}
	if o.seam == nil {
		o.seam = func(string) {}
	}
	var errs []error
	if o.Dir == "" {
		errs = append(errs, errors.New("no directory"))
	}
	if o.Window < 0 || o.MaxBytes < 0 || o.MinFree < 0 {
		errs = append(errs, errors.New("a negative size or time"))
	}
	if o.MemTable < 8<<20 || o.MemTable > 1<<30-1 {
		errs = append(errs, errors.New("a memtable is 8 MiB to 1 GiB"))
	}
	return errors.Join(errs...)
}

func setInt(v *int, def int) {
	if *v == 0 {
		*v = def
	}
}

func setInt64(v *int64, def int64) {
	if *v == 0 {
		*v = def
	}
}
