package peer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxFrame bounds one frame of a stream, so that a peer gone mad cannot make
// this node allocate. What is larger travels in several frames.
const MaxFrame = 4 << 20

const frameHeader = 4

// ErrFrame says that a peer sent bytes that are no frame.
var ErrFrame = errors.New("damaged frame")

// appendFrame adds one frame: four bytes of length, big endian, and the payload.
func appendFrame(dst, payload []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(payload)))
	return append(dst, payload...)
}

// readFrame reads one frame. io.EOF means that the stream ended between frames.
func readFrame(r *bufio.Reader) ([]byte, error) {
	var head [frameHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > MaxFrame {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrFrame, n, MaxFrame)
	}
	payload, err := readExactly(r, int(n))
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return payload, err
}

// firstRead is how much is allocated before any byte of a frame has arrived;
// larger frames grow as their bytes come, so that a length alone costs little.
const firstRead = 64 << 10

func readExactly(r io.Reader, n int) ([]byte, error) {
	b := make([]byte, min(n, firstRead))
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	if len(b) == n {
		return b, nil
	}
	whole := make([]byte, n)
	copy(whole, b)
	_, err := io.ReadFull(r, whole[len(b):])
	return whole, err
}
