package frame

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"reflect"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// frames writes payloads as frames.
func frames(payloads ...[]byte) []byte {
	var all []byte
	for _, p := range payloads {
		all = append(all, End(append(Begin(nil, KindAnswers), p...))...)
	}
	return all
}

func TestReader(t *testing.T) {
	payloads := [][]byte{{}, {1}, bytes.Repeat([]byte{7}, 65530), bytes.Repeat([]byte{9}, 3<<20), {2, 3}}
	for _, fresh := range []bool{false, true} {
		for name, r := range map[string]io.Reader{
			"whole":   bytes.NewReader(frames(payloads...)),
			"halves":  iotest.HalfReader(bytes.NewReader(frames(payloads...))),
			"dataerr": iotest.DataErrReader(bytes.NewReader(frames(payloads...))),
		} {
			fr := NewReader(r, fresh)
			for i, want := range payloads {
				kind, got, err := fr.Next(MaxFrame)
				if err != nil || kind != KindAnswers || !bytes.Equal(got, want) {
					t.Fatalf("%s, fresh %v, frame %d: kind %d, %d bytes, %v", name, fresh, i, kind, len(got), err)
				}
			}
			if _, _, err := fr.Next(MaxFrame); !errors.Is(err, io.EOF) {
				t.Errorf("%s: at the end: %v", name, err)
			}
		}
	}
}

func TestReaderKeeps(t *testing.T) {
	fr := NewReader(bytes.NewReader(frames([]byte("first"), []byte("other"))), true)
	_, first, _ := fr.Next(MaxFrame)
	_, _, _ = fr.Next(MaxFrame)
	if string(first) != "first" {
		t.Errorf("a fresh frame was overwritten: %q", first)
	}
}

func TestReaderRefuses(t *testing.T) {
	whole := frames(make([]byte, 100))
	for name, c := range map[string]struct {
		b    []byte
		max  int
		want error
	}{
		"empty frame": {make([]byte, 4), MaxFrame, ErrProtocol},
		"too long":    {whole, 50, ErrProtocol},
		"huge":        {binary.LittleEndian.AppendUint32(nil, 1<<31), MaxFrame, ErrProtocol},
		"cut head":    {whole[:3], MaxFrame, io.ErrUnexpectedEOF},
		"cut body":    {whole[:50], MaxFrame, io.ErrUnexpectedEOF},
		"only head":   {whole[:4], MaxFrame, io.ErrUnexpectedEOF},
	} {
		for _, fresh := range []bool{false, true} {
			if _, _, err := NewReader(bytes.NewReader(c.b), fresh).Next(c.max); !errors.Is(err, c.want) {
				t.Errorf("%s, fresh %v: %v, want %v", name, fresh, err, c.want)
			}
		}
	}
}

// A length alone must not make the reader allocate.
func TestReaderAllocates(t *testing.T) {
	lie := append(binary.LittleEndian.AppendUint32(nil, MaxFrame), make([]byte, 10)...)
	n := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			_, _, _ = NewReader(bytes.NewReader(lie), true).Next(MaxFrame)
		}
	}).AllocedBytesPerOp()
	if n > 2*step {
		t.Errorf("%d bytes for a frame of 10", n)
	}
}

func TestBuffered(t *testing.T) {
	two := frames([]byte{1}, []byte{2})
	r := NewReader(bytes.NewReader(two), false)
	if r.Buffered() {
		t.Error("nothing has been read")
	}
	_, _, _ = r.Next(MaxFrame)
	if !r.Buffered() {
		t.Error("the second frame is there")
	}
	_, _, _ = r.Next(MaxFrame)
	if r.Buffered() {
		t.Error("nothing is left")
	}
}

var (
	anyBytes  = rapid.SliceOfN(rapid.Byte(), 0, 200)
	anyNumber = rapid.Int64Range(0, 1<<62)
)

func drawAttempt(t *rapid.T) Attempt {
	a := Attempt{
		Seq: rapid.Uint64().Draw(t, "seq"), Task: string(anyBytes.Draw(t, "task")),
		Number: anyNumber.Draw(t, "number"), Input: anyBytes.Draw(t, "input"),
		Timeout: anyNumber.Draw(t, "timeout"), Soft: anyNumber.Draw(t, "soft"), Memory: anyNumber.Draw(t, "memory"),
		MaxOutput: anyNumber.Draw(t, "output"), MaxLog: anyNumber.Draw(t, "log"),
		Describe: rapid.Bool().Draw(t, "describe"), StreamLog: rapid.Bool().Draw(t, "stream"),
		Progress: rapid.Bool().Draw(t, "progress"), Flush: rapid.Bool().Draw(t, "flush"),
	}
	copy(a.ID[:], anyBytes.Draw(t, "id"))
	return a
}

