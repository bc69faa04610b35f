package main

import (
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/cluster"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/sdk/wire"
)

// checking is a node as far as check needs it.
func checking(t testing.TB, low bool) *node {
	t.Helper()
	f, err := cluster.OpenFolder(t.TempDir(), "n7")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	n := &node{folder: f}
	n.disk.look = func() bool { return low }
	return n
}

func submitOf(calls int) []byte {
	c := &command.Submit{Namespace: "default", Calls: command.Calls{Specs: []queue.Spec{queue.DefaultSpec("default", "mod", "main")}}}
	for i := range calls {
		c.Calls.List = append(c.Calls.List, command.Call{ID: queue.ID{byte(i)}, Payload: (&queue.Payload{Args: []byte(`[1,2,3]`)}).Append(nil)})
	}
	return command.Encode(shard, c)
}

// TestCheck: what the leader could not apply stays out of the log, and so does
// new work while its disk is low.
func TestCheck(t *testing.T) {
	damaged := submitOf(1)
	for name, tc := range map[string]struct {
		cmd  []byte
		low  bool
		code command.Code
	}{
		"sound":                     {submitOf(1), false, command.OK},
		"nothing":                   {nil, false, command.CodeVersion},
		"unknown verb":              {[]byte{0, 250}, false, command.CodeVersion},
		"cut off":                   {damaged[:len(damaged)-2], false, command.CodeVersion},
		"another shard":             {command.Encode(3, &command.Continue{}), false, command.CodeVersion},
		"new work on a full disk":   {submitOf(1), true, wire.CodeDiskFull},
		"a key on a full disk":      {submitOf(0), true, command.OK},
		"end of work on a full one": {command.Encode(shard, &command.Revoke{Namespace: "default"}), true, command.OK},
	} {
		r := checking(t, tc.low).check(tc.cmd)
		if r.Code != tc.code || tc.code != command.OK && !strings.Contains(r.Detail, "n7") {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	n, cmd := checking(b, false), submitOf(1)
	for b.Loop() {
		n.check(cmd)
	}
}
