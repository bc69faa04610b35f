package sandbox

import (
	"bytes"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// TestLastProgressIsSent before the attempt's end, however soon it follows
// another; what lies between may be passed over.
func TestLastProgressIsSent(t *testing.T) {
	var sent bytes.Buffer
	a := newAnswers(&sent)
	for _, s := range []string{"1", "2", "3"} {
		a.report(1, []byte(s))
	}
	a.result(&frame.Result{Seq: 1, Exit: frame.ExitOK}, time.Now(), true)
	var got []string
	for in := frame.NewReader(&sent, true); ; {
		_, body, err := in.Next(frame.MaxFrame)
		if err != nil {
			break
		}
		list, err := frame.DecodeAnswers(body)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list {
			if x.Progress != nil {
				got = append(got, string(x.Progress.Data))
			} else {
				got = append(got, "end")
			}
		}
	}
	if len(got) != 3 || got[0] != "1" || got[1] != "3" || got[2] != "end" {
		t.Errorf("sent %q, want the first, the last and the end", got)
	}
}
