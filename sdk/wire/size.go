package wire

import (
	"math"
	"strconv"
)

// Size is a number of bytes. In JSON it is written as an integer, and read
// from one or from a string such as "64MiB" or "1.5GB".
type Size int64

// MaxSize is the largest size that is understood: 8 EiB less one byte.
const MaxSize = Size(math.MaxInt64)

// UnmarshalJSON reads an integer or a string.
func (z *Size) UnmarshalJSON(b []byte) error {
	s := scanner{b: b}
	v, err := s.size()
	if err == nil {
		*z = v
	}
	return err
}

var sizeUnits = map[string]float64{
	"": 1, "B": 1,
	"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
}

// ParseSize reads a number of bytes with or without a unit.
func ParseSize(text string) (Size, error) {
	if text == "" || len(text) > 64 {
		return 0, noSize(text)
	}
	if text[0] == '-' {
		return 0, reason("%q is negative; a size is at least 0", text)
	}
	n := span(text, digitOrDot)
	number, unit := text[:n], text[n:]
	for unit != "" && unit[0] == ' ' {
		unit = unit[1:]
	}
	factor, ok := sizeUnits[unit]
	if !ok || number == "" {
		return 0, noSize(text)
	}
	if factor == 1 {
		v, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, noSize(text)
		}
		return Size(v), nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0, noSize(text)
	}
	if f*factor >= math.MaxInt64 {
		return 0, reason("%q is larger than any size that is understood", text)
	}
	return Size(math.Round(f * factor)), nil
}

func noSize(text string) error {
	return reason(`%q is no size; write a whole number of bytes, or a number with a unit (KiB, MiB, GiB, kB, MB, GB) such as "64MiB"`, clip(text))
}
