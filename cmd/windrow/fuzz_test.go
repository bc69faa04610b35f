package main

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"

	"github.com/spf13/cobra"
)

// FuzzClean holds that nothing a guest or a server says can steer a terminal,
// however it comes in pieces.
func FuzzClean(f *testing.F) {
	f.Add("\x1b[31mred\x1b[0m\nline\ttab\xff\u202e\u009b")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range clean(s) {
			if unicode.IsControl(r) {
				t.Errorf("%q keeps %U", s, r)
			}
		}
		var copied strings.Builder
		if err := copyText(&copied, iotest.OneByteReader(strings.NewReader(s)), true); err != nil {
			t.Fatal(err)
		}
		if copied.String() != cleanLines(s) {
			t.Errorf("%q in pieces became %q, whole %q", s, copied.String(), cleanLines(s))
		}
		for _, r := range copied.String() {
			if unicode.IsControl(r) && r != '\n' && r != '\t' {
				t.Errorf("%q keeps %U", s, r)
			}
		}
	})
}

// FuzzCallFlags holds that what the flags accept is a call that the server can
// read.
func FuzzCallFlags(f *testing.F) {
	f.Add("m.t", `{"a": 1}`, "x=1", `"text"`, "30s", "10/s")
	f.Add("m", "1 2", "=", "hello", "-1", "0/s")
	f.Fuzz(func(t *testing.T, task, arg, kwarg, header, countdown, rate string) {
		var flags callFlags
		cmd := &cobra.Command{Use: "test"}
		flags.add(cmd)
		args := []string{"--arg", arg, "--kwarg", kwarg, "--header", "h=" + header, "--countdown", countdown, "--rate-limit", rate}
		if cmd.ParseFlags(args) != nil {
			return
		}
		call, err := flags.call(task, cmd.Flags(), strings.NewReader(""))
		if err != nil {
			return
		}
		if b, err := json.Marshal(call); err != nil || !json.Valid(b) {
			t.Errorf("%q became %s, %v", args, b, err)
		}
	})
}