func TestAttempts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b []byte
		var want []Attempt
		for range rapid.IntRange(0, MaxAttempts).Draw(t, "n") {
			a := drawAttempt(t)
			before := len(b)
			b = a.Append(b)
			if len(b)-before > a.Size() {
				t.Fatalf("%d bytes, Size says %d", len(b)-before, a.Size())
			}
			want = append(want, a)
		}
		got, err := DecodeAttempts(b, nil)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d of %d, %v", len(got), len(want), err)
		}
		for i := range got {
			if !same(got[i], want[i]) {
				t.Fatalf("got %+v, want %+v", got[i], want[i])
			}
		}
	})
}

// same is deep equality in which nil is an empty slice.
func same(a, b any) bool {
	clean := func(v any) any {
		p := reflect.New(reflect.TypeOf(v)).Elem()
		p.Set(reflect.ValueOf(v))
		for i := range p.NumField() {
			if f := p.Field(i); f.Kind() == reflect.Slice && f.Len() == 0 {
				f.SetZero()
			}
		}
		return p.Interface()
	}
	return reflect.DeepEqual(clean(a), clean(b))
}

func TestAnswers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Result{
			Seq: rapid.Uint64().Draw(t, "seq"), Exit: Exit(rapid.IntRange(1, int(exitEnd)-1).Draw(t, "exit")),
			Code: rapid.Int32().Draw(t, "code"), Message: anyBytes.Draw(t, "message"), Trace: anyBytes.Draw(t, "trace"),
			Output: anyBytes.Draw(t, "output"), Asks: anyBytes.Draw(t, "asks"), Tail: anyBytes.Draw(t, "tail"), LogLen: anyNumber.Draw(t, "loglen"),
			CPU: anyNumber.Draw(t, "cpu"), Wall: anyNumber.Draw(t, "wall"), Memory: anyNumber.Draw(t, "memory"),
			Started: anyNumber.Draw(t, "started"),
		}
		k := Chunk{Seq: rapid.Uint64().Draw(t, "chunk seq"), Data: anyBytes.Draw(t, "chunk")}
		b := r.Append(nil)
		if len(b) > r.Size() {
			t.Fatalf("%d bytes, Size says %d", len(b), r.Size())
		}
		got, err := DecodeAnswers(k.AppendProgress(k.AppendLog(b)))
		if err != nil || len(got) != 3 || !same(*got[0].Result, r) || !same(*got[1].Log, k) || !same(*got[2].Progress, k) {
			t.Fatalf("%+v, %v", got, err)
		}
	})
}

func TestLoadAndReady(t *testing.T) {
	for _, l := range []Load{{}, {Reactor: true, Memory: 1 << 40}, {Probe: true, Slack: 7}} {
		if got, err := DecodeLoad(l.Append(nil)); err != nil || got != l {
			t.Errorf("%+v, %v", got, err)
		}
	}
	r := Ready{Layers: []string{"one", "two"}}
	if got, err := DecodeReady(r.Append(nil)); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("%+v, %v", got, err)
	}
	long := string(bytes.Repeat([]byte{'x'}, 2*MaxMessage))
	if got := DecodeFailed(AppendFailed(nil, long)); got != long[:MaxMessage] {
		t.Errorf("%d bytes", len(got))
	}
}

