// Package peer carries what nodes say to each other over one listener, the
// Raft address: Raft's own connections, calls (short request and answer) and
// streams (long-lived, framed, both ways) that other packages register by kind.
//
// It knows addresses, not leaders or members: package cluster does. It gives
// no promise that a frame arrived, only that frames arrive whole and in order
// or the stream ends with an error.
package peer
