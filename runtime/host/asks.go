package host

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/frame"
)

// maxClockGap is how far the time in a child's ids may be from the attempt's:
// somebody may set the clock while it runs.
const maxClockGap = int64(24 * time.Hour / time.Millisecond)

// readAsks reads what an attempt asks for beside its result. An honest child has
// checked all of it, so a fault is the child's.
func readAsks(b []byte, started int64) ([]queue.Child, *queue.Deferral, error) {
	var asks frame.Asks
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&asks); err != nil {
		return nil, nil, err
	}
	if !json.Valid(b) || !utf8.Valid(b) {
		return nil, nil, fmt.Errorf("they are not one JSON text")
	}
	made := map[queue.ID]bool{}
	var children []queue.Child
	for i, c := range asks.Children {
		id, err := queue.ParseID(c.ID)
		if err != nil || !freshRun(id, started) || made[id] {
			return nil, nil, fmt.Errorf("run %d has the id %q, which is not one just made", i, c.ID)
		}
		if len(c.Canvas) == 0 || c.Canvas[0] != '{' {
			return nil, nil, fmt.Errorf("run %d has no canvas", i)
		}
		made[id] = true
		children = append(children, queue.Child{ID: id, Canvas: c.Canvas})
	}
	if asks.Defer == nil {
		return children, nil, nil
	}
	wait, err := readWait(asks.Defer)
	if err == nil && wait.Replace && (len(wait.Wait) != 1 || !made[wait.Wait[0]] || wait.After != 0) {
		err = fmt.Errorf("a task is replaced by one run of its own")
	}
	return children, wait, err
}

func readWait(w *frame.AskedWait) (*queue.Deferral, error) {
	switch {
	case len(w.Wait) == 0 && w.After <= 0, len(w.Wait) > frame.MaxWait, w.After < 0, w.After > frame.MaxPause, len(w.State) > frame.MaxState:
		return nil, fmt.Errorf("they wait for %d runs or %s with a state of %d bytes", len(w.Wait), time.Duration(w.After), len(w.State))
	}
	d := &queue.Deferral{State: w.State, After: w.After, Replace: w.Replace}
	for _, s := range w.Wait {
		id, err := queue.ParseID(s)
		if err != nil || id.IsZero() || id != id.Run() {
			return nil, fmt.Errorf("they wait for %q, which is no run", s)
		}
		d.Wait = append(d.Wait, id)
	}
	return d, nil
}

// freshRun reports whether an id can be that of a run made during an attempt:
// one of an older run would take that run's place.
func freshRun(id queue.ID, started int64) bool {
	ms := int64(binary.BigEndian.Uint64(id[:8]) >> 16)
	gap := ms - started/int64(time.Millisecond)
	return id == id.Run() && id[6]>>4 == 7 && id[8]>>6 == 2 && -1 <= gap && gap <= maxClockGap
}
