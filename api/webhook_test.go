package api

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// Outboxes implements Webhooks.
func (f *fake) Outboxes(namespace string) []command.Outbox {
	if f.clock.machine == nil {
		return nil
	}
	list := slices.DeleteFunc(f.clock.machine.Outboxes(), func(o command.Outbox) bool { return o.Namespace != namespace })
	slices.SortFunc(list, func(a, b command.Outbox) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// Outbox implements Webhooks.
func (f *fake) Outbox(namespace, name string) (command.Outbox, bool) {
	if f.clock.machine == nil {
		return command.Outbox{}, false
	}
	return f.clock.machine.Outbox(namespace, name)
}

// Deliveries implements Webhooks.
func (f *fake) Deliveries(string, string) ([]command.DeliveryAttempt, error) {
	return []command.DeliveryAttempt{{Index: 7, N: 1, Type: "task.failure", Attempt: 2, End: command.DeliveryDone, At: 1e18, Took: 1_500_000, Status: 204}}, nil
}

// Seal implements Webhooks.
func (f *fake) Seal(secret []byte, to ...string) (string, error) {
	return strings.Join(to, "/") + ":" + string(secret), nil
}

// Unseal implements Webhooks.
func (f *fake) Unseal(sealed string, to ...string) ([]byte, error) {
	secret, ok := strings.CutPrefix(sealed, strings.Join(to, "/")+":")
	if !ok {
		return nil, errors.New("it belongs elsewhere")
	}
	return []byte(secret), nil
}

// Reachable implements Webhooks.
func (f *fake) Reachable(u *url.URL) error {
	if u.Hostname() == "10.0.0.1" {
		return errors.New("is refused")
	}
	return nil
}

func TestWebhooks(t *testing.T) {
	b := start(t)
	const path = "/v1/webhooks/h"
	b.do("GET", path, "").problem(404, "not_found")
	var w, bare wire.Webhook
	put := b.do("PUT", path, `{"url":"https://example.com/a?b","events":["task.failure","run."],"tasks":"etl.*","queues":["q"],"secret":"0123456789abcdef","headers":{"Authorization":"Bearer t0ken"},"max_attempts":5,"concurrency":4,"timeout":"3s"}`)
	put.ok(201, &w)
	if !w.Signed || !w.Active || !slices.Equal(w.Headers, []string{"Authorization"}) || w.MaxAttempts != 5 || w.Concurrency != 4 || w.Timeout.String() != "3s" || w.MaxAge.Std().Hours() != 24 || w.Tasks != "etl.*" || w.Version != 1 {
		t.Errorf("%+v", w)
	}
	for _, secret := range []string{"0123456789abcdef", "t0ken"} {
		for _, p := range []string{path, "/v1/webhooks"} {
			if answer := b.do("GET", p, ""); strings.Contains(answer.body, secret) {
				t.Errorf("GET %s tells the secret: %s", p, answer.body)
			}
		}
	}
	b.do("PUT", path, `{"url":"https://example.com/other","events":["task."]}`).ok(200, &w)
	if !w.Signed || len(w.Headers) != 1 || w.URL != "https://example.com/other" {
		t.Errorf("a change that does not tell of the secret: %+v", w)
	}
	b.do("PUT", path, `{"url":"https://evil.example/","events":["task."]}`).problem(400, "invalid_field")
	b.do("PUT", path, `{"url":"https://evil.example/","events":["task."],"secret":""}`).problem(400, "invalid_field")
	b.do("PUT", path, `{"url":"https://evil.example/","events":["task."],"secret":"","headers":{}}`).ok(200, &bare)
	if bare.Signed || len(bare.Headers) != 0 {
		t.Errorf("%+v", bare)
	}
	b.do("POST", path+"/test", "").ok(202, &w)
	if w.Pending != 1 {
		t.Errorf("%+v", w)
	}
	var log wire.List[wire.WebhookDelivery]
	b.do("GET", path+"/deliveries", "").ok(200, &log)
	if len(log.Items) != 1 || log.Items[0].Event != "7-1" || log.Items[0].State != "delivered" || log.Items[0].TookMS != 1.5 {
		t.Errorf("%+v", log)
	}
	b.do("PUT", path, `{"url":"https://evil.example/","events":["task."],"active":false}`).ok(200, &w)
	if w.Active {
		t.Errorf("%+v", w)
	}
	b.do("POST", path+"/test", "").problem(409, "conflict")
	b.do("DELETE", path, "").ok(204, nil)
	b.do("DELETE", path, "").problem(404, "not_found")
	b.do("GET", path+"/deliveries", "").problem(404, "not_found")
}

func TestWebhookForms(t *testing.T) {
	b := start(t)
	for body, field := range map[string]string{
		`{"events":["task."]}`:                                               "url",
		`{"url":"ftp://a/","events":["task."]}`:                              "url",
		`{"url":"http://u:p@a/","events":["task."]}`:                         "url",
		`{"url":"http://10.0.0.1/","events":["task."]}`:                      "url",
		`{"url":"http://a/#b","events":["task."]}`:                           "url",
		`{"url":"http://a/"}`:                                                "events",
		`{"url":"http://a/","events":[]}`:                                    "events",
		`{"url":"http://a/","events":["task"]}`:                              "events[0]",
		`{"url":"http://a/","events":["run.","task.fail"]}`:                  "events[1]",
		`{"url":"http://a/","events":["task.started"]}`:                      "events[0]",
		`{"url":"http://a/","events":["worker.lost"]}`:                       "events[0]",
		`{"url":"http://a/","events":["run."],"tasks":"[a"}`:                 "tasks",
		`{"url":"http://a/","events":["run."],"queues":["a b"]}`:             "queues[0]",
		`{"url":"http://a/","events":["run."],"secret":"short"}`:             "secret",
		`{"url":"http://a/","events":["run."],"secret":"whsec_!"}`:           "secret",
		`{"url":"http://a/","events":["run."],"headers":{"Host":"b"}}`:       "headers.Host",
		`{"url":"http://a/","events":["run."],"headers":{"webhook-id":"b"}}`: "headers.webhook-id",
		`{"url":"http://a/","events":["run."],"headers":{"a":"b\r\nc: d"}}`:  "headers.a",
		`{"url":"http://a/","events":["run."],"timeout":"2m"}`:               "timeout",
		`{"url":"http://a/","events":["run."],"max_age":"0s"}`:               "max_age",
		`{"url":"http://a/","events":["run."],"max_attempts":1001}`:          "max_attempts",
		`{"url":"http://a/","events":["run."],"concurrency":0}`:              "concurrency",
	} {
		if p := b.do("PUT", "/v1/webhooks/h", body).problem(400, "invalid_field"); !strings.Contains(p.Detail, field) {
			t.Errorf("%s: %s, which does not tell of %s", body, p.Detail, field)
		}
	}
}
