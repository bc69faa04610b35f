package msgpack

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// maxDepth bounds what the reader itself remembers. Those who read the JSON
// have bounds of their own, and words for it.
const maxDepth = 512

const (
	// piece is how much of a string is looked at at once; base64 wants thirds.
	piece = 3 << 10
	// enough is when the reader stops making JSON that nobody has asked for yet.
	enough = 1 << 10
)

// Error says where MessagePack is broken, or says what JSON cannot.
type Error struct {
	At  int64 // the byte that was read last, counted from 1
	Why string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("at byte %d %s", e.At, e.Why) }

// Reader yields values as JSON, one a line. It holds a few KiB, however large
// they are. Text that is no UTF-8 passes as it is: readers of JSON refuse it.
type Reader struct {
	in    *bufio.Reader
	at    int64 // bytes taken from in
	out   []byte
	sent  int // of out
	begun bool
	open  []container
	text  rest
	err   error
}

// container is an array or a map with values to come.
type container struct {
	left  uint64 // values; of a map keys count too
	pairs bool
	first bool
}

// rest is what is left of a string, or of bytes, that is on its way.
type rest struct {
	left   uint64
	binary bool
}

// NewReader reads any number of values, up to the end of in.
func NewReader(in io.Reader) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, piece)}
}

// Read implements io.Reader. An error of the reader below comes as it is.
func (r *Reader) Read(p []byte) (int, error) {
	if r.sent == len(r.out) {
		r.out, r.sent = r.out[:0], 0
		for r.err == nil && len(r.out) < enough {
			r.err = r.step()
		}
	}
	n := copy(p, r.out[r.sent:])
	r.sent += n
	if n == 0 && r.sent == len(r.out) {
		return 0, r.err
	}
	return n, nil
}

// step writes the next piece of JSON.
func (r *Reader) step() error {
	if r.text.left > 0 {
		return r.more()
	}
	key := false
	if n := len(r.open); n > 0 {
		c := &r.open[n-1]
		if c.left == 0 {
			r.out = append(r.out, c.end())
			r.open = r.open[:n-1]
			return nil
		}
		key = c.pairs && c.left%2 == 0
		r.out = c.separate(r.out)
		c.left--
	} else {
		if _, err := r.in.Peek(1); err != nil {
			return err // the end, where it may be
		}
		if r.begun {
			r.out = append(r.out, '\n')
		}
		r.begun = true
	}
	code, err := r.number(1)
	if err != nil {
		return err
	}
	if key && (code < 0xa0 || code > 0xbf) && (code < 0xd9 || code > 0xdb) {
		return r.wrong("a map has a key that is no string")
	}
	return r.value(byte(code))
}

func (c *container) end() byte {
	if c.pairs {
		return '}'
	}
	return ']'
}

// separate writes what stands before the next value.
func (c *container) separate(dst []byte) []byte {
	switch {
	case c.first:
		c.first = false
	case c.pairs && c.left%2 == 1:
		return append(dst, ':')
	default:
		return append(dst, ',')
	}
	return dst
}

// enter begins a container.
func (r *Reader) enter(n uint64, pairs bool) error {
	if len(r.open) == maxDepth {
		return r.wrong("it is nested too deeply")
	}
	c := container{left: n, pairs: pairs, first: true}
	if pairs {
		c.left = 2 * n
		r.out = append(r.out, '{')
	} else {
		r.out = append(r.out, '[')
	}
	r.open = append(r.open, c)
	return nil
}

// begin begins a string.
func (r *Reader) begin(n uint64, binary bool) error {
	r.out = append(r.out, '"')
	if n == 0 {
		r.out = append(r.out, '"')
	}
	r.text = rest{left: n, binary: binary}
	return nil
}

// more writes the next piece of a string.
func (r *Reader) more() error {
	b, err := r.take(int(min(r.text.left, piece)))
	if err != nil {
		return err
	}
	if r.text.binary {
		r.out = base64.StdEncoding.AppendEncode(r.out, b)
	} else {
		r.out = appendText(r.out, b)
	}
	if r.text.left -= uint64(len(b)); r.text.left == 0 {
		r.out = append(r.out, '"')
	}
	return nil
}

// appendText escapes as little as JSON asks for.
func appendText(dst, b []byte) []byte {
	const hex = "0123456789abcdef"
	for _, c := range b {
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

// take gives the next n bytes, piece at most, which are good until the next call.
func (r *Reader) take(n int) ([]byte, error) {
	b, err := r.in.Peek(n)
	if err != nil {
		if r.at += int64(len(b)); errors.Is(err, io.EOF) {
			return nil, r.wrong("it ends within a value")
		}
		return nil, err
	}
	r.at += int64(n)
	_, err = r.in.Discard(n)
	return b, err
}

// number reads n bytes, 8 at most, the highest first.
func (r *Reader) number(n int) (uint64, error) {
	b, err := r.take(n)
	v := uint64(0)
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v, err
}

func (r *Reader) wrong(why string) error { return &Error{At: r.at, Why: why} }
