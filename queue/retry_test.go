package queue

import (
	"testing"

	"pgregory.net/rapid"
)

func TestWants(t *testing.T) {
	yes, no := true, false
	trap := &Error{Type: ErrTrap}
	for _, c := range []struct {
		name    string
		retry   Retry
		err     *Error
		retries uint32
		want    bool
	}{
		{"no policy", Retry{}, trap, 0, false},
		{"no policy, exit 75", Retry{}, &Error{Type: ErrExitCode, ExitCode: ExitTempFail}, 2, true},
		{"no policy, exit 75, three had", Retry{}, &Error{Type: ErrExitCode, ExitCode: ExitTempFail}, 3, false},
		{"no policy, exit 1", Retry{}, &Error{Type: ErrExitCode, ExitCode: 1}, 0, false},
		{"no policy, guest asks", Retry{}, &Error{Type: "Busy", Retry: &yes}, 0, true},
		{"max 2", Retry{Given: true, Max: 2}, trap, 1, true},
		{"max 2 had", Retry{Given: true, Max: 2}, trap, 2, false},
		{"max 0 beats exit 75", Retry{Given: true}, &Error{Type: ErrExitCode, ExitCode: ExitTempFail}, 0, false},
		{"fatal", Retry{Given: true, Max: 2}, &Error{Type: ErrFatal}, 0, false},
		{"revoked", Retry{Given: true, Max: 2}, &Error{Type: ErrRevoked}, 0, false},
		{"guest refuses", Retry{Given: true, Max: 2}, &Error{Type: "X", Retry: &no}, 0, false},
		{"on other", Retry{Given: true, Max: 2, On: []string{"Y"}}, &Error{Type: "X"}, 0, false},
		{"on this", Retry{Given: true, Max: 2, On: []string{"X"}}, &Error{Type: "X"}, 0, true},
		{"not on this", Retry{Given: true, Max: 2, On: []string{"X"}, NotOn: []string{"X"}}, &Error{Type: "X"}, 0, false},
		{"timeouts too", Retry{Given: true, Max: 2}, &Error{Type: ErrTimeout}, 0, true},
	} {
		if got := c.retry.Wants(c.err, c.retries); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestDelay(t *testing.T) {
	r := Retry{Backoff: 1e9, FactorMil: 2000, MaxBackoff: 10e9, Jitter: JitterNone}
	for n, want := range map[uint32]int64{1: 1e9, 2: 2e9, 3: 4e9, 4: 8e9, 5: 10e9, 4_000_000_000: 10e9} {
		if got := r.Delay(n, 0); got != want {
			t.Errorf("retry %d after %d, want %d", n, got, want)
		}
	}
}

func TestDelayStaysInBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Retry{
			Backoff: rapid.Int64Range(0, 1<<62).Draw(t, "backoff"), FactorMil: rapid.Uint32().Draw(t, "factor"),
			MaxBackoff: rapid.Int64Range(1, 1<<62).Draw(t, "max"), Jitter: Jitter(rapid.IntRange(0, 2).Draw(t, "jitter")),
		}
		n, word := rapid.Uint32Range(1, 1000).Draw(t, "n"), rapid.Uint64().Draw(t, "word")
		d := r.Delay(n, word)
		if d < 0 || d > r.MaxBackoff {
			t.Fatalf("%+v: retry %d after %d", r, n, d)
		}
		r.Jitter = JitterNone
		full := r.Delay(n, word)
		if d > full {
			t.Fatalf("jitter made the delay longer: %d of %d", d, full)
		}
		if n > 1 && full < r.Delay(n-1, word) {
			t.Fatalf("the delay shrank at retry %d", n)
		}
	})
}
