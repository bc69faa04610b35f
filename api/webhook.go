package api

import (
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// Webhooks reads where webhooks stand, as Tasks reads tasks, and keeps their
// secrets.
type Webhooks interface {
	// Outboxes lists those of a namespace by name.
	Outboxes(namespace string) []command.Outbox
	Outbox(namespace, name string) (command.Outbox, bool)
	// Deliveries are the newest attempts to deliver, newest first.
	Deliveries(namespace, name string) ([]command.DeliveryAttempt, error)
	// Seal closes a secret that belongs to what the names say; Unseal opens it.
	// Without a key they give an *Error.
	Seal(secret []byte, to ...string) (string, error)
	Unseal(sealed string, to ...string) ([]byte, error)
	// Reachable refuses a URL that can be seen not to be one for webhooks.
	Reachable(u *url.URL) error
}

// Automation is what acts by itself: by the clock, and on events.
type Automation interface {
	Schedules
	Webhooks
}

// webhookOf writes a webhook as clients see it.
func webhookOf(d *command.Document, o *command.Outbox) wire.Webhook {
	var body command.Webhook
	_ = json.Unmarshal(d.Body, &body) // putWebhook wrote it
	f := &d.Attributes.Hook
	return wire.Webhook{Name: d.Name, Version: d.Version, URL: body.URL, Events: f.Events, Tasks: f.Tasks, Queues: f.Queues, Signed: body.Signed,
		Headers: body.Headers, Active: !d.Attributes.Paused && o.Disabled == "", Disabled: o.Disabled, Timeout: wire.Duration(body.Timeout),
		MaxAttempts: body.MaxAttempts, MaxAge: wire.Duration(body.MaxAge), Concurrency: body.Concurrency,
		Pending: o.Pending, Delivered: o.Delivered, GivenUp: o.GivenUp, Dropped: o.Dropped, UpdatedAt: timeAt(d.CreatedAt)}
}

func (s *Server) webhookAsked(c *fiber.Ctx) (namespace, name string, err error) {
	if namespace, err = namespaceOf(c); err != nil {
		return "", "", err
	}
	name, err = nameOf(c, "webhook", isLine)
	return namespace, name, err
}

// listWebhooks shows all webhooks of a namespace, by name.
func (s *Server) listWebhooks(c *fiber.Ctx) error {
	return listOf(s, c, s.node.Outboxes, func(o *command.Outbox) (string, wire.Webhook) {
		d, _ := s.node.Document(command.KindWebhook, o.Namespace, o.Name, 0)
		d.Name = o.Name
		return o.Name, webhookOf(&d, o)
	})
}

// getWebhook shows one, without its secret.
func (s *Server) getWebhook(c *fiber.Ctx) error {
	namespace, name, err := s.webhookAsked(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Linearizable); err != nil {
		return err
	}
	return s.sendWebhook(c, fiber.StatusOK, namespace, name)
}

func (s *Server) sendWebhook(c *fiber.Ctx, status int, namespace, name string) error {
	d, ok := s.node.Document(command.KindWebhook, namespace, name, 0)
	if !ok {
		return noWebhook(namespace, name)
	}
	o, _ := s.node.Outbox(namespace, name)
	w := webhookOf(&d, &o)
	return sendJSON(c, status, &w)
}

func noWebhook(namespace, name string) error {
	return refuse(wire.CodeNotFound, "no webhook %q is in namespace %q; make it with PUT /v1/webhooks/%s", name, namespace, name)
}

// putWebhook makes a webhook, 201, or changes one, 200.
func (s *Server) putWebhook(c *fiber.Ctx) error {
	namespace, name, err := s.webhookAsked(c)
	if err != nil {
		return err
	}
	var ask wire.WebhookSettings
	if _, err := s.smallJSON(c, &ask); err != nil {
		return err
	}
	put := &command.PutDocument{Kind: command.KindWebhook, Namespace: namespace, Name: name}
	body, err := webhookAsk(&ask, &put.Attributes)
	if err != nil {
		return err
	}
	if err := s.reachable(body.URL); err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	for range changeTries {
		if _, err := s.node.Sync(ctx, 0, Linearizable); err != nil {
			return err
		}
		var old command.Webhook
		d, ok := s.node.Document(command.KindWebhook, namespace, name, 0)
		if ok {
			put.IfVersion = d.Version
			if err := json.Unmarshal(d.Body, &old); err != nil {
				return fmt.Errorf("read webhook %s: %w", name, err)
			}
		}
		if err := s.sealWebhook(namespace, name, &ask, &old, body); err != nil {
			return err
		}
		if put.Body, err = json.Marshal(body); err != nil {
			return err
		}
		r, index, err := s.node.Propose(ctx, put)
		if err != nil {
			return err
		}
		if r.Code == command.CodeConflict {
			put.IfVersion = 0
			continue
		}
		if err := refused(&r); err != nil {
			return err
		}
		s.tellIndex(c, index)
		s.caughtUp(ctx, index)
		status := fiber.StatusOK
		if !ok {
			status = fiber.StatusCreated
		}
		return s.sendWebhook(c, status, namespace, name)
	}
	return refuse(wire.CodeConflict, "others change this webhook at the same time; try again")
}

func (s *Server) reachable(text string) error {
	u, err := url.Parse(text)
	if err != nil {
		return wrong("url", "is no URL")
	}
	if err := s.node.Reachable(u); err != nil {
		return wrong("url", err.Error())
	}
	return nil
}

// sealWebhook closes what is secret: what was given, and of the rest what the
// webhook had. What it had stays with the host that it was given for, so that
// nobody learns it by changing the URL.
func (s *Server) sealWebhook(namespace, name string, ask *wire.WebhookSettings, old, body *command.Webhook) error {
	var secrets command.WebhookSecrets
	if old.Sealed != "" && (ask.Secret == nil && old.Signed || ask.Headers == nil && len(old.Headers) > 0) {
		if origin(old.URL) != origin(body.URL) {
			return wrong("url", "is another host's, which does not get the secret and the headers of the one before: give both again, or \"\" and {} for none")
		}
		raw, err := s.node.Unseal(old.Sealed, command.KindWebhook, namespace, name)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(raw, &secrets); err != nil {
			return fmt.Errorf("read the secret of webhook %s: %w", name, err)
		}
	}
	if ask.Secret != nil {
		secrets.Secret = *ask.Secret
	}
	if ask.Headers != nil {
		secrets.Headers = ask.Headers
	}
	body.Signed, body.Headers, body.Sealed = secrets.Secret != "", sortedNames(secrets.Headers), ""
	if !body.Signed && len(body.Headers) == 0 {
		return nil
	}
	raw, err := json.Marshal(&secrets) //nolint:gosec // to be sealed
	if err != nil {
		return err
	}
	body.Sealed, err = s.node.Seal(raw, command.KindWebhook, namespace, name)
	return err
}

func origin(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	return u.Scheme + "://" + u.Host
}

// deleteWebhook removes a webhook with what it has yet to deliver.
func (s *Server) deleteWebhook(c *fiber.Ctx) error {
	namespace, name, err := s.webhookAsked(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if _, _, err := s.propose(c, ctx, &command.DeleteDocument{Kind: command.KindWebhook, Namespace: namespace, Name: name}); err != nil {
		return err
	}
	return c.SendStatus(fiber.StatusNoContent)
}

// testWebhook has an event delivered that only tells that the webhook works.
func (s *Server) testWebhook(c *fiber.Ctx) error {
	namespace, name, err := s.webhookAsked(c)
	if err != nil {
		return err
	}
	idem, err := s.bare(c, "webhooks/"+name+"/test")
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	_, index, err := s.propose(c, ctx, &command.PingWebhook{Namespace: namespace, Name: name, Idem: idem})
	if err != nil {
		return err
	}
	s.caughtUp(ctx, index)
	return s.sendWebhook(c, fiber.StatusAccepted, namespace, name)
}

// listDeliveries shows the newest attempts to deliver.
func (s *Server) listDeliveries(c *fiber.Ctx) error {
	namespace, name, err := s.webhookAsked(c)
	if err != nil {
		return err
	}
	ctx, cancel := s.context()
	defer cancel()
	if err := s.sync(c, ctx, Linearizable); err != nil {
		return err
	}
	if _, ok := s.node.Outbox(namespace, name); !ok {
		return noWebhook(namespace, name)
	}
	all, err := s.node.Deliveries(namespace, name)
	if err != nil {
		return err
	}
	list := wire.List[wire.WebhookDelivery]{Items: []wire.WebhookDelivery{}}
	for i := range all {
		a := &all[i]
		list.Items = append(list.Items, wire.WebhookDelivery{Event: fmt.Sprintf("%d-%d", a.Index, a.N), Type: a.Type, Attempt: a.Attempt, State: a.End.String(),
			At: timeAt(a.At), TookMS: float64(a.Took) / float64(time.Millisecond), Status: a.Status, Error: a.Error})
	}
	return sendJSON(c, fiber.StatusOK, &list)
}
