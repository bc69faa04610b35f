package sandbox

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/frame"
)

// asks is what an attempt has asked for beside its result, as it will travel.
type asks struct {
	children []byte // objects with commas between
	wait     []byte // what the task waits for; nil while it does not
}

// asksRoom is what stands around children and wait in frame.Asks.
const asksRoom = 64

// errAsks refuses what one attempt asks for.
var errAsks = fmt.Errorf("an attempt may ask for %d KiB of canvases and state in all; give large values as blobs or ask for less at once", frame.MaxAsks>>10)

// spawn notes a child. Its id is made here, since the guest is told at once.
func (a *asks) spawn(canvas []byte) (id string, err error) {
	if err := isCanvas(canvas); err != nil {
		return "", err
	}
	id = runID(time.Now()).String()
	b := a.children
	if len(b) > 0 {
		b = append(b, ',')
	}
	b = append(append(append(b, `{"id":"`...), id...), `","canvas":`...)
	b = append(append(b, canvas...), '}')
	if len(b)+len(a.wait)+asksRoom > frame.MaxAsks {
		return "", errAsks
	}
	a.children = b
	return id, nil
}

// isCanvas looks only that the bytes can travel: what they mean is read where
// modules are known.
func isCanvas(b []byte) error {
	if !utf8.Valid(b) || !json.Valid(b) || !bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{")) {
		return errors.New(`a canvas is a JSON object, such as {"group": [{"task": "MODULE.TASK"}]}`)
	}
	return nil
}

// pause notes what DEFER asks for.
func (a *asks) pause(arg []byte) error {
	var asked struct {
		State json.RawMessage `json:"state"`
		Wait  []queue.ID      `json:"wait"`
		After json.RawMessage `json:"after"`
	}
	d := json.NewDecoder(bytes.NewReader(arg))
	d.DisallowUnknownFields()
	err := d.Decode(&asked)
	if err == nil && !(json.Valid(arg) && utf8.Valid(arg)) {
		err = errors.New("something stands after it, or it is not UTF-8")
	}
	if err != nil {
		return fmt.Errorf(`DEFER takes {"state": ANY, "wait": [RUN ID, …], "after": DURATION}: %w`, err)
	}
	after, err := pauseOf(asked.After)
	switch {
	case err != nil:
		return err
	case len(asked.Wait) == 0 && after == 0:
		return errors.New("DEFER wants runs to wait for, a time after which to go on, or both")
	case len(asked.Wait) > frame.MaxWait:
		return fmt.Errorf("a task waits for at most %d runs; put them into one group", frame.MaxWait)
	case len(asked.State) > frame.MaxState:
		return fmt.Errorf("a state has at most %d KiB; give a large one to a blob or a store of your own", frame.MaxState>>10)
	}
	w := frame.AskedWait{State: asked.State, After: int64(after)}
	for _, id := range asked.Wait {
		if id != id.Run() || id.IsZero() {
			return fmt.Errorf("%s is a task's id; DEFER waits for runs, whose ids SPAWN answers", id)
		}
		w.Wait = append(w.Wait, id.String())
	}
	return a.keepWait(&w)
}

// replace notes that a child's result is to be the task's.
func (a *asks) replace(canvas []byte) (id string, err error) {
	before := a.children
	if id, err = a.spawn(canvas); err != nil {
		return "", err
	}
	if err = a.keepWait(&frame.AskedWait{Wait: []string{id}, Replace: true}); err != nil {
		a.children = before
	}
	return id, err
}

func (a *asks) keepWait(w *frame.AskedWait) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(w); err != nil {
		return err
	}
	if len(a.children)+b.Len()+asksRoom > frame.MaxAsks {
		return errAsks
	}
	a.wait = bytes.TrimSpace(b.Bytes())
	return nil
}

// pauseOf reads a duration: "90s", or a number of seconds.
func pauseOf(raw json.RawMessage) (time.Duration, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return 0, nil
	}
	var s string
	d, err := time.Duration(0), json.Unmarshal(raw, &s)
	if err == nil {
		d, err = time.ParseDuration(s)
	} else if seconds, bad := strconv.ParseFloat(string(raw), 64); bad == nil && seconds*1e9 <= frame.MaxPause {
		d, err = time.Duration(seconds*1e9), nil
	}
	if err != nil || d < 0 || d > frame.MaxPause {
		return 0, errors.New(`after is a duration such as "90s", or a number of seconds, of a year at the most`)
	}
	return d, nil
}

// runID makes a UUIDv7 whose last four bytes are zero, as those of runs are.
func runID(now time.Time) queue.ID {
	var id queue.ID
	_, _ = rand.Read(id[6:12]) // never fails
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(now.UnixMilli()))
	copy(id[:6], ms[2:])
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id
}

// text is all that was asked for, nil where nothing was.
func (a *asks) text() []byte {
	if a.children == nil && a.wait == nil {
		return nil
	}
	b := make([]byte, 0, len(a.children)+len(a.wait)+asksRoom)
	b = append(b, `{"children":[`...)
	b = append(append(b, a.children...), ']')
	if a.wait != nil {
		b = append(append(b, `,"defer":`...), a.wait...)
	}
	return append(b, '}')
}
