package lead

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/cluster/state"
	"github.com/windrow-dev/windrow/queue"
)

// opened is a keyring that closes nothing.
type opened struct{ err error }

func (o opened) Open(sealed string, to ...string) ([]byte, error) {
	if strings.Join(to, "/") != "webhook/default/h" {
		return nil, errors.New("it belongs elsewhere")
	}
	return []byte(sealed), o.err
}

func parcel(url, secret string) *Parcel {
	sealed, _ := json.Marshal(command.WebhookSecrets{Secret: secret, Headers: map[string]string{"Authorization": "Bearer x", "Webhook-Signature": "v1,forged"}})
	id := queue.ID{1, 15: 3}
	return &Parcel{Namespace: "default", Name: "h", Webhook: command.Webhook{URL: url, Sealed: string(sealed)}, Attempt: 2,
		Event: state.Outgoing{Index: 42, N: 1, Time: 1e18, Move: state.Move{ID: id, Namespace: "default", Queue: "q", Task: "mod.main", To: queue.Failure, Attempt: 3, Error: "trap"}}}
}

func TestPostmanSigns(t *testing.T) {
	raw := []byte("0123456789abcdef0123456789abcdef")
	for _, secret := range []string{string(raw), command.SecretPrefix + base64.StdEncoding.EncodeToString(raw)} {
		var head http.Header
		var body []byte
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			head = r.Header
			body, _ = io.ReadAll(r.Body)
		}))
		m := &Postman{Client: s.Client(), Keys: opened{}}
		if got := m.Send(t.Context(), parcel(s.URL, secret)); got.Err != nil || got.Status != 200 {
			t.Fatalf("%+v", got)
		}
		s.Close()
		mac := hmac.New(sha256.New, raw)
		mac.Write([]byte("42-1." + head.Get("webhook-timestamp") + "." + string(body)))
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); head.Get("webhook-signature") != want {
			t.Errorf("signed %q, not %q", head.Get("webhook-signature"), want)
		}
		if head.Get("webhook-id") != "42-1" || head.Get("windrow-attempt") != "2" || head.Get("authorization") != "Bearer x" {
			t.Errorf("headers %v", head)
		}
		var l letter
		if err := json.Unmarshal(body, &l); err != nil || l.Type != "task.failure" || l.Task != "mod.main" || l.State != "failure" || l.Error != "trap" || l.Webhook != "h" || l.RunID != "" {
			t.Errorf("body %s, %v", body, err)
		}
	}
}

func TestPostmanWithoutASecretSignsNothing(t *testing.T) {
	p := parcel("http://there", "")
	r, err := request(t.Context(), p, &command.WebhookSecrets{Headers: map[string]string{"webhook-signature": "v1,forged"}}, time.Now())
	if err != nil || r.Header.Get("webhook-signature") != "" {
		t.Errorf("signed %v, %v", r.Header, err)
	}
}

func TestPostmanThatCannotOpenIsUnready(t *testing.T) {
	m := &Postman{Client: http.DefaultClient, Keys: opened{errors.New("no key")}}
	if got := m.Send(t.Context(), parcel("http://there", "x")); !got.Unready {
		t.Errorf("%+v", got)
	}
}

func TestErrorsDoNotTellTheURL(t *testing.T) {
	m := &Postman{Client: &http.Client{}, Keys: opened{}}
	got := m.Send(t.Context(), parcel("http://127.0.0.1:1/hooks/s3cret", "x"))
	if got.Err == nil || strings.Contains(got.Err.Error(), "s3cret") {
		t.Errorf("%v", got.Err)
	}
}

func TestRestGrows(t *testing.T) {
	for tries := uint32(1); tries < 60; tries++ {
		d := rest(tries)
		if d < firstRest/2 || d > longRest || tries < 12 && d > firstRest<<(tries-1) || tries > 13 && d < longRest/2 {
			t.Errorf("after %d attempts a rest of %s", tries, d)
		}
	}
}
