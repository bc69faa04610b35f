package wire

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is at most N starts in Per. In JSON it is "N/s", "N/m" or "N/h".
type Rate struct {
	N   uint32
	Per time.Duration
}

var ratePeriods = [...]struct {
	letter string
	per    time.Duration
}{{"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}}

// ParseRate reads "N/s", "N/m" or "N/h".
func ParseRate(text string) (Rate, error) {
	number, letter, _ := strings.Cut(text, "/")
	n, err := strconv.ParseUint(number, 10, 32)
	for _, p := range ratePeriods {
		if letter == p.letter && err == nil && n > 0 && number[0] != '+' {
			return Rate{N: uint32(n), Per: p.per}, nil
		}
	}
	return Rate{}, reason(`%q is no rate; write a whole number of at least 1 and a period, such as "10/s", "100/m" or "5000/h"`, clip(text))
}

// String is the inverse of ParseRate; a period that has no letter is written
// in full.
func (r Rate) String() string {
	for _, p := range ratePeriods {
		if r.Per == p.per {
			return strconv.FormatUint(uint64(r.N), 10) + "/" + p.letter
		}
	}
	return fmt.Sprintf("%d/%s", r.N, Duration(r.Per))
}

// MarshalText makes r a JSON string.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is ParseRate.
func (r *Rate) UnmarshalText(b []byte) error {
	v, err := ParseRate(string(b))
	if err == nil {
		*r = v
	}
	return err
}
