package store

import "encoding/binary"

// The store's own records lie under a shard that no machine has.
const ownShard = 0xffff

// The kinds of own records.
const (
	ownMeta   = 'm' // applied index, term and time
	ownHead   = 'h' // how far the sweep of what has expired has come
	ownExpiry = 'x' // lists of what expires, by minute and checkpoint
	ownRedo   = 'r' // a checkpoint too large for one transaction
)

func ownKey(kind byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, ownShard), kind)
}

func isOwn(key []byte) bool { return len(key) >= 2 && key[0] == 0xff && key[1] == 0xff }

func mustBeForeign(key []byte) {
	if len(key) == 0 || len(key) > maxKey || isOwn(key) {
		panic("store: a key too long, or without a shard of the machine's")
	}
}
