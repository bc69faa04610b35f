package state

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
)

var golden = flag.Bool("golden", false, "write the golden log of this machine version")

const (
	goldenLog = "testdata/golden-1.log"
	goldenSum = "testdata/golden-1.sum"
)

// TestGoldenLog replays the log that a release wrote to the state it had come
// to. A change of Apply that makes it fail must be made to depend on the
// machine's version; only a log of a new version may be written with -golden.
func TestGoldenLog(t *testing.T) {
	if *golden {
		writeGolden(t)
	}
	raw, err := os.ReadFile(goldenLog)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(goldenSum)
	if err != nil {
		t.Fatal(err)
	}
	sink := memory{}
	m := New(0, sink)
	r := command.NewReader(raw)
	for index := uint64(1); r.More(); index++ {
		m.Apply(index, bytes.Clone(r.Bytes()))
	}
	if err := r.Err("golden log"); err != nil {
		t.Fatal(err)
	}
	m.Cut()
	if got := sum(sink); got != strings.TrimSpace(string(want)) {
		t.Errorf("the log replays to %s, it was %s", got, want)
	}
}

// sum is a hash over everything stored.
func sum(s memory) string {
	keys := make([]string, 0, len(s))
	for k := range s {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	h := sha256.New()
	for _, k := range keys {
		w := command.NewWriter(nil)
		w.String(k)
		w.Bytes(s[k])
		h.Write(w.Done())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// writeGolden makes a log of everything that the generator knows.
func writeGolden(t *testing.T) {
	w := command.NewWriter(nil)
	sink := memory{}
	m := New(0, sink)
	log := rapid.Custom(func(rt *rapid.T) int {
		g := &generator{t: rt, parts: map[queue.ID]uint32{}, dead: func() []queue.ID { return deadOf(m) }, deciding: func() []queue.View { return m.Deciding() }, schedules: func() []workflow.ScheduleView { return m.Schedules("") }, hooks: func() []command.Outbox { return outboxes(m) }}
		now := int64(1e18)
		entry := firstEntry()
		for index := uint64(1); index <= 400; index++ {
			w.Bytes(entry)
			g.saw(m.Apply(index, bytes.Clone(entry)))
			now += rapid.Int64Range(0, 1e9).Draw(rt, "time")
			entry = entryOf(now, g.command(), g.command())
		}
		return 0
	})
	log.Example(1)
	m.Cut()
	for name, content := range map[string][]byte{goldenLog: w.Done(), goldenSum: []byte(sum(sink) + "\n")} {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
