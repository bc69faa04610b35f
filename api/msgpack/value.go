package msgpack

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// value writes the value that begins with code, or the beginning of it.
func (r *Reader) value(code byte) error {
	switch {
	case code <= 0x7f:
		r.out = strconv.AppendUint(r.out, uint64(code), 10)
	case code <= 0x8f:
		return r.enter(uint64(code&15), true)
	case code <= 0x9f:
		return r.enter(uint64(code&15), false)
	case code <= 0xbf:
		return r.begin(uint64(code&31), false)
	case code >= 0xe0:
		r.out = strconv.AppendInt(r.out, int64(int8(code)), 10)
	case code == 0xc0:
		r.out = append(r.out, "null"...)
	case code == 0xc1:
		return r.wrong("is 0xc1, which begins no value")
	case code == 0xc2:
		r.out = append(r.out, "false"...)
	case code == 0xc3:
		r.out = append(r.out, "true"...)
	case code >= 0xd4 && code <= 0xd8:
		return r.extension(1 << (code - 0xd4))
	default:
		return r.sized(code)
	}
	return nil
}

// sized writes a value whose code is followed by a number: itself, or its size.
func (r *Reader) sized(code byte) error {
	v, err := r.number(widths[code-0xc4])
	if err != nil {
		return err
	}
	switch {
	case code <= 0xc6:
		return r.begin(v, true)
	case code <= 0xc9:
		return r.extension(v)
	case code == 0xca:
		return r.float(float64(math.Float32frombits(uint32(v))), 32)
	case code == 0xcb:
		return r.float(math.Float64frombits(v), 64)
	case code <= 0xcf:
		r.out = strconv.AppendUint(r.out, v, 10)
	case code <= 0xd3:
		unused := 64 - 8*widths[code-0xc4]
		r.out = strconv.AppendInt(r.out, int64(v<<unused)>>unused, 10)
	case code <= 0xdb:
		return r.begin(v, false)
	default:
		return r.enter(v, code >= 0xde)
	}
	return nil
}

// widths are those of the numbers after the codes from 0xc4 on.
var widths = [...]int{
	1, 2, 4, 1, 2, 4, // bin, ext
	4, 8, 1, 2, 4, 8, 1, 2, 4, 8, // float, uint, int
	0, 0, 0, 0, 0, // fixext
	1, 2, 4, 2, 4, 2, 4, // str, array, map
}

func (r *Reader) float(f float64, bits int) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return r.wrong(fmt.Sprintf("a number is %v, which JSON has no form for", f))
	}
	r.out = strconv.AppendFloat(r.out, f, 'g', -1, bits)
	return nil
}

// timestamp is the only extension that MessagePack itself defines.
const timestamp = 0xff

func (r *Reader) extension(size uint64) error {
	kind, err := r.number(1)
	if err != nil {
		return err
	}
	if kind != timestamp {
		return r.wrong(fmt.Sprintf("is an extension of type %d; send it as bytes or as a string", int8(kind)))
	}
	var sec int64
	var nano uint64
	switch size {
	case 4:
		v, e := r.number(4)
		sec, err = int64(v), e
	case 8:
		v, e := r.number(8)
		sec, nano, err = int64(v&(1<<34-1)), v>>34, e
	case 12:
		if nano, err = r.number(4); err == nil {
			v, e := r.number(8)
			sec, err = int64(v), e
		}
	default:
		return r.wrong(fmt.Sprintf("a timestamp has %d bytes, not 4, 8 or 12", size))
	}
	if err != nil {
		return err
	}
	if nano > 999_999_999 || sec < firstSecond || sec > lastSecond {
		return r.wrong("a timestamp is not within the years 0 to 9999")
	}
	r.out = time.Unix(sec, int64(nano)).UTC().AppendFormat(append(r.out, '"'), time.RFC3339Nano)
	r.out = append(r.out, '"')
	return nil
}

// The seconds of the years that RFC 3339 can write.
const (
	firstSecond = -62_167_219_200
	lastSecond  = 253_402_300_799
)
