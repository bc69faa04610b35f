package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/frame"
)

func TestRender(t *testing.T) {
	for _, c := range []struct{ mode, out, want string }{
		{"auto", ``, `null`},
		{"", `{"a":1}`, `{"a":1}`},
		{"auto", " [1, 2]\n", `[1, 2]`},
		{"auto", "12345678901234567890.10\n", `12345678901234567890.10`},
		{"auto", "hello\n", `"hello"`},
		{"auto", "hello\n\n", `"hello\n"`},
		{"auto", "1 2", `"1 2"`},
		{"auto", "{\"a\":1}\n{\"a\":2}\n", `"{\"a\":1}\n{\"a\":2}"`},
		{"auto", "<a & b>", `"<a & b>"`},
		{"auto", "\"\xff\"", `error`},
		{"json", ``, `null`},
		{"json", `true`, `true`},
		{"json", `hello`, `error`},
		{"json", `1 2`, `error`},
		{"text", `{"a":1}`, `"{\"a\":1}"`},
		{"text", "12\n", `"12"`},
		{"text", ``, `null`},
		{"text", "\xff", `error`},
	} {
		got, err := render(c.mode, []byte(c.out), 1000)
		switch {
		case c.want == "error":
			if err == nil {
				t.Errorf("%s %q: %s", c.mode, c.out, got)
			}
		case err != nil || c.want == "null" && got != nil || c.want != "null" && string(got) != c.want:
			t.Errorf("%s %q: %s, %v", c.mode, c.out, got, err)
		}
	}
}

// What is quoted in pieces is what would be quoted at once.
func TestQuoteLongText(t *testing.T) {
	for _, unit := range []string{"x", "é", "€ ", "\u2028", "𝄞<&>", "\"\\\n\x00"} {
		for shift := range 5 {
			text := strings.Repeat(".", shift) + strings.Repeat(unit, 3*quotePiece/len(unit))
			got, err := quote([]byte(text), DefaultMaxOutput)
			var back string
			if err != nil || json.Unmarshal(got, &back) != nil || back != text {
				t.Errorf("%q after %d: %v", unit, shift, err)
			}
			if same, err := quote([]byte(text), int64(len(got))); err != nil || !bytes.Equal(same, got) {
				t.Errorf("%q after %d, at the limit: %v", unit, shift, err)
			}
			if _, err := quote([]byte(text), int64(len(got))-1); !errors.Is(err, errLong) {
				t.Errorf("%q after %d, past the limit: %v", unit, shift, err)
			}
		}
	}
}

// What is kept of a long answer keeps not all of it.
func TestOutcomeOfBlanks(t *testing.T) {
	answer := make([]byte, 1<<20)
	for i := range answer {
		answer[i] = ' '
	}
	answer[0] = '1'
	o := outcome(&Attempt{}, &frame.Result{Exit: frame.ExitOK, Output: answer, Tail: answer[:10]})
	if string(o.Result) != "1" || cap(o.Result) > 100 || cap(o.Log) > 100 {
		t.Errorf("%q keeps %d bytes, the log %d", o.Result, cap(o.Result), cap(o.Log))
	}
}

func TestGuestFailure(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		in, errType, message string
		retry                *bool
		after                time.Duration
	}{
		{`{"type":"no_stock","message":"sold out"}`, "no_stock", "sold out", nil, 0},
		{`{"type":"fatal","retry":false,"after":"1m30s"}`, "fatal", "", &no, 90 * time.Second},
		{`{"type":"a.B-c_1","retry":true,"after":2.5}`, "a.B-c_1", "", &yes, 2500 * time.Millisecond},
		{`{"type":"two words","message":"m"}`, guestType, "m", nil, 0},
		{`{"message":"m","after":-5}`, guestType, "m", nil, 0},
		{`{"type":"x","after":"soon"}`, "x", "", nil, 0},
		{`{"type":"x","after":1e300}`, "x", "", nil, maxAfter},
		{`{"type":"x","after":"99999h"}`, "x", "", nil, maxAfter},
		{`not JSON`, guestType, "not JSON", nil, 0},
		{``, guestType, "", nil, 0},
		{`{"type":"` + strings.Repeat("x", 65) + `"}`, guestType, "", nil, 0},
	} {
		e := guestFailure([]byte(c.in))
		same := (e.Retry == nil) == (c.retry == nil) && (e.Retry == nil || *e.Retry == *c.retry)
		if e.Type != c.errType || e.Message != c.message || !same || e.After != int64(c.after) {
			t.Errorf("%s: %+v", c.in, e)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"": false, "a": true, "_": true, "9a": false, "a9": true, ".a": false, "-a": false, "a.b-c_d": true, "a b": false,
		"\u00e9": false, strings.Repeat("x", 64): true, strings.Repeat("x", 65): false,
	} {
		if isTypeName(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
	for name, want := range map[string]bool{
		"": false, "ab12": true, "a_b-c": true, "-a": false, "_a": false, "a/b": false, "..": false, ".": false, "tmp-1": false,
		strings.Repeat("x", 128): true, strings.Repeat("x", 129): false,
	} {
		if isDigestName(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

// A guest cannot say what only the host knows: a task would end as revoked or
// expired on its own word.
func TestGuestFailureOfReservedType(t *testing.T) {
	for name := range reserved {
		e := guestFailure([]byte(`{"type":"` + name + `","message":"so there","retry":true,"after":2}`))
		if e.Type != reservedType || !strings.Contains(e.Message, name) || !strings.Contains(e.Message, "so there") {
			t.Errorf("%s: %+v", name, e)
		}
		if e.Retry == nil || !*e.Retry || e.After != int64(2*time.Second) {
			t.Errorf("%s: what else the guest asked for is lost: %+v", name, e)
		}
	}
	for _, name := range []string{queue.ErrRevoked, queue.ErrExpired, queue.ErrWorkerLost, queue.ErrCrashed, queue.ErrTimeout} {
		if !reserved[name] {
			t.Errorf("a guest may say %s", name)
		}
	}
	if reserved[queue.ErrFatal] {
		t.Error("a guest may not say fatal")
	}
}

func FuzzRender(f *testing.F) {
	f.Add("auto", []byte("hello\n"))
	f.Add("json", []byte(`{"a":[1,2]}`))
	f.Add("text", []byte("\xed\xa0\x80"))
	f.Fuzz(func(t *testing.T, mode string, out []byte) {
		got, err := render(mode, out, DefaultMaxOutput)
		if err != nil || got == nil {
			return
		}
		if !json.Valid(got) || !utf8.Valid(got) {
			t.Fatalf("%q is no result", got)
		}
		var s string
		if mode == OutputText {
			if err := json.Unmarshal(got, &s); err != nil || s != string(bytes.TrimSuffix(out, []byte("\n"))) {
				t.Fatalf("%q became %q", out, s)
			}
		}
	})
}

func FuzzGuestFailure(f *testing.F) {
	f.Add([]byte(`{"type":"no_stock","message":"sold out","retry":true,"after":"90s"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e := guestFailure(b)
		if !isTypeName(e.Type) || !utf8.ValidString(e.Message) || e.After < 0 || e.After > int64(maxAfter) {
			t.Fatalf("%+v", e)
		}
	})
}
