package link

import (
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

var fences = rapid.Custom(func(t *rapid.T) queue.Fence {
	return queue.Fence{Index: rapid.Uint64().Draw(t, "index"), Ord: rapid.Uint32().Draw(t, "ordinal")}
})

var ids = rapid.Custom(func(t *rapid.T) queue.ID {
	return queue.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
})

func texts(t *rapid.T, what string) []string {
	return rapid.SliceOfN(rapid.String(), 0, 4).Draw(t, what)
}

// same compares messages; an empty list is none.
func same[M any](t *rapid.T, got, want M, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("read what was written: %v", err)
	}
	noEmpty(reflect.ValueOf(&got))
	noEmpty(reflect.ValueOf(&want))
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v came back as %+v", want, got)
	}
}

// noEmpty makes empty lists nil, all the way down.
func noEmpty(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			noEmpty(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			noEmpty(v.Field(i))
		}
	case reflect.Slice:
		if v.Len() == 0 && v.CanSet() {
			v.SetZero()
		}
		for i := range v.Len() {
			noEmpty(v.Index(i))
		}
	default:
	}
}

func TestHelloComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &Hello{Worker: rapid.String().Draw(t, "worker"), Incarnation: rapid.Uint64().Draw(t, "incarnation"),
			Queues: texts(t, "queues"), Labels: texts(t, "labels"), Session: fences.Draw(t, "session")}
		for range rapid.IntRange(0, 5).Draw(t, "held") {
			h.Held = append(h.Held, Held{ID: ids.Draw(t, "id"), Fence: fences.Draw(t, "fence"), Begun: rapid.Bool().Draw(t, "begun")})
		}
		got, err := decodeHello(encodeHello(h))
		same(t, got, h, err)
		a := Attached{Session: fences.Draw(t, "attached"), Resumed: rapid.Bool().Draw(t, "resumed")}
		back, err := decodeAttached(encodeAttached(a))
		same(t, back, a, err)
	})
}

func TestPushComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := []*queue.Spec{}
		for range rapid.IntRange(1, 3).Draw(t, "specs") {
			s := queue.DefaultSpec(rapid.String().Draw(t, "namespace"), rapid.String().Draw(t, "module"), "main")
			specs = append(specs, &s)
		}
		p := Push{Seq: rapid.Uint64().Draw(t, "seq")}
		for range rapid.IntRange(0, 6).Draw(t, "assignments") {
			p.Assignments = append(p.Assignments, Assignment{Fence: fences.Draw(t, "fence"), ID: ids.Draw(t, "id"),
				Spec: rapid.SampledFrom(specs).Draw(t, "spec"), Digest: rapid.String().Draw(t, "digest"),
				Attempt: rapid.Uint32().Draw(t, "attempt"), Delivery: rapid.Uint32().Draw(t, "delivery"),
				Payload: rapid.SliceOf(rapid.Byte()).Draw(t, "payload"), Fault: rapid.String().Draw(t, "fault")})
		}
		for range rapid.IntRange(0, 3).Draw(t, "kills") {
			p.Kills = append(p.Kills, Kill{ID: ids.Draw(t, "id"), Fence: fences.Draw(t, "fence"), Terminate: rapid.Bool().Draw(t, "terminate")})
		}
		got, err := decodePush(encodePush(&p))
		same(t, got, p, err)
	})
}

func TestReportComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64().Draw(t, "number")
		r := &Report{Limit: Limit{Seq: rapid.Uint64().Draw(t, "seq"), Running: rapid.Uint32().Draw(t, "running"), Prefetch: rapid.Uint32().Draw(t, "prefetch")}}
		for range rapid.IntRange(0, 4).Draw(t, "backs") {
			r.HandBacks = append(r.HandBacks, command.Held{ID: ids.Draw(t, "id"), Fence: fences.Draw(t, "fence")})
		}
		for range rapid.IntRange(0, 4).Draw(t, "results") {
			x := command.TaskResult{ID: ids.Draw(t, "id"), Fence: fences.Draw(t, "fence"), Blobs: texts(t, "blobs")}
			x.Outcome = queue.Outcome{OK: rapid.Bool().Draw(t, "ok"), Log: rapid.SliceOf(rapid.Byte()).Draw(t, "log"), LogLen: rapid.Int64().Draw(t, "loglen")}
			if x.Outcome.OK {
				x.Outcome.Result = rapid.SliceOf(rapid.Byte()).Draw(t, "result")
			} else {
				x.Outcome.Error = &queue.Error{Type: rapid.String().Draw(t, "type"), Message: rapid.String().Draw(t, "message")}
			}
			r.Results = append(r.Results, x)
		}
		back, got, err := decodeReport(encodeReport(n, r))
		same(t, got, r, err)
		same(t, back, n, err)
	})
}

func TestSmallMessagesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64().Draw(t, "number")
		b := Beat{Seq: rapid.Uint64().Draw(t, "seq")}
		for range rapid.IntRange(0, 4).Draw(t, "begun") {
			b.Begun = append(b.Begun, Begun{ID: ids.Draw(t, "id"), Fence: fences.Draw(t, "fence"), At: rapid.Int64().Draw(t, "at"), Progress: rapid.SampledFrom([][]byte{nil, []byte("7")}).Draw(t, "progress")})
		}
		m, got, err := decodeBeat(encodeBeat(n, &b))
		same(t, got, b, err)
		same(t, m, n, err)
		list := rapid.SliceOfN(fences, 0, 4).Draw(t, "fences")
		m, begun, err := decodeEnd(encodeEnd(n, list))
		same(t, begun, list, err)
		same(t, m, n, err)
		m, a, err := decodeAnswer(encodeAnswer(n, Answer{Refused: list, Later: list}))
		same(t, a, Answer{Refused: list, Later: list}, err)
		same(t, m, n, err)
	})
}

func TestRefusalIsAnError(t *testing.T) {
	_, err := decodeAttached(encodeRefused("no room"))
	if err == nil || errors.Is(err, ErrProtocol) {
		t.Errorf("a refusal reads as %v", err)
	}
}

// FuzzDecode reads any frame as every message: none may panic, and what is
// read is written so that it reads the same.
func FuzzDecode(f *testing.F) {
	spec := queue.DefaultSpec("default", "mod", "main")
	f.Add(encodeHello(&Hello{Worker: "w", Incarnation: 7, Queues: []string{"a"}, Held: []Held{{Begun: true}}}))
	f.Add(encodeAttached(Attached{Session: queue.Fence{Index: 1}, Resumed: true}))
	f.Add(encodeRefused("why"))
	f.Add(encodePush(&Push{Seq: 1, Assignments: []Assignment{{Spec: &spec, Payload: []byte("p")}}, Kills: []Kill{{}}}))
	f.Add(encodeBeat(1, &Beat{Seq: 2, Begun: []Begun{{At: 3}}}))
	f.Add(encodeReport(1, &Report{Limit: Limit{Seq: 1}, HandBacks: []command.Held{{}}, Results: []command.TaskResult{{Outcome: queue.Outcome{OK: true}}}}))
	f.Add(encodeEnd(1, []queue.Fence{{Index: 5}}))
	f.Add(encodeAnswer(1, Answer{Refused: []queue.Fence{{Index: 5}}}))
	f.Fuzz(func(t *testing.T, frame []byte) {
		stable(t, frame, decodeHello, encodeHello)
		stable(t, frame, decodeAttached, encodeAttached)
		stable(t, frame, decodePush, func(p Push) []byte { return encodePush(&p) })
		type numbered[M any] struct {
			n uint64
			m M
		}
		stable(t, frame, func(b []byte) (x numbered[Beat], err error) { x.n, x.m, err = decodeBeat(b); return x, err },
			func(x numbered[Beat]) []byte { return encodeBeat(x.n, &x.m) })
		stable(t, frame, func(b []byte) (x numbered[*Report], err error) { x.n, x.m, err = decodeReport(b); return x, err },
			func(x numbered[*Report]) []byte { return encodeReport(x.n, x.m) })
		stable(t, frame, func(b []byte) (x numbered[[]queue.Fence], err error) { x.n, x.m, err = decodeEnd(b); return x, err },
			func(x numbered[[]queue.Fence]) []byte { return encodeEnd(x.n, x.m) })
		stable(t, frame, func(b []byte) (x numbered[Answer], err error) { x.n, x.m, err = decodeAnswer(b); return x, err },
			func(x numbered[Answer]) []byte { return encodeAnswer(x.n, x.m) })
	})
}

// stable checks that writing and reading once more gives the same bytes.
func stable[M any](t *testing.T, frame []byte, decode func([]byte) (M, error), encode func(M) []byte) {
	t.Helper()
	m, err := decode(frame)
	if err != nil {
		return
	}
	once := encode(m)
	again, err := decode(once)
	if err != nil {
		t.Fatalf("%x was read, its rewriting %x was not: %v", frame, once, err)
	}
	if twice := encode(again); string(once) != string(twice) {
		t.Fatalf("%x became %x", once, twice)
	}
}
