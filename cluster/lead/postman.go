package lead

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/state"
)

// Opener opens what the keyring has closed.
type Opener interface {
	Open(sealed string, to ...string) ([]byte, error)
}

// Postman delivers by HTTP, as Standard Webhooks says: three headers name the
// event, the time of the attempt and the signature of both with the body.
type Postman struct {
	Client *http.Client // refuses private addresses, follows nothing
	Keys   Opener
}

// Headers of Standard Webhooks, and one of our own.
const (
	headerID        = "Webhook-Id"
	headerTime      = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
	headerAttempt   = "Windrow-Attempt"
)

// letter is the body of a request.
type letter struct {
	ID        string `json:"id"`
	Type      string `json:"type"`
	Time      string `json:"time"`
	Webhook   string `json:"webhook"`
	Namespace string `json:"namespace"`
	TaskID    string `json:"task_id,omitempty"`
	Task      string `json:"task,omitempty"`
	Queue     string `json:"queue,omitempty"`
	RunID     string `json:"run_id,omitempty"`
	Kind      string `json:"kind,omitempty"`
	Schedule  string `json:"schedule,omitempty"`
	State     string `json:"state,omitempty"`
	Attempt   uint32 `json:"attempt,omitempty"`
	Error     string `json:"error,omitempty"`
}

const letterTime = "2006-01-02T15:04:05.000000000Z"

// letterOf writes an event as the stream of events does.
func letterOf(p *Parcel) ([]byte, error) {
	e := &p.Event
	l := letter{ID: eventID(e), Type: e.Type(), Time: time.Unix(0, e.Time).UTC().Format(letterTime), Webhook: p.Name, Namespace: p.Namespace, Error: e.Error}
	if (e.InRun || e.Run || e.Schedule != 0) && !e.ID.IsZero() {
		l.RunID = e.ID.Run().String()
	}
	switch {
	case e.Ping:
	case e.Schedule != 0:
		l.Schedule = e.Task
	case e.Run:
		l.Kind, l.State = e.Task, e.RunState().String()
	default:
		l.TaskID, l.Task, l.Queue, l.State, l.Attempt = e.ID.String(), e.Task, e.Queue, e.To.String(), e.Attempt
	}
	return json.Marshal(l)
}

func eventID(e *state.Outgoing) string { return fmt.Sprintf("%d-%d", e.Index, e.N) }

// Send implements Sender.
func (m *Postman) Send(ctx context.Context, p *Parcel) Receipt {
	var secrets command.WebhookSecrets
	if p.Webhook.Sealed != "" {
		raw, err := m.Keys.Open(p.Webhook.Sealed, command.KindWebhook, p.Namespace, p.Name)
		if err == nil {
			err = json.Unmarshal(raw, &secrets)
		}
		if err != nil {
			return Receipt{Unready: true, Err: fmt.Errorf("open its secret: %w", err)}
		}
	}
	r, err := request(ctx, p, &secrets, time.Now())
	if err != nil {
		return Receipt{Err: err}
	}
	resp, err := m.Client.Do(r)
	if err != nil {
		if named, ok := errors.AsType[*url.Error](err); ok { // the URL may hold what only its owner knows
			err = named.Err
		}
		return Receipt{Err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body) // so that the connection can be used again
	after, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	return Receipt{Status: resp.StatusCode, After: time.Duration(min(max(after, 0), int(longRest/time.Second))) * time.Second}
}

func request(ctx context.Context, p *Parcel, secrets *command.WebhookSecrets, now time.Time) (*http.Request, error) {
	body, err := letterOf(p)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.Webhook.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, value := range secrets.Headers {
		r.Header.Set(name, value)
	}
	id, at := eventID(&p.Event), strconv.FormatInt(now.Unix(), 10)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "windrow-webhook")
	r.Header.Set(headerID, id)
	r.Header.Set(headerTime, at)
	r.Header.Set(headerAttempt, strconv.FormatUint(uint64(p.Attempt), 10))
	r.Header.Del(headerSignature)
	if secrets.Secret != "" {
		key, err := command.SigningKey(secrets.Secret)
		if err != nil {
			return nil, err
		}
		r.Header.Set(headerSignature, "v1,"+sign(key, id, at, body))
	}
	return r, nil
}

// sign gives the signature of an attempt.
func sign(key []byte, id, at string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
