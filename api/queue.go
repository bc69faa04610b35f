package api

import (
	"cmp"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// queueOf writes a queue as clients see it.
func queueOf(v *queue.QueueView, now time.Time) wire.Queue {
	q := wire.Queue{Name: v.Name, Pending: v.Pending, Scheduled: v.Scheduled, Running: v.Running, Dead: v.Dead, Paused: v.Paused,
		DeadLetterTTL: wire.Duration(cmp.Or(v.DeadTTL, queue.DefaultDeadTTL))}
	if v.OldestReadyAt > 0 {
		q.OldestSeconds = max(now.Sub(time.Unix(0, v.OldestReadyAt)).Seconds(), 0)
	}
	if v.Rate.N > 0 {
		q.RateLimit = &wire.Rate{N: v.Rate.N, Per: time.Duration(v.Rate.Per)}
	}
	return q
}

// listQueues shows all queues of a namespace, by name.
func (s *Server) listQueues(c *fiber.Ctx) error {
	return listOf(s, c, s.node.Queues, func(v *queue.QueueView) (string, wire.Queue) {
		return v.Name, queueOf(v, time.Now())
	})
}

// listOf pages through what a node lists whole, sorted by name.
func listOf[V, W any](s *Server, c *fiber.Ctx, read func(namespace string) []V, show func(*V) (string, W)) error {
	namespace, err := namespaceOf(c)
	if err != nil {
		return err
	}
	limit, err := limitOf(c)
	if err != nil {
		return err
	}
	after, err := cursorOf(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Stale); err != nil {
		return err
	}
	all := read(namespace)
	list := wire.List[W]{Items: []W{}}
	last := ""
	for i := range all {
		name, w := show(&all[i])
		if after != "" && name <= after {
			continue
		}
		if len(list.Items) == limit {
			list.NextCursor = cursor(last)
			break
		}
		last = name
		list.Items = append(list.Items, w)
	}
	return sendJSON(c, fiber.StatusOK, &list)
}

func (s *Server) queueAsked(c *fiber.Ctx) (namespace, name string, err error) {
	if namespace, err = namespaceOf(c); err != nil {
		return "", "", err
	}
	name, err = nameOf(c, "queue", isLine)
	return namespace, name, err
}

// getQueue shows one queue.
func (s *Server) getQueue(c *fiber.Ctx) error {
	namespace, name, err := s.queueAsked(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Linearizable); err != nil {
		return err
	}
	return s.sendQueue(c, namespace, name, nil)
}

// sendQueue shows a queue, with the settings that were just committed, if some
// were.
func (s *Server) sendQueue(c *fiber.Ctx, namespace, name string, set *command.Attributes) error {
	v, ok := s.node.Queue(namespace, name)
	if set != nil {
		v.Paused, v.Rate, v.DeadTTL = set.Paused, queue.Rate{N: set.RateN, Per: set.RatePer}, set.DeadTTL
	} else if !ok && name != queue.DefaultQueue {
		return refuse(wire.CodeNotFound, "no queue %q is in namespace %q; a queue begins with its first task, or with PUT /v1/queues/%s", name, namespace, name)
	}
	v.Name = name
	q := queueOf(&v, time.Now())
	return sendJSON(c, fiber.StatusOK, &q)
}

// putQueue sets what the body names and leaves the rest.
func (s *Server) putQueue(c *fiber.Ctx) error {
	namespace, name, err := s.queueAsked(c)
	if err != nil {
		return err
	}
	var ask wire.QueueSettings
	if _, err := s.smallJSON(c, &ask); err != nil {
		return err
	}
	var rate *queue.Rate
	if ask.RateLimit != nil {
		rate = &queue.Rate{}
		if *ask.RateLimit != "" {
			r, err := wire.ParseRate(*ask.RateLimit)
			if err != nil {
				return wire.InField("rate_limit", err)
			}
			rate.N, rate.Per = r.N, int64(r.Per)
		}
	}
	ctx, cancel := s.context()
	defer cancel()
	set, err := s.change(c, ctx, command.KindQueue, namespace, name, nil, func(a *command.Attributes) {
		if ask.Paused != nil {
			a.Paused = *ask.Paused
		}
		if rate != nil {
			a.RateN, a.RatePer = rate.N, rate.Per
		}
		if ask.DeadLetterTTL != nil {
			a.DeadTTL = int64(*ask.DeadLetterTTL)
		}
	})
	if err != nil {
		return err
	}
	return s.sendQueue(c, namespace, name, set)
}

// pauseQueue starts nothing more of a queue.
func (s *Server) pauseQueue(c *fiber.Ctx) error { return s.setPaused(c, "pause", true) }

// resumeQueue goes on with it.
func (s *Server) resumeQueue(c *fiber.Ctx) error { return s.setPaused(c, "resume", false) }

// setPaused pauses or resumes a queue.
func (s *Server) setPaused(c *fiber.Ctx, verb string, paused bool) error {
	namespace, name, err := s.queueAsked(c)
	if err != nil {
		return err
	}
	idem, err := s.bare(c, "queues/"+name+"/"+verb)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	set, err := s.change(c, ctx, command.KindQueue, namespace, name, idem, func(a *command.Attributes) { a.Paused = paused })
	if err != nil {
		return err
	}
	return s.sendQueue(c, namespace, name, set)
}

// bare takes a POST that needs no body, and its idempotency key.
func (s *Server) bare(c *fiber.Ctx, route string) (*command.Idempotency, error) {
	raw, err := s.smallJSON(c, &struct{}{})
	if err != nil {
		return nil, err
	}
	return idempotencyOf(c, route, "", raw)
}

// purgeQueue revokes what waits in a queue now. A repeat with the same key does
// not purge what has come since.
func (s *Server) purgeQueue(c *fiber.Ctx) error {
	namespace, name, err := s.queueAsked(c)
	if err != nil {
		return err
	}
	idem, err := s.bare(c, "queues/"+name+"/purge")
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	_, index, err := s.propose(c, ctx, &command.Purge{Namespace: namespace, Queue: name, Idem: idem})
	if err != nil {
		return err
	}
	s.caughtUp(ctx, index)
	return s.sendQueue(c, namespace, name, nil)
}
