package lead

import (
	"time"

	"github.com/windrow-dev/windrow/cluster/lead/link"
	"github.com/windrow-dev/windrow/queue"
)

// Times of a session. A worker beats every 500 ms and stops its sandboxes four
// seconds after it sent the last beat that was answered, a second before
// endAfter can have passed here.
const (
	holdAfter = time.Second     // of silence, or of pushes unanswered
	endAfter  = 5 * time.Second // of silence
	// retryAfter is the pause before a hold or an end is proposed again.
	retryAfter = 100 * time.Millisecond
)

// session is a worker's open session as its leader sees it. The term's mutex
// guards it.
type session struct {
	id          queue.Fence
	worker      string
	incarnation uint64
	conn        *conn // nil while the worker is not attached
	heard       time.Time
	begun       []link.Begun

	held    bool // as far as known, the machine gives it nothing new
	acting  bool // a hold or an end is being proposed
	ending  bool // that is an end: nobody may attach any more
	retryAt time.Time
}

func newSession(v queue.WorkerView, now time.Time) *session {
	return &session{id: v.Session, worker: v.Worker, incarnation: v.Incarnation, held: v.Held, heard: now}
}

// detach ends the session's attachment.
func (s *session) detach(why error) {
	if s.conn != nil {
		s.conn.fail(why)
		s.conn = nil
	}
}

// owes is since when the worker owes a sign: of life, or of having got
// what it was pushed.
func (s *session) owes() time.Time {
	if s.conn != nil {
		if at, some := s.conn.unanswered(); some && at.Before(s.heard) {
			return at
		}
	}
	return s.heard
}

// begunFences is what is known to have begun.
func (s *session) begunFences() []queue.Fence {
	var list []queue.Fence
	for _, b := range s.begun {
		list = append(list, b.Fence)
	}
	return list
}
