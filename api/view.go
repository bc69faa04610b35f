package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/queue"
)

// The views of tasks are written by hand: they are the most frequent large
// answers, and results must pass as the bytes they are. A test holds them
// against wire.Task.

// appendView writes what lists show of a task, without the last brace.
func appendView(b []byte, v *queue.View) []byte {
	b = append(b, `{"id":"`...)
	b = append(b, v.ID.String()...)
	b = append(b, `","task":"`...)
	b = append(b, v.Spec.Module...)
	b = append(b, '.')
	b = append(b, v.Spec.Task...)
	b = append(b, '"')
	b = optional(b, `,"shadow":`, v.Shadow)
	b = append(b, `,"module":"`...)
	b = append(b, v.Spec.Module...)
	b = append(b, `","version":`...)
	b = strconv.AppendUint(b, uint64(v.Spec.Version), 10)
	b = append(b, `,"queue":"`...)
	b = append(b, v.Spec.Queue...)
	b = append(b, `","priority":`...)
	b = strconv.AppendUint(b, uint64(v.Spec.Priority), 10)
	b = append(b, `,"state":"`...)
	b = append(b, v.State.String()...)
	b = append(b, '"')
	b = optional(b, `,"waits_for":`, v.WaitsFor)
	b = append(b, `,"attempt":`...)
	b = strconv.AppendUint(b, uint64(v.Attempt), 10)
	b = append(b, `,"delivery":`...)
	b = strconv.AppendUint(b, uint64(v.Delivery), 10)
	if v.Resumes > 0 {
		b = append(b, `,"resumes":`...)
		b = strconv.AppendUint(b, uint64(v.Resumes), 10)
	}
	b = append(b, `,"created_at":`...)
	b = appendTime(b, v.CreatedAt)
	for _, t := range [...]struct {
		name string
		at   int64
	}{{`,"ready_at":`, v.ReadyAt}, {`,"expires_at":`, v.ExpiresAt}, {`,"started_at":`, v.StartedAt},
		{`,"finished_at":`, v.FinishedAt}, {`,"removed_at":`, v.RemovedAt}} {
		if t.at != 0 {
			b = appendTime(append(b, t.name...), t.at)
		}
	}
	if e := errorSeen(v); e != nil {
		b = appendError(append(b, `,"error":`...), e, &v.Spec)
	}
	if v.Usage != (queue.Usage{}) {
		b = appendUsage(append(b, `,"usage":`...), &v.Usage)
	}
	b = optional(b, `,"worker":`, v.Worker)
	if !v.Run.IsZero() {
		b = optional(b, `,"run_id":`, v.Run.String())
	}
	if !v.Cause.IsZero() {
		b = optional(b, `,"cause":`, v.Cause.String())
	}
	if v.Dead {
		b = append(b, `,"dead":true`...)
	}
	if !v.ReplayOf.IsZero() {
		b = optional(b, `,"replay_of":`, v.ReplayOf.String())
	}
	if !v.ReplayedAs.IsZero() {
		b = optional(b, `,"replayed_as":`, v.ReplayedAs.String())
	}
	return appendOptions(b, v)
}

// errorSeen is a task's error, and of one that another kept from running that
// it did.
func errorSeen(v *queue.View) *queue.Error {
	if v.Error == nil && v.State == queue.UpstreamFailed && !v.Cause.IsZero() {
		return &queue.Error{Type: queue.ErrDependency, Message: "task " + v.Cause.String() + " has failed"}
	}
	return v.Error
}

func appendOptions(b []byte, v *queue.View) []byte {
	b = optional(b, `,"unique_key":`, v.UniqueKey)
	b = optional(b, `,"debounce_key":`, v.DebounceKey)
	b = optional(b, `,"fairness_key":`, v.FairnessKey)
	if v.ConcurrencyKey != "" {
		b = optional(b, `,"concurrency_key":`, v.ConcurrencyKey)
		b = append(b, `,"concurrency_limit":`...)
		b = strconv.AppendUint(b, uint64(v.ConcurrencyLimit), 10)
	}
	if v.Spec.Pool != "" {
		b = optional(b, `,"pool":`, v.Spec.Pool)
		b = append(b, `,"pool_slots":`...)
		b = strconv.AppendUint(b, uint64(v.Spec.PoolSlots), 10)
	}
	if v.LogLen > 0 {
		b = append(b, `,"log_bytes":`...)
		b = strconv.AppendInt(b, v.LogLen, 10)
	}
	return optional(b, `,"result_digest":`, v.ResultBlob)
}

// optional writes a string that is not empty.
func optional(b []byte, name, v string) []byte {
	if v == "" {
		return b
	}
	return appendString(append(b, name...), v)
}

func appendError(b []byte, e *queue.Error, s *queue.Spec) []byte {
	b = appendString(append(b, `{"type":`...), e.Type)
	b = appendString(append(b, `,"message":`...), e.Message)
	if e.ExitCode != 0 {
		b = strconv.AppendInt(append(b, `,"exit_code":`...), int64(e.ExitCode), 10)
	}
	b = optional(b, `,"trace":`, e.Trace)
	if slices.Contains(s.Expected, e.Type) {
		b = append(b, `,"expected":true`...)
	}
	return append(b, '}')
}

