package cluster

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/peer"
)

// What nodes ask each other.
const (
	callPropose  = "cluster.propose"
	callRead     = "cluster.read"
	callClock    = "cluster.clock"
	callWhoami   = "cluster.whoami"
	callGather   = "cluster.gather"
	callJoin     = "cluster.join"
	callRemove   = "cluster.remove"
	callTransfer = "cluster.transfer"

	streamCommits = "cluster.commits"
)

// Codes of errors between nodes.
const (
	codeNotLeader = "not_leader"
	codeUnknown   = "unknown_outcome"
	codeRefused   = "refused"
)

// serve registers what this node answers.
func (n *Node) serve() {
	handle := func(method string, f func(context.Context, []byte) ([]byte, error)) {
		n.cfg.Net.HandleCall(method, func(ctx context.Context, b []byte) ([]byte, error) {
			if n.ctx.Err() != nil {
				return nil, &peer.Error{Code: codeNotLeader, Message: ErrClosed.Error()}
			}
			out, err := f(ctx, b)
			return out, toPeer(err)
		})
	}
	handle(callPropose, n.servePropose)
	handle(callRead, n.serveRead)
	handle(callClock, n.serveClock)
	handle(callWhoami, n.serveWhoami)
	handle(callGather, n.serveGather)
	handle(callJoin, answering(n.admit))
	handle(callRemove, answering(n.expel))
	handle(callTransfer, answering(n.transfer))
	n.cfg.Net.Handle(streamCommits, n.serveCommits)
}

// answering makes a handler of JSON from a function.
func answering[Q, A any](f func(context.Context, Q) (A, error)) func(context.Context, []byte) ([]byte, error) {
	return func(ctx context.Context, b []byte) ([]byte, error) {
		var q Q
		if err := json.Unmarshal(b, &q); err != nil {
			return nil, &peer.Error{Code: codeRefused, Message: err.Error()}
		}
		a, err := f(ctx, q)
		if err != nil {
			return nil, err
		}
		return json.Marshal(a)
	}
}

// ask calls another node in JSON.
func ask[A any](ctx context.Context, n *Node, addr, method string, q any) (A, error) {
	var a A
	b, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	out, err := n.cfg.Net.Call(ctx, addr, method, b)
	if err != nil {
		return a, fromPeer(err)
	}
	return a, json.Unmarshal(out, &a)
}

func toPeer(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrUnknownOutcome):
		return &peer.Error{Code: codeUnknown, Message: err.Error()}
	case errors.Is(err, ErrNotLeader), errors.Is(err, ErrClosed):
		return &peer.Error{Code: codeNotLeader, Message: err.Error()}
	}
	return err
}

// fromPeer tells what an error of a call means for the request that it carried.
func fromPeer(err error) error {
	var answer *peer.Error
	switch {
	// A node that is just starting may still be taken for the leader it was.
	case errors.As(err, &answer) && (answer.Code == codeNotLeader || answer.Code == peer.CodeUnknownMethod),
		errors.Is(err, peer.ErrUnreachable):
		return fmt.Errorf("%w: %w", ErrNotLeader, err)
	case errors.As(err, &answer) && answer.Code == codeUnknown,
		errors.Is(err, peer.ErrLost), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	return err
}

// errWire says that another node's bytes make no sense.
var errWire = errors.New("damaged message of another node")

// appendList writes byte strings with their number.
func appendList(dst []byte, list [][]byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, b := range list {
		dst = binary.AppendUvarint(dst, uint64(len(b)))
		dst = append(dst, b...)
	}
	return dst
}

func readList(b []byte) ([][]byte, error) {
	count, size := binary.Uvarint(b)
	if size <= 0 || count > uint64(len(b)) { // each takes a byte at least
		return nil, errWire
	}
	b = b[size:]
	list := make([][]byte, 0, count)
	for range count {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return nil, errWire
		}
		list = append(list, b[size:size+int(n):size+int(n)])
		b = b[size+int(n):]
	}
	if len(b) > 0 {
		return nil, errWire
	}
	return list, nil
}

// outcome is the answer to a forwarded proposal: the entry's index and one
// result a command.
func appendOutcome(dst []byte, index uint64, results []command.Result) []byte {
	dst = binary.AppendUvarint(dst, index)
	list := make([][]byte, len(results))
	for i := range results {
		list[i] = results[i].Append(nil)
	}
	return appendList(dst, list)
}

func readOutcome(b []byte) (uint64, []command.Result, error) {
	index, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, nil, errWire
	}
	list, err := readList(b[size:])
	if err != nil {
		return 0, nil, err
	}
	results := make([]command.Result, len(list))
	for i := range list {
		if results[i], err = command.DecodeResult(list[i]); err != nil {
			return 0, nil, err
		}
	}
	return index, results, nil
}
