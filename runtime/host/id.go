package host

import (
	"crypto/rand"

	"github.com/windrow-dev/windrow/queue"
)

// newID names an attempt that is the host's own.
func newID() (id queue.ID, err error) {
	_, err = rand.Read(id[:])
	return id, err
}
