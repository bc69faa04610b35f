package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

const hookSecret = "0123456789abcdef-e2e"

// hookKey writes a key for secrets.
func hookKey(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(name, []byte(base64.StdEncoding.EncodeToString([]byte("an e2e key of exactly 32 bytes !"))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// hookReceiver takes what webhooks send, when it feels like it: it fails, or
// answers nothing until the other side hangs up.
type hookReceiver struct {
	t     *testing.T
	moody bool

	mu     sync.Mutex
	random *rand.Rand
	got    map[string][]hookEvent // by webhook, in order, repeats left out
	seen   map[string]bool
	asked  int
}

type hookEvent struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Webhook string `json:"webhook"`
	TaskID  string `json:"task_id"`
	RunID   string `json:"run_id"`
}

func newHookReceiver(t *testing.T, moody bool) (*hookReceiver, string) {
	t.Helper()
	r := &hookReceiver{t: t, moody: moody, random: rand.New(rand.NewPCG(3, 5)), got: map[string][]hookEvent{}, seen: map[string]bool{}}
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	return r, s.URL
}

func (r *hookReceiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return // it was killed
	}
	mac := hmac.New(sha256.New, []byte(hookSecret))
	fmt.Fprintf(mac, "%s.%s.%s", q.Header.Get("webhook-id"), q.Header.Get("webhook-timestamp"), body)
	if got := q.Header.Get("webhook-signature"); got != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
		r.t.Errorf("signature %q of %s is not right", got, body)
	}
	r.mu.Lock()
	r.asked++
	mood := r.random.IntN(20)
	r.mu.Unlock()
	switch {
	case r.moody && mood == 0:
		<-q.Context().Done()
		return
	case r.moody && mood == 1:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var e hookEvent
	if err := json.Unmarshal(body, &e); err != nil || e.ID != q.Header.Get("webhook-id") {
		r.t.Errorf("%s under id %s: %v", body, q.Header.Get("webhook-id"), err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if key := e.Webhook + " " + e.ID; !r.seen[key] {
		r.seen[key] = true
		r.got[e.Webhook] = append(r.got[e.Webhook], e)
	}
}

func (r *hookReceiver) events(webhook string) []hookEvent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got[webhook])
}

// TestWebhooksSurviveKills has a receiver that fails and times out at random,
// and kills the leader again and again: every task's end arrives at least once,
// signed, and of a webhook that asks for order in the order of the log.
func TestWebhooksSurviveKills(t *testing.T) {
	key := hookKey(t)
	r, url := newHookReceiver(t, true)
	c := testnode.NewCluster(t, 3, "--secrets-key-file", key, "--egress-allow", "127.0.0.1")
	testnode.Push(t, c.Client(), guests.Noop)
	secret, timeout, many := hookSecret, windrow.Duration(400*time.Millisecond), uint32(8)
	for name, concurrency := range map[string]*uint32{"ordered": nil, "quick": &many} {
		if _, err := c.Client().PutWebhook(t.Context(), name, windrow.WebhookSettings{URL: url + "/" + name, Events: []string{"task.success"},
			Secret: &secret, Timeout: &timeout, Concurrency: concurrency}); err != nil {
			t.Fatal(err)
		}
	}
	tasks, rounds := size(40, 1000), 4
	var want []string
	for round := range rounds {
		for sent := 0; sent < tasks; sent += 20 {
			ids, err := c.Client().SubmitBatch(t.Context(), slices.Repeat([]windrow.Call{{Task: guests.Noop + ".main"}}, 20))
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, ids...)
		}
		if round < rounds-1 {
			l := c.Leader()
			l.Kill()
			l.Start()
		}
	}
	for _, name := range []string{"ordered", "quick"} {
		testnode.Poll(t, "webhook "+name+" to deliver all", func() error {
			if n := len(r.events(name)); n < len(want) {
				return fmt.Errorf("%d of %d arrived", n, len(want))
			}
			w, err := c.Client().Webhook(t.Context(), name)
			if err == nil && w.Pending > 0 {
				err = fmt.Errorf("%d are pending", w.Pending)
			}
			return err
		})
		got := r.events(name)
		var ids []string
		for i, e := range got {
			ids = append(ids, e.TaskID)
			if name == "ordered" && i > 0 && !eventBefore(t, got[i-1].ID, e.ID) {
				t.Errorf("event %s arrived before %s", got[i-1].ID, e.ID)
			}
		}
		slices.Sort(ids)
		if !slices.Equal(ids, slices.Sorted(slices.Values(want))) {
			t.Errorf("webhook %s told of %d tasks, %d have ended", name, len(ids), len(want))
		}
	}
	t.Logf("%d events for two webhooks took %d requests", 2*len(want), r.asked)
}

func eventBefore(t *testing.T, a, b string) bool {
	t.Helper()
	var i, n, j, k uint64
	if _, err := fmt.Sscanf(a+" "+b, "%d-%d %d-%d", &i, &n, &j, &k); err != nil {
		t.Fatal(err)
	}
	return i < j || i == j && n < k
}

// TestWebhookRefusesPrivateAddresses holds a node without an allow list to the
// open internet, by address and by name, and one without a key for secrets to
// keeping none.
func TestWebhookRefusesPrivateAddresses(t *testing.T) {
	r, url := newHookReceiver(t, false)
	n := testnode.Start(t)
	cl := n.Client()
	_, err := cl.PutWebhook(t.Context(), "literal", windrow.WebhookSettings{URL: url, Events: []string{"task."}})
	if !refusedAs(err, "invalid_field") {
		t.Errorf("a loopback address is taken: %v", err)
	}
	secret := hookSecret
	_, err = cl.PutWebhook(t.Context(), "secret", windrow.WebhookSettings{URL: "https://example.com", Events: []string{"task."}, Secret: &secret})
	if !refusedAs(err, "no_secrets_key") {
		t.Errorf("a secret is taken without a key: %v", err)
	}
	most := uint32(1)
	named := strings.Replace(url, "127.0.0.1", "localhost", 1)
	if _, err := cl.PutWebhook(t.Context(), "named", windrow.WebhookSettings{URL: named, Events: []string{"task."}, MaxAttempts: &most}); err != nil {
		t.Fatal(err)
	}
	if _, err := cl.TestWebhook(t.Context(), "named"); err != nil {
		t.Fatal(err)
	}
	testnode.Poll(t, "the attempt to be told of", func() error {
		for d, err := range cl.WebhookDeliveries(t.Context(), "named") {
			if err != nil {
				return err
			}
			if d.State != "given_up" || !strings.Contains(d.Error, "refused") || d.Type != "webhook.test" {
				t.Errorf("%+v", d)
			}
			return nil
		}
		return errors.New("none yet")
	})
	if r.asked > 0 {
		t.Errorf("the receiver was asked %d times", r.asked)
	}
}

func refusedAs(err error, code string) bool {
	p, ok := errors.AsType[*windrow.APIError](err)
	return ok && p.Code == code
}
