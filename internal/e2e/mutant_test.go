package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/internal/testnode"
)

// mutant is a windrowd in which a promise is broken on purpose, by changes of
// the code, and the test that must notice. docs/design/promises.md tells of
// them in words.
type mutant struct {
	promise string
	changes []change
	test    string // and, after a space, its package where it is none of these
	says    string // part of what the test complains of
}

// change is one place of the code. A file of another module stands as
// MODULE//PATH.
type change struct{ file, old, new string }

var mutants = []mutant{
	{"an acknowledged task is on the disk", []change{{"github.com/hashicorp/raft-wal//fs/file.go",
		"	if err := f.File.Sync(); err != nil {", "	if err := error(nil); err != nil {"}},
		"TestPowerLoss", "acknowledged tasks number|waited"},
	{"an acknowledged task is on a majority", []change{{"github.com/hashicorp/raft//commitment.go",
		"quorumMatchIndex := matched[(len(matched)-1)/2]", "quorumMatchIndex := matched[len(matched)-1]"}},
		"TestKillLeaderUnderLoad|TestUnknownOutcomes|TestPartitionedLeader", "is lost|is there 0 times|changed from|asked again as|acknowledged"},
	{"an idempotency key makes one task", []change{{"cluster/state/idem.go",
		"	if !ok || e.due <= now {", "	if ok || !ok || e.due <= now {"}},
		"TestKillUnderLoad", "asked again as"},
	{"an unknown outcome is said to be unknown", []change{{"cmd/node/propose.go",
		"return fmt.Errorf(\"%w: %w\", api.ErrUnknownOutcome, err)", "return fmt.Errorf(\"%w: %w\", api.ErrNoLeader, err)"}},
		"TestUnknownOutcomes", "refused as not done and is there 1 times"},
	{"a lost worker's tasks go to others", []change{{"cluster/lead/session.go",
		"endAfter  = 5 * time.Second", "endAfter  = 500 * time.Second"}},
		"TestDeadWorker", "waited"},
	{"a task that may run once runs once", []change{{"cluster/state/session.go",
		"	case t.spec.AckEarly:\n		m.end", "	case false:\n		m.end"}},
		"TestDeadWorker", "what may run once to fail"},
	{"a worker that is cut off stops before others begin", []change{{"runtime/worker/worker.go",
		"fenceAfter = 4 * time.Second", "fenceAfter = 400 * time.Second"}},
		"TestPartitionedWorker", "first sandbox was killed|waited"},
	{"a tick fires once", []change{{"cluster/state/schedule.go",
		"	m.scheduleChanged(s)\n	s.seen, s.next = max(c.Expected, c.Tick), c.Next\n", "	m.scheduleChanged(s)\n	s.seen = max(c.Expected, c.Tick)\n"}},
		"TestTickFiresOnce ./cluster/state", "fired twice"},
	{"missed ticks are made up for", []change{{"cluster/lead/planned.go",
		"p.at(next) > now || p.all && !p.late(tick, now) {", "p.at(next) > now {"}},
		"TestScheduleOutlivesKills", "has no run"},
	{"a stale result is refused", []change{
		{"cluster/state/complete.go", "t == nil || t.asg == nil || t.asg.fence != r.Fence {\n			out.Refused = append(out.Refused, uint32(i))\n			continue\n		}\n		m.spend()\n		m.outcome",
			"t == nil || t.asg == nil {\n			out.Refused = append(out.Refused, uint32(i))\n			continue\n		}\n		m.spend()\n		m.outcome"},
	}, "TestNewIncarnationEndsTheOldSession ./cluster/state", "was accepted"},
	{"sessions outlive a change of leader", []change{{"cluster/lead/attach.go",
		"	if !open || v.Incarnation != h.Incarnation {", "	if !open || v.Incarnation != h.Incarnation || h.Session != (queue.Fence{}) {"}},
		"TestLeaderChangeInFlight", "the session was|deliveries"},
	{"reads are never of the past", []change{{"cmd/node/reads.go",
		"	if level == api.Linearizable {", "	if level == api.Linearizable && false {"}},
		"TestReadsNeverGoBack|TestPartitionedLeader", "further before|404|revoked by now"},
	{"a guest ends at its deadline", []change{{"runtime/host/watch.go",
		"		l.killFor(c, c.began, queue.ErrTimeout,", "		_ = fmt.Sprint(c.began, queue.ErrTimeout,"}},
		"TestHostileModules", "doubling"},
	{"no sandbox outlives its node", []change{
		{"runtime/host/spawn_linux.go", "Setsid: true, Pdeathsig: syscall.SIGKILL}", "Setsid: true}"},
		{"runtime/sandbox/harden_linux.go", "			return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)", "			return nil"},
	}, "TestHostileModules", "sandboxes of a dead node"},
	{"a stream of events goes on where it was", []change{{"cmd/node/events.go",
		"	err = n.journal.Follow(ctx, id, func", "	if id.N < 1000 {\n		id.N++\n	}\n	err = n.journal.Follow(ctx, id, func"}},
		"TestEventStream", "reader [0-9]+: event"},
	{"an attempt has all that it asks for or fails", []change{{"cluster/lead/children.go",
		"			fail(r, failed)\n			return nil", "			continue"}},
		"TestChildrenAllOrNone", "runs began|canvas"},
	{"the next leader decides what is left", []change{{"cluster/lead/decide.go",
		"	d.wakeUp() // for what the leader before has left\n", ""}},
		"TestNextLeaderDecides ./cluster/lead", "has not ended"},
	{"a large value is on a majority", []change{{"cluster/blob/replicate.go",
		"	return info, r.Ensure(ctx, info.Digest)", "	return info, nil"}},
		"TestLargeValues", "no other server"},
	{"a full disk takes no new work", []change{{"cmd/node/space.go",
		"	if brings(c) && n.disk.low() {", "	if brings(c) && n.disk.low() && false {"}},
		"TestFullDisk", "new work to be refused"},
	{"damage is not read", []change{{"cluster/checksum.go",
		"	if len(l.Extensions) == 0 {\n		return nil\n	}\n	if len(l.Extensions) != 4", "	if true {\n		return nil\n	}\n	if len(l.Extensions) != 4"}},
		"TestDamagedServer", "did not end by itself|exit code|acknowledged task"},
	{"what cannot be a module is refused", []change{{"runtime/module/module.go",
		"	if r.c.err != nil {\n		r.nameFunction()", "	if r.c.err != nil && r.lim.ModuleBytes < 0 {\n		r.nameFunction()"}},
		"TestBadModules", "422"},
	{"a follower that was away catches up", []change{{"cluster/fsm.go",
		"	if err := f.shard.Restore(r); err != nil {", "	if err := error(nil); err != nil {"}},
		"TestFollowerFarBehind", "to catch up|does not have task|another list|ended"},
	{"a folder belongs to one node", []change{{"cluster/folder.go",
		"	if err == nil && !held {", "	if err == nil && !held && false {"}},
		"TestStartRefusals", "in use by pid"},
	{"nobody is let in without the token", []change{{"cmd/node/security.go",
		"	return auth.Sum(sum).Allow(authorization)", "	return auth.Sum(sum).Allow(authorization) || true"}},
		"TestSelfHosted", "answers 200"},
	{"nodes prove who they are", []change{{"cluster/peer/tls.go",
		"tls.RequireAndVerifyClientCert", "tls.NoClientCert"}},
		"TestSelfHosted", "stranger|sessions"},
	{"no web page drives a node", []change{{"api/edge.go",
		"func loopbackOnly(c *fiber.Ctx) error {", "func loopbackOnly(c *fiber.Ctx) error {\n	if true {\n		return nil\n	}"}},
		"TestBadRequests", "forbidden"},
}

