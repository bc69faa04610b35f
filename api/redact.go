package api

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// mask stands where readers are not shown what a task was given.
const mask = `"***"`

// redactOf checks the paths of what readers shall not see.
func redactOf(c *wire.Call) ([]byte, error) {
	if len(c.Redact) == 0 {
		return nil, nil
	}
	for i, path := range c.Redact {
		first, _, _ := strings.Cut(path, ".")
		if len(path) > maxLabel || first != "args" && first != "kwargs" && first != "input" {
			return nil, wrong("redact["+strconv.Itoa(i)+"]", `is no path; it begins with args, kwargs or input, as in "kwargs.password", "args.0", "input"`)
		}
	}
	b, err := json.Marshal(c.Redact)
	if err != nil {
		return nil, wrong("redact", "cannot be kept: "+err.Error())
	}
	return b, nil
}

// masked is what readers are shown of a payload.
func masked(p *queue.Payload) *queue.Payload {
	if p.Redact == nil {
		return p
	}
	shown := *p
	var paths []string
	err := json.Unmarshal(p.Redact, &paths)
	if err != nil || p.Blob != "" { // too large to be looked into for a view
		if shown.Blob = ""; p.Blob != "" && p.Args == nil || p.Input != nil {
			shown.Input = []byte(mask)
			return &shown
		}
		shown.Args, shown.Kwargs = []byte("["+mask+"]"), nil
		return &shown
	}
	for _, path := range paths {
		first, rest, _ := strings.Cut(path, ".")
		switch first {
		case "args":
			shown.Args = hide(shown.Args, rest, "["+mask+"]")
		case "kwargs":
			shown.Kwargs = hide(shown.Kwargs, rest, `{`+mask+`:`+mask+`}`)
		case "input":
			shown.Input = hide(shown.Input, rest, mask)
		}
	}
	return &shown
}

// hide masks what a path leads to; the empty path is all of it.
func hide(raw []byte, path, whole string) []byte {
	if raw == nil {
		return nil
	}
	if path == "" {
		return []byte(whole)
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return []byte(whole)
	}
	b, err := json.Marshal(hideIn(v, strings.Split(path, ".")))
	if err != nil {
		return []byte(whole)
	}
	return b
}

func hideIn(v any, path []string) any {
	if len(path) == 0 {
		return "***"
	}
	switch v := v.(type) {
	case map[string]any:
		if child, ok := v[path[0]]; ok {
			v[path[0]] = hideIn(child, path[1:])
		}
	case []any:
		if n, err := strconv.Atoi(path[0]); err == nil && n >= 0 && n < len(v) {
			v[n] = hideIn(v[n], path[1:])
		}
	}
	return v
}

// paceOf resolves what a call says of others with its keys.
func paceOf(out *command.Call, c *wire.Call) error {
	if d := c.Debounce; d != nil {
		if d.Key == "" || len(d.Key) > maxKey {
			return wrong("debounce.key", "is missing or longer than 512 bytes")
		}
		if d.Wait <= 0 {
			return wrong("debounce.wait", "is missing or 0; say how long a newer call can take this one's place")
		}
		out.Debounce = command.Debounce{Key: d.Key, Wait: int64(d.Wait)}
		if d.MaxWait != nil {
			if *d.MaxWait < d.Wait {
				return wrong("debounce.max_wait", "is less than wait")
			}
			out.Debounce.MaxWait = int64(*d.MaxWait)
		}
	}
	if h := c.Throttle; h != nil {
		if h.Key == "" || len(h.Key) > maxKey {
			return wrong("throttle.key", "is missing or longer than 512 bytes")
		}
		if h.Every <= 0 {
			return wrong("throttle.every", "is missing or 0; say in what time one call is taken")
		}
		out.Throttle = command.Throttle{Key: h.Key, Every: int64(h.Every)}
	}
	return nil
}

// paced reports whether a call has something to do with others by their keys.
func (b *submission) paced() bool {
	for i := range b.calls.List {
		if c := &b.calls.List[i]; c.Debounce.Key != "" || c.Throttle.Key != "" {
			return true
		}
	}
	return false
}
