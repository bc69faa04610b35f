package queue

import (
	"encoding/hex"
	"errors"
)

// ID names a task or a run: a UUIDv7, so that ids sort by the time they were
// made. The state machine never makes one; it takes them from commands.
type ID [16]byte

// ErrID says that a text is no identifier.
var ErrID = errors.New("an id is a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")

// ParseID reads the canonical 36-character form, in either case.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return id, ErrID
	}
	digits := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return ID{}, ErrID
	}
	return id, nil
}

// String gives the canonical form, in lower case.
func (id ID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	b[8] = '-'
	hex.Encode(b[9:13], id[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], id[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], id[8:10])
	b[23] = '-'
	hex.Encode(b[24:], id[10:])
	return string(b[:])
}

// IsZero reports whether no id was given.
func (id ID) IsZero() bool { return id == ID{} }

// MarshalText makes an ID a JSON string.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is ParseID.
func (id *ID) UnmarshalText(b []byte) error {
	v, err := ParseID(string(b))
	if err == nil {
		*id = v
	}
	return err
}

// Compare orders ids by their bytes, which is the order of their making.
func (id ID) Compare(other ID) int {
	for i := range id {
		if id[i] != other[i] {
			if id[i] < other[i] {
				return -1
			}
			return 1
		}
	}
	return 0
}

// Plus is the id that follows n places after id in a batch. A batch's first id
// leaves room for it: see the API, which makes them.
func (id ID) Plus(n uint32) ID {
	low := uint32(id[12])<<24 | uint32(id[13])<<16 | uint32(id[14])<<8 | uint32(id[15])
	low += n
	id[12], id[13], id[14], id[15] = byte(low>>24), byte(low>>16), byte(low>>8), byte(low)
	return id
}

// Run is the id of the run that a task of one belongs to: the last four bytes
// of it are zero, and its tasks count up from it.
func (id ID) Run() ID {
	id[12], id[13], id[14], id[15] = 0, 0, 0, 0
	return id
}

// Ordinal is how far a run's task stands behind its run.
func (id ID) Ordinal() uint32 {
	return uint32(id[12])<<24 | uint32(id[13])<<16 | uint32(id[14])<<8 | uint32(id[15])
}