func TestDecodersRefuse(t *testing.T) {
	a := Attempt{Seq: 1}
	many := []byte{}
	for range MaxAttempts + 1 {
		many = a.Append(many)
	}
	r := Result{Exit: ExitOK}
	for name, b := range map[string][]byte{
		"too many":     many,
		"cut":          a.Append(nil)[:10],
		"unknown flag": append([]byte{flagsEnd}, a.Append(nil)[1:]...),
	} {
		if _, err := DecodeAttempts(b, nil); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string][]byte{
		"cut": r.Append(nil)[:8], "unknown answer": {9}, "exit 0": append([]byte{answerResult, 0}, r.Append(nil)[2:]...),
		"long asks": (&Result{Exit: ExitOK, Asks: make([]byte, MaxAsks+1)}).Append(nil),
		"long tail": (&Result{Exit: ExitOK, Tail: make([]byte, MaxTail+1)}).Append(nil),
	} {
		if _, err := DecodeAnswers(b); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := DecodeLoad([]byte{0, 0, 0, 0}); !errors.Is(err, ErrProtocol) {
		t.Errorf("bytes after the end: %v", err)
	}
}

func FuzzAttempts(f *testing.F) {
	a := Attempt{Seq: 3, Task: "main", Input: []byte("{}"), Flush: true}
	f.Add(a.Append(a.Append(nil)))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := DecodeAttempts(b, nil)
		if err != nil {
			return
		}
		var again []byte
		for i := range got {
			again = got[i].Append(again)
		}
		if twice, err := DecodeAttempts(again, nil); err != nil || len(twice) != len(got) {
			t.Fatalf("%d, then %d: %v", len(got), len(twice), err)
		}
	})
}

func FuzzAnswers(f *testing.F) {
	r := Result{Seq: 3, Exit: ExitTrap, Message: []byte("unreachable"), Output: []byte("1")}
	k := Chunk{Seq: 3, Data: []byte("log")}
	f.Add(k.AppendLog(r.Append(nil)))
	f.Add(k.AppendProgress(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := DecodeAnswers(b)
		if err != nil {
			return
		}
		size := 0
		for _, a := range got {
			switch {
			case a.Result != nil:
				size += len(a.Result.Output) + len(a.Result.Message)
			case a.Log != nil:
				size += len(a.Log.Data)
			case a.Progress != nil:
				size += len(a.Progress.Data)
			default:
				t.Fatal("an answer that is nothing")
			}
		}
		if size > len(b) {
			t.Fatalf("%d bytes of %d", size, len(b))
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add(frames([]byte("one"), []byte("two")), true)
	f.Add([]byte{255, 255, 255, 3, 1}, false)
	f.Fuzz(func(t *testing.T, b []byte, fresh bool) {
		r := NewReader(iotest.HalfReader(bytes.NewReader(b)), fresh)
		for total := 0; ; {
			_, p, err := r.Next(MaxFrame)
			if err != nil {
				return
			}
			if total += len(p) + headLen + 1; total > len(b) {
				t.Fatalf("%d bytes of %d", total, len(b))
			}
		}
	})
}

func newTestPage(t *testing.T) *Page {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "page")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(PageSize); err != nil {
		t.Fatal(err)
	}
	p, err := MapPage(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// Of two that run into each other, one takes the attempt and the other knows.
func TestRecall(t *testing.T) {
	for range 2000 {
		p := newPageOf(t)
		var mayRun [4]bool
		var begun uint64
		var both sync.WaitGroup
		both.Go(func() {
			for seq := uint64(1); seq <= 3; seq++ {
				mayRun[seq] = p.Begin(seq, 1)
			}
		})
		both.Go(func() { begun = p.Recall(3) })
		both.Wait()
		for seq := uint64(1); seq <= 3; seq++ {
			if seq > begun && mayRun[seq] {
				t.Fatalf("the parent has %d back (begun %d), and the child runs it", seq, begun)
			}
			if seq < begun && !mayRun[seq] && begun != seq && mayRun[begun] {
				t.Fatalf("%d was skipped, but %d runs", seq, begun)
			}
		}
	}
}

// newPageOf is a page in ordinary memory.
func newPageOf(*testing.T) *Page { return &Page{at: &layout{}} }

func TestPage(t *testing.T) {
	p := newTestPage(t)
	if !p.Begin(1, 17) {
		t.Error("not recalled, and yet refused")
	}
	if seq, at := p.Begun(); seq != 1 || at != 17 {
		t.Error(seq, at)
	}
	p.SetWaiting(true)
	if !p.Waiting() {
		t.Error("not waiting")
	}
	if begun := p.Recall(4); begun != 1 || p.Begin(4, 18) || !p.Begin(5, 19) {
		t.Error("recall", begun)
	}
}

func TestNow(t *testing.T) {
	for last, i := Now(), 0; i < 1000; i++ {
		n := Now()
		if n < last {
			t.Fatal("the clock went back")
		}
		last = n
	}
}
