package rooms

import (
	"slices"
	"strings"
	"testing"
)

// TestPlan keeps the plan itself in order: it names only rooms it has, gives
// reasons, and no room reaches itself over another.
func TestPlan(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range plan {
		if seen[r.path] {
			t.Errorf("%s stands in the plan twice", r.path)
		}
		seen[r.path] = true
		if r.why == "" {
			t.Errorf("%s: say why", r.path)
		}
		for _, m := range r.may {
			if !slices.ContainsFunc(plan, func(other room) bool { return m == other.path || fits(m, strings.TrimSuffix(other.path, "/...")) }) &&
				!strings.HasPrefix(m, "sdk/") {
				t.Errorf("%s may import %s, which is no room", r.path, m)
			}
			if next, ok := roomOf(plan, m); ok && next.path != r.path && !strings.HasSuffix(m, "...") && mayImport(plan, next, r.path) {
				t.Errorf("%s and %s may import each other", r.path, m)
			}
		}
	}
	for _, r := range plan {
		if fitsAny(deterministic, r.path) && !r.pure {
			t.Errorf("%s must be deterministic, so it must be a pure room", r.path)
		}
	}
	for _, l := range libraries {
		if l.why == "" {
			t.Errorf("%s: say why", l.module)
		}
	}
}

// TestForbiddenArrows: the plan would notice what the house must never do.
func TestForbiddenArrows(t *testing.T) {
	const ours = modulePath + "/"
	cases := []struct {
		dir, imports string
		allowed      bool
	}{
		{"queue", "strings", true},
		{"queue", ours + "workflow", false},
		{"queue", "github.com/google/uuid", false},
		{"queue/match", ours + "queue/limit", true},
		{"queue/limit", ours + "queue/match", false},
		{"workflow", ours + "workflow/expr", false},
		{"cluster/state", ours + "queue/match", true},
		{"cluster/state", ours + "workflow/expr", false},
		{"cluster/state", ours + "workflow/calendar", false},
		{"cluster/state", "golang.org/x/sync/errgroup", false},
		{"cluster/state", "github.com/dgraph-io/badger/v4", false},
		{"cluster/store", "github.com/dgraph-io/badger/v4", true},
		{"cluster/store", "github.com/dgraph-io/badger/v4/options", true},
		{"cluster/store", ours + "queue", true}, // what state may, its importers may
		{"cluster/journal", "github.com/dgraph-io/badger/v4", false},
		{"cluster/store", "github.com/hashicorp/raft", false},
		{"cluster", "github.com/hashicorp/raft", true},
		{"cluster", ours + "cluster/lead", true},
		{"cluster", ours + "runtime/host", false},
		{"cluster", ours + "api", false},
		{"cluster/lead", ours + "workflow/calendar", true},
		{"cluster/lead", ours + "cluster/store", false},
		{"cluster/lead/link", ours + "cluster/state", false},
		{"cluster/peer", "github.com/hashicorp/raft", false},
		{"workflow/calendar", "github.com/robfig/cron/v3", true},
		{"cluster/lead", "github.com/robfig/cron/v3", false},
		{"runtime/sandbox", "github.com/tetratelabs/wazero/experimental", true},
		{"runtime/host", "github.com/tetratelabs/wazero", false},
		{"runtime/module", "github.com/tetratelabs/wazero", false},
		{"runtime/host", ours + "runtime/sandbox", false},
		{"runtime/worker", ours + "cluster", false},
		{"runtime/worker", ours + "runtime/frame", true},
		{"api", ours + "cluster/command", true},
		{"api", ours + "cluster", false},
		{"api", ours + "cluster/state", false},
		{"api", ours + "runtime/module", false},
		{"api/ui", "github.com/gofiber/fiber/v2", true},
		{"cluster/peer", "github.com/gofiber/fiber/v2", false},
		{"sdk/wire", ours + "queue", false},
		{"examples/wasm/log-etl", ours + "queue", false},
		{"examples/wasm/log-etl", ours + "sdk", true},
		{"cmd/node", ours + "cluster/state", true},
		{"cmd/windrow", ours + "cluster", false},
		{"cmd/windrow", ours + "sdk/wire", true},
		{"util", "strings", false}, // no such room
		{"internal/util", "strings", false},
	}
	for _, c := range cases {
		faults := check(plan, libraries, c.dir, []string{c.imports})
		if c.allowed != (len(faults) == 0) {
			t.Errorf("%s importing %s: allowed should be %v, faults %q", c.dir, c.imports, c.allowed, faults)
		}
	}
}
