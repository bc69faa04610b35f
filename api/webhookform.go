package api

import (
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
	"github.com/windrow-dev/windrow/workflow"
)

// Bounds and defaults of webhooks.
const (
	maxHookURL     = 2048
	maxHookLists   = 50
	maxHookHeaders = 20
	maxHookHeader  = 4096
	maxHookTries   = 1000
	maxHookAtOnce  = 32
	minHookSecret  = 16
	maxHookSecret  = 256
	maxHookTimeout = time.Minute
	maxHookAge     = 7 * 24 * time.Hour
	hookTimeout    = 10 * time.Second
	hookAge        = 24 * time.Hour
)

// webhookAsk checks what a webhook is to be.
func webhookAsk(ask *wire.WebhookSettings, a *command.Attributes) (*command.Webhook, error) {
	if err := hookURL(ask.URL); err != nil {
		return nil, err
	}
	if err := hookFilter(ask); err != nil {
		return nil, err
	}
	if err := hookSecrets(ask); err != nil {
		return nil, err
	}
	w := &command.Webhook{URL: ask.URL, Timeout: int64(hookTimeout), MaxAge: int64(hookAge), Concurrency: 1}
	a.Hook = command.HookFilter{Events: ask.Events, Tasks: ask.Tasks, Queues: ask.Queues}
	a.Paused = ask.Active != nil && !*ask.Active
	if t := ask.Timeout; t != nil {
		if t.Std() < time.Millisecond || t.Std() > maxHookTimeout {
			return nil, wrong("timeout", "must be between 1ms and 1m")
		}
		w.Timeout = int64(*t)
	}
	if t := ask.MaxAge; t != nil {
		if t.Std() < time.Second || t.Std() > maxHookAge {
			return nil, wrong("max_age", "must be between 1s and 168h")
		}
		w.MaxAge = int64(*t)
	}
	if n := ask.MaxAttempts; n != nil {
		if *n > maxHookTries {
			return nil, wrong("max_attempts", fmt.Sprintf("may be %d at the most", maxHookTries))
		}
		w.MaxAttempts = *n
	}
	if n := ask.Concurrency; n != nil {
		if *n < 1 || *n > maxHookAtOnce {
			return nil, wrong("concurrency", fmt.Sprintf("must be between 1 and %d", maxHookAtOnce))
		}
		w.Concurrency = *n
	}
	return w, nil
}

func hookURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return wrong("url", `is missing; say where to send events, as in {"url": "https://example.com/hook", "events": ["task.failure"]}`)
	case err != nil || len(text) > maxHookURL:
		return wrong("url", fmt.Sprintf("is no URL of up to %d bytes", maxHookURL))
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return wrong("url", "must begin with https:// or http:// and a host")
	case u.User != nil:
		return wrong("url", `holds a password, which everybody could read; use "headers"`)
	case u.Fragment != "":
		return wrong("url", "has a #fragment, which is never sent")
	}
	return nil
}

func hookFilter(ask *wire.WebhookSettings) error {
	if len(ask.Events) == 0 || len(ask.Events) > maxHookLists {
		return wrong("events", fmt.Sprintf(`must be 1 to %d types, such as ["task.failure", "run."]`, maxHookLists))
	}
	for i, e := range ask.Events {
		if why := noEvent(e); why != "" {
			return wrong(fmt.Sprintf("events[%d]", i), why)
		}
	}
	if _, err := path.Match(ask.Tasks, "a.b"); err != nil || len(ask.Tasks) > 320 {
		return wrong("tasks", "is no pattern of MODULE.TASK such as mail.*")
	}
	if len(ask.Queues) > maxHookLists {
		return wrong("queues", fmt.Sprintf("may be %d at the most", maxHookLists))
	}
	for i, q := range ask.Queues {
		if !isLine(q) {
			return wrong(fmt.Sprintf("queues[%d]", i), "is no queue's name; "+nameRules["queue"])
		}
	}
	return nil
}

// noEvent says why something is no type of events.
func noEvent(e string) string {
	family, state, dotted := strings.Cut(e, ".")
	var known bool
	switch family {
	case "task":
		s, ok := queue.ParseState(state)
		if known = ok; ok && s == queue.Started {
			return "is an observation that nobody commits; task.received comes before it"
		}
	case "run":
		_, known = workflow.ParseRunState(state)
	case "schedule":
		known = slices.Contains([]string{"fired", "skipped", "missed", "failed"}, state)
	default:
		return `is no type of events: those begin with "task.", "run." and "schedule."`
	}
	if !known && (state != "" || !dotted) {
		return fmt.Sprintf("is no type of events; %s. takes all of that kind", family)
	}
	return ""
}

func hookSecrets(ask *wire.WebhookSettings) error {
	if s := ask.Secret; s != nil && *s != "" {
		key, err := command.SigningKey(*s)
		if err != nil {
			return wrong("secret", err.Error())
		}
		if len(key) < minHookSecret || len(key) > maxHookSecret {
			return wrong("secret", fmt.Sprintf("must have %d to %d bytes", minHookSecret, maxHookSecret))
		}
	}
	if len(ask.Headers) > maxHookHeaders {
		return wrong("headers", fmt.Sprintf("may be %d at the most", maxHookHeaders))
	}
	for _, name := range sortedNames(ask.Headers) {
		if why := noHeader(name, ask.Headers[name]); why != "" {
			return wrong("headers."+clip(name), why)
		}
	}
	return nil
}

// noHeader says why a header cannot be sent along.
func noHeader(name, value string) string {
	for i := range len(name) {
		if c := name[i]; !lower(c) && !upper(c) && !digit(c) && c != '-' && c != '_' {
			return "is no header's name: A-Z, a-z, 0-9, - and _"
		}
	}
	small := strings.ToLower(name)
	switch {
	case name == "" || len(name) > 128:
		return "is no header's name"
	case slices.Contains([]string{"host", "content-length", "content-type", "transfer-encoding", "connection", "te", "trailer", "upgrade", "user-agent", "keep-alive", "proxy-connection"}, small),
		strings.HasPrefix(small, "webhook-"), strings.HasPrefix(small, "windrow-"):
		return "is set by the webhook itself"
	case len(value) > maxHookHeader:
		return fmt.Sprintf("has more than %d bytes", maxHookHeader)
	}
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return "holds a control character"
		}
	}
	return ""
}

func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
