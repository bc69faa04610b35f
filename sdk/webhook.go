package windrow

import (
	"context"
	"iter"
	"net/http"

	"github.com/windrow-dev/windrow/sdk/wire"
)

type (
	// Webhook is a webhook as a server knows it.
	Webhook = wire.Webhook
	// WebhookSettings says which events a webhook sends where.
	WebhookSettings = wire.WebhookSettings
	// WebhookDelivery is an attempt to deliver an event.
	WebhookDelivery = wire.WebhookDelivery
)

// Webhooks lists the webhooks by name.
func (c *Client) Webhooks(ctx context.Context) iter.Seq2[Webhook, error] {
	return list[Webhook](ctx, c, "/webhooks", nil)
}

// Webhook describes one webhook, without its secret.
func (c *Client) Webhook(ctx context.Context, name string) (*Webhook, error) {
	return exchange[Webhook](ctx, c, http.MethodGet, "/webhooks/"+escape(name), nil)
}

// PutWebhook makes a webhook, or changes one, and starts one that was stopped.
// A secret and headers that are nil stay as they are.
func (c *Client) PutWebhook(ctx context.Context, name string, settings WebhookSettings) (*Webhook, error) {
	return exchange[Webhook](ctx, c, http.MethodPut, "/webhooks/"+escape(name), settings)
}

// RemoveWebhook removes a webhook with what it has yet to deliver.
func (c *Client) RemoveWebhook(ctx context.Context, name string) error {
	_, err := c.do(ctx, &request{method: http.MethodDelete, path: "/webhooks/" + escape(name)}, nil)
	return err
}

// TestWebhook has an event of type webhook.test delivered, behind the others.
func (c *Client) TestWebhook(ctx context.Context, name string) (*Webhook, error) {
	return exchange[Webhook](ctx, c, http.MethodPost, "/webhooks/"+escape(name)+"/test", nil)
}

// WebhookDeliveries lists the newest attempts to deliver, newest first.
func (c *Client) WebhookDeliveries(ctx context.Context, name string) iter.Seq2[WebhookDelivery, error] {
	return list[WebhookDelivery](ctx, c, "/webhooks/"+escape(name)+"/deliveries", nil)
}
