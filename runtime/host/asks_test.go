package host

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/frame"
)

// made is a run's id of the moment 0x019400000000, in milliseconds.
const (
	made        = "01940000-0000-7000-8000-000000000000"
	madeAt      = 0x019400000000 * int64(time.Millisecond)
	madeEarlier = "01930000-0000-7000-8000-000000000000"
)

// What a child that is no longer honest asks for takes nobody else's place.
func TestReadAsksRefuses(t *testing.T) {
	child := func(id, canvas string) string { return fmt.Sprintf(`{"children":[{"id":%q,"canvas":%s}]}`, id, canvas) }
	for name, asks := range map[string]string{
		"no JSON":            `{`,
		"unknown member":     `{"spawn":[]}`,
		"two texts":          `{} {}`,
		"a run of old":       child(madeEarlier, `{}`),
		"a run to come":      child("01950000-0000-7000-8000-000000000000", `{}`),
		"a task's id":        child("01940000-0000-7000-8000-000000000001", `{}`),
		"another version":    child("01940000-0000-4000-8000-000000000000", `{}`),
		"no canvas":          child(made, `[]`),
		"one id twice":       `{"children":[{"id":"` + made + `","canvas":{}},{"id":"` + made + `","canvas":{}}]}`,
		"a wait for nothing": `{"defer":{}}`,
		"a wait for a task":  `{"defer":{"wait":["01940000-0000-7000-8000-000000000001"]}}`,
		"a wait for ever":    `{"defer":{"after":9000000000000000000}}`,
		"a wait for before":  `{"defer":{"after":-1,"wait":["` + made + `"]}}`,
		"a long state":       `{"defer":{"after":1,"state":"` + strings.Repeat("x", frame.MaxState) + `"}}`,
		"another's run":      `{"defer":{"wait":["` + made + `"],"replace":true}}`,
		"no UTF-8":           "{\"defer\":{\"after\":1,\"state\":\"\xff\"}}",
		"a replacement late": `{"children":[{"id":"` + made + `","canvas":{}}],"defer":{"wait":["` + made + `"],"after":1,"replace":true}}`,
	} {
		o := outcome(&Attempt{}, &frame.Result{Exit: frame.ExitOK, Output: []byte("1"), Asks: []byte(asks), Started: madeAt})
		if o.OK || o.Error == nil || o.Error.Type != queue.ErrInvalidOutput || o.Children != nil || o.Defer != nil {
			t.Errorf("%s: %+v", name, o)
		}
	}
	o := outcome(&Attempt{}, &frame.Result{Exit: frame.ExitOK, Output: []byte("1"), Asks: []byte(child(made, `{}`)), Started: madeAt})
	if !o.OK || len(o.Children) != 1 || o.Children[0].ID.String() != made {
		t.Errorf("an honest child: %+v, %+v", o, o.Error)
	}
	if o = outcome(&Attempt{Output: OutputJSON}, &frame.Result{Exit: frame.ExitOK, Output: []byte("{"), Asks: []byte(child(made, `{}`)), Started: madeAt}); o.OK || o.Children != nil {
		t.Errorf("a bad output: %+v", o)
	}
}

func FuzzAsks(f *testing.F) {
	f.Add([]byte(`{"children":[{"id":"` + made + `","canvas":{"task":"m.t"}}],"defer":{"state":{},"wait":["` + made + `"],"after":5}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		children, wait, err := readAsks(b, madeAt)
		if err != nil {
			return
		}
		for _, c := range children {
			if c.ID != c.ID.Run() || !bytes.HasPrefix(c.Canvas, []byte("{")) {
				t.Fatalf("%+v", c)
			}
		}
		if wait != nil && (len(wait.Wait) == 0 && wait.After == 0 || wait.After < 0 || len(wait.State) > frame.MaxState || wait.Replace && len(wait.Wait) != 1) {
			t.Fatalf("%+v", wait)
		}
	})
}
