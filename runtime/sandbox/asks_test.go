package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/frame"
)

func TestRunID(t *testing.T) {
	now := time.Now()
	a, b := runID(now), runID(now)
	if a == b || a != a.Run() || a.String()[14] != '7' || !strings.Contains("89ab", a.String()[19:20]) {
		t.Errorf("%s, %s", a, b)
	}
	if later := runID(now.Add(time.Millisecond)); later.Compare(a) <= 0 {
		t.Errorf("%s is not after %s", later, a)
	}
}

// All that an attempt asks for together is bounded, and what was refused leaves
// no trace.
func TestAsksBound(t *testing.T) {
	var a asks
	canvas := []byte(`{"task":"m.t","input":"` + strings.Repeat("x", 60<<10) + `"}`)
	for n := range 4 {
		if _, err := a.spawn(canvas); err != nil {
			t.Fatalf("canvas %d: %v", n, err)
		}
	}
	before := string(a.text())
	if _, err := a.spawn(canvas); !errors.Is(err, errAsks) {
		t.Errorf("a fifth: %v", err)
	}
	if err := a.pause([]byte(`{"after":1,"state":"` + strings.Repeat("x", 50<<10) + `"}`)); !errors.Is(err, errAsks) {
		t.Errorf("a large state: %v", err)
	}
	if _, err := a.replace(canvas); !errors.Is(err, errAsks) {
		t.Errorf("a replacement: %v", err)
	}
	if after := string(a.text()); after != before || len(after) > frame.MaxAsks {
		t.Errorf("%d bytes became %d", len(before), len(after))
	}
	if err := a.pause([]byte(`{"after":"1m"}`)); err != nil || !strings.HasSuffix(string(a.text()), `],"defer":{"after":60000000000}}`) {
		t.Errorf("%v", err)
	}
}

func TestPauses(t *testing.T) {
	run := `"01940000-0000-7000-8000-000000000000"`
	for arg, fine := range map[string]bool{
		`{"after": 1.5}`:                   true,
		`{"wait":[` + run + `]}`:           true,
		`{"after":"0s"}`:                   false,
		`{"after":"-1s"}`:                  false,
		`{"after":"soon"}`:                 false,
		`{"after":1e300}`:                  false,
		`{"after":"9000h"}`:                false,
		`{"wait":[]}`:                      false,
		`{"wait":["x"]}`:                   false,
		`{"wait":5}`:                       false,
		`{"after":1} {}`:                   false,
		`[]`:                               false,
		``:                                 false,
		"{\"after\":1,\"state\":\"\xff\"}": false,
		`{"wait":["01940000-0000-7000-8000-000000000001"]}`:                 false,
		`{"wait":[` + strings.Repeat(run+",", frame.MaxWait) + run + `]}`:   false,
		`{"after":1,"state":"` + strings.Repeat("x", frame.MaxState) + `"}`: false,
	} {
		var a asks
		if err := a.pause([]byte(arg)); (err == nil) != fine || (a.wait != nil) != fine {
			t.Errorf("%.80s: %v", arg, err)
		}
	}
}

// Whatever a guest says by SPAWN, DEFER and REPLACE, what travels is JSON.
func FuzzAsked(f *testing.F) {
	f.Add([]byte(`{"task":"m.t"}`), []byte(`{"state":"<","after":"5s"}`))
	f.Add([]byte(`{}`), []byte(fmt.Sprintf(`{"wait":[%q]}`, queue.ID{6: 0x70})))
	f.Fuzz(func(t *testing.T, canvas, pause []byte) {
		var a asks
		_, _ = a.spawn(canvas)
		_ = a.pause(pause)
		if b := a.text(); b != nil && (!jsonText(b) || len(b) > frame.MaxAsks) {
			t.Fatalf("%s", b)
		}
	})
}

func jsonText(b []byte) bool { return utf8.Valid(b) && json.Valid(b) }
