package link

import "time"

// Kind names the streams between nodes that carry this protocol.
const Kind = "worker"

// Stream carries frames both ways, whole and in order, or fails for good.
// Frames have at most 4 MiB. Send may be called by several goroutines, Recv by
// one; Close makes both fail.
type Stream interface {
	Send(frame []byte) error
	Recv() ([]byte, error)
	SetReadDeadline(t time.Time) error
	Close() error
}

// helloWithin is how long either side waits for the other's first word. The
// leader's takes a commit.
const helloWithin = 5 * time.Second
