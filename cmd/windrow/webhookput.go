package main

import (
	"bytes"
	"os"
	"strings"

	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// webhookFlags say what a webhook sends, and how.
type webhookFlags struct {
	events, queues, headers []string
	tasks, secretFile       string
	noSecret, noHeaders     bool
	stopped                 bool
	timeout, maxAge         string
	maxAttempts             uint32
	concurrency             uint32
}

func (w *webhookFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&w.events, "events", []string{"task.failure", "run.failed"}, "send events of these `TYPES`, or of all that begin so up to a dot, such as run.")
	f.StringVar(&w.tasks, "tasks", "", "of tasks only those whose MODULE.TASK fits the `PATTERN`, with *")
	f.StringSliceVar(&w.queues, "queues", nil, "of tasks only those of these `QUEUES`")
	f.StringVar(&w.secretFile, "secret-file", "", "sign with the secret in `FILE`: whsec_ and base64, or a text of 16 to 256 bytes (default as before)")
	f.BoolVar(&w.noSecret, "no-secret", false, "sign no more")
	f.StringArrayVar(&w.headers, "header", nil, "send the header `NAME=VALUE` along; repeat it for more (default as before)")
	f.BoolVar(&w.noHeaders, "no-headers", false, "send no headers along any more")
	f.BoolVar(&w.stopped, "stopped", false, "send nothing until it is put again")
	f.StringVar(&w.timeout, "timeout", "", "an attempt may take this `DURATION` (default 10s)")
	f.Uint32Var(&w.maxAttempts, "max-attempts", 0, "give an event up after `N` attempts (default as many as fit into --max-age)")
	f.StringVar(&w.maxAge, "max-age", "", "give an event up after this `DURATION` (default 24h)")
	f.Uint32Var(&w.concurrency, "concurrency", 1, "let `N` events be under way; with more than 1 their order is not kept")
}

func (w *webhookFlags) settings(url string) (windrow.WebhookSettings, error) {
	s := windrow.WebhookSettings{URL: url, Events: w.events, Tasks: w.tasks, Queues: w.queues, MaxAttempts: &w.maxAttempts, Concurrency: &w.concurrency}
	active := !w.stopped
	s.Active = &active
	p := &flagParser{}
	s.Timeout = optional(p, "timeout", w.timeout, wire.ParseDuration)
	s.MaxAge = optional(p, "max-age", w.maxAge, wire.ParseDuration)
	if p.err != nil {
		return s, p.err
	}
	switch {
	case w.noSecret:
		s.Secret = new(string)
	case w.secretFile != "":
		raw, err := os.ReadFile(w.secretFile)
		if err != nil {
			return s, usagef("--secret-file: %v", err)
		}
		secret := string(bytes.TrimSpace(raw))
		s.Secret = &secret
	}
	if w.noHeaders {
		s.Headers = map[string]string{}
	}
	for _, h := range w.headers {
		name, value, ok := strings.Cut(h, "=")
		if !ok {
			return s, usagef("--header %q: say NAME=VALUE", h)
		}
		if s.Headers == nil {
			s.Headers = map[string]string{}
		}
		s.Headers[name] = value
	}
	return s, nil
}

func webhookPut(a *app) *cobra.Command {
	flags := &webhookFlags{}
	cmd := &cobra.Command{
		Use:   "put WEBHOOK URL",
		Short: "Make a webhook, change one, or start one that was stopped",
		Long: `Make a webhook, change one, or start one that was stopped. The secret and the
headers stay as they are unless others are given; everything else is what the
flags say.`,
		Example:           "  windrow webhook put alerts https://example.com/windrow --events task.failure,run.failed --secret-file secret",
		Args:              want(2, 2),
		ValidArgsFunction: a.completeFirst(webhookNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := flags.settings(args[1])
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			w, err := c.PutWebhook(cmd.Context(), args[0], settings)
			if err != nil {
				return err
			}
			return a.say(w, "webhook %s sends %s to %s", w.Name, strings.Join(w.Events, ", "), w.URL)
		},
	}
	flags.add(cmd)
	return cmd
}
