package lead

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/queue"
)

// TestStandstill: after this process stood still, silence is counted anew.
func TestStandstill(t *testing.T) {
	tm := newTerm(context.Background(), &Config{Logger: slog.New(slog.DiscardHandler)}, 1)
	began := time.Now()
	s := newSession(queue.WorkerView{Worker: "w"}, began)
	s.conn = newConn(tm, link.Attached{})
	s.conn.sent(1)
	tm.sessions[s.id] = s
	late := began.Add(7 * time.Second)
	tm.excuse(late.Add(-100*time.Millisecond), late)
	if !s.heard.Equal(began) {
		t.Error("a wake-up that is a little late excused a silent worker")
	}
	tm.excuse(began.Add(time.Second), late)
	if next, some := tm.judge(late); !some || !next.Equal(late.Add(holdAfter)) || s.acting {
		t.Errorf("after the standstill the next look is at %s", next.Sub(began))
	}
}
