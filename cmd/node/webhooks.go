package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/windrow-dev/windrow/api"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/lead"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/internal/egress"
	"github.com/windrow-dev/windrow/internal/keyring"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// Bounds of a webhook's request: what the receiver answers is not read but for
// its status.
const (
	hookMostTime = time.Minute
	hookMostBody = 64 << 10
)

// openSecrets reads the cluster's key for secrets, and whom the node may reach.
func (n *node) openSecrets(context.Context) (err error) {
	if n.keys, err = keyring.Load(n.cfg.SecretsKeyFile); err != nil {
		return err
	}
	n.egress.Allow, err = egress.ParseAllow(n.cfg.EgressAllow)
	return err
}

// postman delivers webhooks while this node leads.
func (n *node) postman() *lead.Postman {
	client := egress.Client(egress.Options{Guard: n.egress, Timeout: hookMostTime, Body: hookMostBody})
	n.onClose("webhooks", func() error { client.CloseIdleConnections(); return nil })
	return &lead.Postman{Client: client, Keys: n.keys}
}

// Outboxes implements lead.Outboxes.
func (p presentMachine) Outboxes() []command.Outbox { return p.replica.Machine().Outboxes() }

// Outbox implements lead.Outboxes.
func (p presentMachine) Outbox(namespace, name string) (command.Outbox, bool) {
	return p.replica.Machine().Outbox(namespace, name)
}

// Webhook implements lead.Outboxes.
func (p presentMachine) Webhook(namespace, name string) (w command.Webhook, version uint32, ok bool) {
	d, ok := p.replica.Machine().Document(command.KindWebhook, namespace, name, 0)
	if !ok || json.Unmarshal(d.Body, &w) != nil { // which was written by the API
		return command.Webhook{}, 0, false
	}
	return w, d.Version, true
}

// Outgoing implements lead.Outboxes.
func (p presentMachine) Outgoing(namespace, name string, seq uint64) (state.Outgoing, bool, error) {
	return p.replica.Outgoing(namespace, name, seq)
}

// Outboxes implements api.Webhooks.
func (n *node) Outboxes(namespace string) []command.Outbox {
	list := slices.DeleteFunc(n.replica.Machine().Outboxes(), func(o command.Outbox) bool { return o.Namespace != namespace })
	slices.SortFunc(list, func(a, b command.Outbox) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Outbox implements api.Webhooks.
func (n *node) Outbox(namespace, name string) (command.Outbox, bool) {
	return n.replica.Machine().Outbox(namespace, name)
}

// Deliveries implements api.Webhooks.
func (n *node) Deliveries(namespace, name string) ([]command.DeliveryAttempt, error) {
	return n.replica.Deliveries(namespace, name)
}

// Seal implements api.Webhooks.
func (n *node) Seal(secret []byte, to ...string) (string, error) {
	sealed, err := n.keys.Seal(secret, to...)
	return sealed, secretFault(err)
}

// Unseal implements api.Webhooks.
func (n *node) Unseal(sealed string, to ...string) ([]byte, error) {
	secret, err := n.keys.Open(sealed, to...)
	return secret, secretFault(err)
}

func secretFault(err error) error {
	switch {
	case errors.Is(err, keyring.ErrNoKey):
		return &api.Error{Code: wire.CodeNoSecretsKey, Detail: err.Error()}
	case errors.Is(err, keyring.ErrUnknownKey):
		return &api.Error{Code: wire.CodeNoSecretsKey, Detail: "the secret that is kept was " + err.Error() + "; add that key, or give the secret and the headers anew"}
	}
	return err
}

// Reachable implements api.Webhooks. Names are not looked up: what they stand
// for when something is sent is what counts.
func (n *node) Reachable(u *url.URL) error {
	if err := egress.CheckURL(u); err != nil {
		return err
	}
	a, err := netip.ParseAddr(strings.Trim(u.Hostname(), "[]"))
	if err != nil {
		return nil //nolint:nilerr // it is a name
	}
	return n.egress.Check(a)
}