func appendUsage(b []byte, u *queue.Usage) []byte {
	b = appendMillis(append(b, `{"wall_ms":`...), u.WallNanos)
	b = appendMillis(append(b, `,"cpu_ms":`...), u.CPUNanos)
	b = strconv.AppendInt(append(b, `,"memory_bytes":`...), u.MemoryBytes, 10)
	return append(b, '}')
}

func appendMillis(b []byte, nanos int64) []byte {
	return strconv.AppendFloat(b, float64(nanos)/1e6, 'f', -1, 64)
}

// appendDetail writes what only the view of one task shows, but for an input
// and a result that are blobs.
func appendDetail(b []byte, d *queue.Detail) []byte {
	p := masked(&d.Payload)
	switch {
	case p.Blob != "":
		b = optional(b, `,"input_digest":`, p.Blob)
	case p.Input != nil:
		b = append(append(b, `,"input":`...), p.Input...)
	default:
		b = append(append(b, `,"args":`...), or(p.Args, "[]")...)
		b = append(append(b, `,"kwargs":`...), or(p.Kwargs, "{}")...)
	}
	if p.Labels != nil {
		b = append(append(b, `,"labels":`...), p.Labels...)
	}
	if p.Redact != nil {
		b = append(append(b, `,"redact":`...), p.Redact...)
	}
	if p.Headers != nil {
		b = append(append(b, `,"headers":`...), p.Headers...)
	}
	if d.Progress != nil {
		b = append(append(b, `,"progress":`...), d.Progress...)
	}
	if len(d.Attempts) > 0 {
		b = append(b, `,"attempts":[`...)
		for i := range d.Attempts {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendAttempt(b, &d.Attempts[i], &d.Spec)
		}
		b = append(b, ']')
	}
	if d.ResultBlob == "" {
		b = append(append(b, `,"result":`...), or(d.Result, "null")...)
	}
	return b
}

func or(b []byte, nothing string) []byte {
	if len(b) == 0 {
		return []byte(nothing)
	}
	return b
}

func appendAttempt(b []byte, a *queue.Attempt, s *queue.Spec) []byte {
	b = strconv.AppendUint(append(b, `{"number":`...), uint64(a.Number), 10)
	b = optional(b, `,"worker":`, a.Worker)
	if a.StartedAt != 0 {
		b = appendTime(append(b, `,"started_at":`...), a.StartedAt)
	}
	if a.FinishedAt != 0 {
		b = appendTime(append(b, `,"finished_at":`...), a.FinishedAt)
	}
	if a.Error != nil {
		b = appendError(append(b, `,"error":`...), a.Error, s)
	}
	b = appendUsage(append(b, `,"usage":`...), &a.Usage)
	if a.LogLen > 0 {
		b = strconv.AppendInt(append(b, `,"log_bytes":`...), a.LogLen, 10)
	}
	if a.Progress != nil {
		b = append(append(b, `,"progress":`...), a.Progress...)
	}
	return append(b, '}')
}

// sendTask answers with a task. Blobs flow from the disk into the answer.
func (s *Server) sendTask(c *fiber.Ctx, status int, d *queue.Detail) error {
	b := appendDetail(appendView(make([]byte, 0, 1024+len(d.Result)+len(d.Payload.Input)+len(d.Payload.Args)), &d.View), d)
	shown := d.Payload.Blob
	if d.Payload.Redact != nil {
		shown = ""
	}
	if shown == "" && d.ResultBlob == "" {
		return send(c, status, append(b, '}'))
	}
	v := &blended{head: b}
	ctx, cancel := s.context()
	defer cancel()
	var err error
	if d.Payload.Args != nil {
		// The blob is {"args": …, "kwargs": …}; its members join the task's.
		err = v.add(ctx, s.node, ",", shown, 1)
	} else {
		err = v.add(ctx, s.node, `,"input":`, shown, 0)
	}
	if err == nil {
		err = v.add(ctx, s.node, `,"result":`, d.ResultBlob, 0)
	}
	if err != nil {
		v.close()
		return err
	}
	return v.send(c, status)
}

// blended is JSON with blobs in it.
type blended struct {
	head  []byte
	parts []io.Reader
	files []io.Closer
	size  int64
}

// add puts a blob after a name, without so many of its bytes at either end.
func (v *blended) add(ctx context.Context, blobs Blobs, name, digest string, trim int64) error {
	if digest == "" {
		return nil
	}
	f, size, err := blobs.Open(ctx, digest)
	if errors.Is(err, ErrNotFound) {
		return nil // the digest alone is shown
	}
	if err != nil {
		return err
	}
	v.files = append(v.files, f)
	if _, err := io.CopyN(io.Discard, f, trim); err != nil {
		return fmt.Errorf("read blob %s: %w", digest, err)
	}
	v.head = append(v.head, name...)
	v.parts = append(v.parts, sized(v.head), io.LimitReader(f, size-2*trim))
	v.size += int64(len(v.head)) + size - 2*trim
	v.head = nil
	return nil
}

func (v *blended) send(c *fiber.Ctx, status int) error {
	v.head = append(v.head, '}')
	v.parts = append(v.parts, sized(v.head))
	v.size += int64(len(v.head))
	c.Status(status)
	return stream(c, "application/json", io.MultiReader(v.parts...), v.size, v.close)
}

func (v *blended) close() {
	for _, f := range v.files {
		_ = f.Close() // it was only read
	}
}
