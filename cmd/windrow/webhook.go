package main

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/wire"
)

func webhookCommand(a *app) *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "webhook",
		Short: "Have events sent to a URL",
		Example: `  windrow webhook put alerts https://example.com/windrow --events task.failure,run. --secret-file secret
  windrow webhook test alerts
  windrow webhook deliveries alerts`,
	})
	cmd.AddCommand(webhookPut(a), webhookList(a), webhookShow(a), webhookTest(a), webhookDeliveries(a), webhookRemove(a))
	return cmd
}

func webhookNames(ctx context.Context, c *windrow.Client) iter.Seq2[string, error] {
	return pick(c.Webhooks(ctx), func(w wire.Webhook) []string { return []string{w.Name} })
}

func webhookState(w *wire.Webhook) string {
	switch {
	case w.Disabled != "":
		return "disabled"
	case !w.Active:
		return "stopped"
	}
	return "on"
}

func webhookList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List webhooks and what they have yet to deliver",
		Example: "  windrow webhook list",
		Args:    want(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			t := newTable("NAME", "URL", "EVENTS", ">PENDING", ">DELIVERED", ">GIVEN UP", "STATE")
			return showList(a, c.Webhooks(cmd.Context()), 0, t, func(w wire.Webhook) []string {
				return []string{w.Name, short(w.URL, 40), short(strings.Join(w.Events, ","), 30), fmt.Sprint(w.Pending), fmt.Sprint(w.Delivered), fmt.Sprint(w.GivenUp), webhookState(&w)}
			})
		},
	}
}

func (a *app) webhookFields(f *fields, w *wire.Webhook) {
	f.add("Name", w.Name)
	f.add("State", webhookState(w))
	f.add("Disabled", w.Disabled)
	f.add("URL", w.URL)
	f.add("Events", strings.Join(w.Events, ", "))
	f.add("Tasks", w.Tasks)
	f.add("Queues", strings.Join(w.Queues, ", "))
	f.add("Signed", fmt.Sprint(w.Signed))
	f.add("Headers", strings.Join(w.Headers, ", "))
	f.add("Timeout", w.Timeout.String())
	f.add("Max age", w.MaxAge.String())
	if w.MaxAttempts > 0 {
		f.add("Max attempts", fmt.Sprint(w.MaxAttempts))
	}
	f.add("Concurrency", fmt.Sprint(w.Concurrency))
	f.add("Pending", fmt.Sprint(w.Pending))
	f.add("Delivered", fmt.Sprint(w.Delivered))
	f.add("Given up", fmt.Sprint(w.GivenUp))
	f.add("Dropped", fmt.Sprint(w.Dropped))
	f.add("Updated", ago(a.now(), w.UpdatedAt.Time))
}

func webhookShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "show WEBHOOK",
		Short:             "Show a webhook, without its secret",
		Example:           "  windrow webhook show alerts",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(webhookNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			w, err := c.Webhook(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.show(w, func(f *fields) { a.webhookFields(f, w) })
		},
	}
}

func webhookTest(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "test WEBHOOK",
		Short:             "Send an event of type webhook.test, behind the others",
		Example:           "  windrow webhook test alerts && windrow webhook deliveries alerts",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(webhookNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			w, err := c.TestWebhook(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.say(w, "a test event is on its way to %s, behind %d others", w.URL, max(w.Pending, 1)-1)
		},
	}
}

func webhookDeliveries(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "deliveries WEBHOOK",
		Short:             "List the newest attempts to deliver",
		Example:           "  windrow webhook deliveries alerts",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(webhookNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			t := newTable("EVENT", "TYPE", ">ATTEMPT", "STATE", ">STATUS", ">MS", "WHEN", "ERROR")
			return showList(a, c.WebhookDeliveries(cmd.Context(), args[0]), 0, t, func(d wire.WebhookDelivery) []string {
				return []string{d.Event, d.Type, fmt.Sprint(d.Attempt), d.State, fmt.Sprint(d.Status), fmt.Sprintf("%.0f", d.TookMS), ago(a.now(), d.At.Time), d.Error}
			})
		},
	}
}

func webhookRemove(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "remove WEBHOOK",
		Short:             "Remove a webhook with what it has yet to deliver",
		Example:           "  windrow webhook remove alerts",
		Args:              want(1, 1),
		ValidArgsFunction: a.completeFirst(webhookNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if err := c.RemoveWebhook(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.removed(args[0], "webhook "+args[0])
		},
	}
}
