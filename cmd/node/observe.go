package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/queue"
)

// addrLabel is the label by which a worker says where it can be reached.
const addrLabel = "windrow/raft-addr="

// addrOf is where a worker's node can be reached; empty is not known.
func (n *node) addrOf(worker string) string {
	for _, w := range n.Workers() {
		if w.Worker != worker {
			continue
		}
		for _, l := range w.Labels {
			if addr, ok := strings.CutPrefix(l, addrLabel); ok {
				return addr
			}
		}
	}
	return ""
}

// observation is what a leader has heard of a running attempt.
type observation struct {
	ID       queue.ID        `json:"id"`
	Fence    queue.Fence     `json:"fence"`
	At       int64           `json:"at,omitempty"`
	Progress json.RawMessage `json:"progress,omitempty"`
}

const (
	// callObserved asks the leader for observations.
	callObserved = "node.observed"
	// observeWithin bounds how long an answer waits for them: they may be
	// missing, and the rest may not.
	observeWithin = 500 * time.Millisecond
)

// observedAsk is what another node asks.
type observedAsk struct {
	List     []observation `json:"list"`
	Progress bool          `json:"progress"` // too, where begun is not enough
}

// answerObserved tells another node what this one, if it leads, has heard.
func (n *node) answerObserved(_ context.Context, body []byte) ([]byte, error) {
	var ask observedAsk
	if err := json.Unmarshal(body, &ask); err != nil {
		return nil, fmt.Errorf("asked for observations: %w", err)
	}
	for i := range ask.List {
		x := &ask.List[i]
		b, ok := n.leader.Observed(x.ID, x.Fence)
		if !ok {
			continue
		}
		x.At = b.At
		if ask.Progress {
			x.Progress = b.Progress
		}
	}
	return json.Marshal(ask.List)
}

// observe adds what the log does not know of tasks: that their attempts have
// begun, and if asked how far they are. The leader has heard of both; without
// it tasks are shown as they are in the log.
func (n *node) observe(progress bool, views ...*queue.View) {
	ask := observedAsk{Progress: progress}
	var open []*queue.View
	for _, v := range views {
		if v.State != queue.Received {
			continue
		}
		if b, ok := n.leader.Observed(v.ID, v.Fence); ok {
			observed(v, b.At, b.Progress)
			continue
		}
		ask.List = append(ask.List, observation{ID: v.ID, Fence: v.Fence})
		open = append(open, v)
	}
	l, _ := n.cluster.Leadership()
	if len(ask.List) == 0 || l.Self || l.Addr == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), observeWithin)
	defer cancel()
	body, err := json.Marshal(ask)
	if err != nil {
		return
	}
	body, err = n.net.Call(ctx, l.Addr, callObserved, body)
	var list []observation
	if err != nil || json.Unmarshal(body, &list) != nil || len(list) != len(open) {
		n.log.Debug("ask the leader for what it has observed", "leader", l.ID, "err", err)
		return
	}
	for i, v := range open {
		observed(v, list[i].At, list[i].Progress)
	}
}

func observed(v *queue.View, at int64, progress []byte) {
	if at != 0 {
		v.State, v.StartedAt, v.Progress = queue.Started, at, progress
	}
}

// nearer adds the progress of an attempt on this very node, which the leader
// may not have heard of yet, and of a task that has ended what it told last.
func (n *node) nearer(d *queue.Detail) {
	if d.State.Final() {
		for i := range d.Attempts {
			if a := &d.Attempts[i]; a.Number == d.Attempt {
				d.Progress = a.Progress
			}
		}
		return
	}
	if d.State == queue.Started && d.Worker == n.folder.NodeID() {
		if _, progress := n.live.now(d.ID, d.Attempt); progress != nil {
			d.Progress = progress
		}
	}
}
