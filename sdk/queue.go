package windrow

import (
	"context"
	"iter"
	"net/http"

	"github.com/windrow-dev/windrow/sdk/wire"
)

type (
	// Queue is a queue with what stands in it.
	Queue = wire.Queue
	// QueueSettings change a queue; what is nil stays.
	QueueSettings = wire.QueueSettings
	// Replay picks dead-lettered tasks to run anew.
	Replay = wire.Replay
	// Replayed tells what became of them.
	Replayed = wire.Replayed
	// Pool bounds how many of its tasks run together.
	Pool = wire.Pool
)

// Queues lists the queues that hold something or were set up.
func (c *Client) Queues(ctx context.Context) iter.Seq2[Queue, error] {
	return list[Queue](ctx, c, "/queues", nil)
}

// Queue describes one queue.
func (c *Client) Queue(ctx context.Context, name string) (*Queue, error) {
	return exchange[Queue](ctx, c, http.MethodGet, "/queues/"+escape(name), nil)
}

// SetQueue changes a queue's settings, and makes it where it is new.
func (c *Client) SetQueue(ctx context.Context, name string, settings QueueSettings) (*Queue, error) {
	return exchange[Queue](ctx, c, http.MethodPut, "/queues/"+escape(name), settings)
}

// PauseQueue lets nothing more of a queue start; what runs goes on.
func (c *Client) PauseQueue(ctx context.Context, name string) (*Queue, error) {
	return exchange[Queue](ctx, c, http.MethodPost, "/queues/"+escape(name)+"/pause", nil)
}

// ResumeQueue is the inverse of PauseQueue.
func (c *Client) ResumeQueue(ctx context.Context, name string) (*Queue, error) {
	return exchange[Queue](ctx, c, http.MethodPost, "/queues/"+escape(name)+"/resume", nil)
}

// PurgeQueue revokes what waits in a queue now; what runs goes on.
func (c *Client) PurgeQueue(ctx context.Context, name string) (*Queue, error) {
	return exchange[Queue](ctx, c, http.MethodPost, "/queues/"+escape(name)+"/purge", nil)
}

// DeadLetters lists the tasks of a queue that were given up after too many
// deliveries.
func (c *Client) DeadLetters(ctx context.Context, queue string) iter.Seq2[Task, error] {
	return list[Task](ctx, c, "/queues/"+escape(queue)+"/dead", nil)
}

// ReplayDead submits dead-lettered tasks of a queue anew.
func (c *Client) ReplayDead(ctx context.Context, queue string, replay Replay) (*Replayed, error) {
	return exchange[Replayed](ctx, c, http.MethodPost, "/queues/"+escape(queue)+"/dead/replay", replay)
}

// Pools lists the pools.
func (c *Client) Pools(ctx context.Context) iter.Seq2[Pool, error] {
	return list[Pool](ctx, c, "/pools", nil)
}

// Pool describes one pool.
func (c *Client) Pool(ctx context.Context, name string) (*Pool, error) {
	return exchange[Pool](ctx, c, http.MethodGet, "/pools/"+escape(name), nil)
}

// SetPool makes a pool or changes its slots.
func (c *Client) SetPool(ctx context.Context, name string, slots uint32) (*Pool, error) {
	return exchange[Pool](ctx, c, http.MethodPut, "/pools/"+escape(name), wire.PoolSettings{Slots: slots})
}

// RemovePool removes a pool.
func (c *Client) RemovePool(ctx context.Context, name string) error {
	_, err := c.do(ctx, &request{method: http.MethodDelete, path: "/pools/" + escape(name)}, nil)
	return err
}

// exchange sends in, where there is one, and reads the answer as a T.
func exchange[T any](ctx context.Context, c *Client, method, path string, in any) (*T, error) {
	r := &request{method: method, path: path}
	if in != nil {
		var err error
		if r.body, err = jsonBody(in); err != nil {
			return nil, err
		}
	}
	out := new(T)
	if _, err := c.do(ctx, r, out); err != nil {
		return nil, err
	}
	return out, nil
}
