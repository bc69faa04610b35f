package module

import (
	"fmt"
	"unicode/utf8"
)

// cursor reads forward through b[pos:end]. The first fault sticks: it is kept
// in err, the cursor jumps to its end, and every later read gives zero, so
// that a loop over a count needs to look at err only once a turn.
type cursor struct {
	b        []byte // the whole module, so that offsets are the file's
	pos, end int
	section  string
	function int
	err      *Error
}

func (c *cursor) fail(code string, at int, format string, args ...any) {
	if c.err == nil {
		c.err = &Error{Code: code, Message: fmt.Sprintf(format, args...),
			Offset: int64(at), Section: c.section, Function: c.function}
	}
	c.pos = c.end
}

func (c *cursor) invalid(at int, format string, args ...any) {
	c.fail(CodeInvalid, at, format, args...)
}

// cut says that the bytes ran out in the middle of something.
func (c *cursor) cut(at int) {
	c.invalid(at, "the section ends in the middle of an entry: it claims more than it holds; build the module again")
}

func (c *cursor) left() int { return c.end - c.pos }

func (c *cursor) more() bool { return c.pos < c.end }

func (c *cursor) u8() byte {
	if c.pos >= c.end {
		c.cut(c.pos)
		return 0
	}
	v := c.b[c.pos]
	c.pos++
	return v
}

// u32 reads an unsigned LEB128 of at most 32 bits.
func (c *cursor) u32() uint32 {
	if c.pos < c.end && c.b[c.pos] < 0x80 { // nearly all of them
		c.pos++
		return uint32(c.b[c.pos-1])
	}
	return c.longU32()
}

func (c *cursor) longU32() uint32 {
	at := c.pos
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		b := c.u8()
		if c.err != nil {
			return 0
		}
		if shift == 28 && b > 0x0f {
			break
		}
		v |= uint32(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
	c.invalid(at, "a number is longer than 32 bits allow")
	return 0
}

// signed reads a signed LEB128 of at most size bits, 64 at most.
func (c *cursor) signed(size int) int64 {
	at := c.pos
	var v int64
	for shift := 0; shift < size; shift += 7 {
		b := c.u8()
		if c.err != nil {
			return 0
		}
		v |= int64(b&0x7f) << shift
		if b >= 0x80 {
			continue
		}
		if shift+7 < 64 && b&0x40 != 0 {
			v |= -1 << (shift + 7)
		}
		// What lies beyond size has to repeat the sign.
		if spare := shift + 7 - size; spare > 0 {
			top := int8(b<<1) >> (7 - spare) // sign and spare bits, extended
			if top != 0 && top != -1 {
				break
			}
		}
		return v
	}
	c.invalid(at, "a number is longer than %d bits allow", size)
	return 0
}

func (c *cursor) skip(n int) {
	if n > c.left() {
		c.cut(c.pos)
		return
	}
	c.pos += n
}

// count reads the length of a list whose entries take at least size bytes
// each, so that a list longer than its section is refused before anything is
// made for it.
func (c *cursor) count(what string, limit, size int) int {
	at := c.pos
	n := c.u32()
	if uint64(n) > uint64(max(limit, 0)) {
		c.fail(CodeLimit, at, "%s %s; at most %s are allowed", thousands(int(n)), what, thousands(limit))
		return 0
	}
	if uint64(n)*uint64(size) > uint64(c.left()) {
		c.invalid(at, "it claims %s %s, but only %s bytes are left in it", thousands(int(n)), what, thousands(c.left()))
		return 0
	}
	return int(n)
}

// bytes reads a length and as many bytes, without copying them.
func (c *cursor) bytes(what string, limit int) []byte {
	at := c.pos
	n := c.u32()
	if c.err != nil {
		return nil
	}
	if uint64(n) > uint64(c.left()) {
		c.invalid(at, "%s claims %s bytes, but only %s are left in the section", what, thousands(int(n)), thousands(c.left()))
		return nil
	}
	if int(n) > limit {
		c.fail(CodeLimit, at, "%s is %s bytes long; at most %s are allowed", what, thousands(int(n)), thousands(limit))
		return nil
	}
	v := c.b[c.pos : c.pos+int(n)]
	c.pos += int(n)
	return v
}

// name reads a UTF-8 name, without copying it.
func (c *cursor) name(what string, limit int) []byte {
	at := c.pos
	v := c.bytes(what, limit)
	if !utf8.Valid(v) {
		c.invalid(at, "%s is not UTF-8", what)
		return nil
	}
	return v
}

// thousands writes a count as people read it: 1,234,567.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