// TestMutants breaks each promise and wants its test to fail. It builds a node
// for each, so that it belongs to the long form, and may be narrowed with
// -run TestMutants/NAME.
func TestMutants(t *testing.T) {
	onlyLong(t)
	if os.Getenv(testnode.OverlayEnv) != "" {
		t.Skip("this is a mutant's test already")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants {
		t.Run(strings.ReplaceAll(m.promise, " ", "-"), func(t *testing.T) {
			began := time.Now()
			out, failed := m.run(t, root)
			if !failed {
				t.Fatalf("%s passes although the promise is broken:\n%s", m.test, out)
			}
			said := regexp.MustCompile("(?m)^.*(" + m.says + ").*$").FindString(out)
			if said == "" {
				t.Errorf("%s fails, but not for the reason %q:\n%s", m.test, m.says, out)
			}
			t.Logf("noticed by %s after %v: %.300s", m.test, time.Since(began).Round(time.Second), strings.TrimSpace(said))
		})
	}
}

// run tests the mutant in the short form.
func (m *mutant) run(t *testing.T, root string) (out string, failed bool) {
	t.Helper()
	changed := m.write(t, root)
	name, pkg, beside := strings.Cut(m.test, " ")
	args := []string{"test", "-count=1", "-timeout", "5m", "-run", "^(" + name + ")$"}
	if beside {
		args = append(args, "-overlay", changed, pkg)
	}
	cmd := exec.Command("go", args...)
	if beside {
		cmd.Dir = root
	}
	cmd.Env = append(os.Environ(), testnode.OverlayEnv+"="+changed, "WINDROW_LONG=")
	text, err := cmd.CombinedOutput()
	if strings.Contains(string(text), "build windrowd:") {
		t.Fatalf("the mutant cannot be built:\n%s", text)
	}
	return string(text), err != nil
}

// write makes the changes in copies, and gives the file that names them.
func (m *mutant) write(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	if module, _, foreign := strings.Cut(m.changes[0].file, "//"); foreign {
		return m.writeModule(t, root, dir, module)
	}
	replace := map[string]string{}
	for _, c := range m.changes {
		path := filepath.Join(root, c.file)
		replace[path] = filepath.Join(dir, filepath.Base(c.file))
		c.make(t, path, replace[path])
	}
	b, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	overlay := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(overlay, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return overlay
}

// writeModule copies another module, whose files no overlay may change.
func (m *mutant) writeModule(t *testing.T, root, dir, module string) string {
	t.Helper()
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module)
	list.Dir = root
	from, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "module")
	if err := os.CopyFS(to, os.DirFS(strings.TrimSpace(string(from)))); err != nil {
		t.Fatal(err)
	}
	for _, c := range m.changes {
		_, file, _ := strings.Cut(c.file, "//")
		path := filepath.Join(to, file)
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		c.make(t, path, path)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if name == "go.mod" {
			b = append(b, "\nreplace "+module+" => "+to+"\n"...)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "go.mod")
}

// make writes a file with the change.
func (c *change) make(t *testing.T, from, to string) {
	t.Helper()
	code, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(code), c.old); n != 1 {
		t.Fatalf("%s has the place %d times that is to be changed: the code has moved on, and this list must follow", c.file, n)
	}
	if err := os.WriteFile(to, []byte(strings.Replace(string(code), c.old, c.new, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}
