package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// TestDamagedFile flips bytes in each file of a killed node's data folder. The
// node must either say what is wrong and what to do, or come up with all that
// was acknowledged; nothing between.
func TestDamagedFile(t *testing.T) {
	n := testnode.Start(t)
	testnode.Push(t, n.Client(), guests.Echo)
	l := testnode.NewLoad(t, 8, 300, func(int) *windrow.Client { return n.Client() })
	l.Start()
	l.Wait()
	l.Check(n.Client())
	// The last ones are acknowledged, and in the log alone: the checkpoint is
	// up to 100 ms behind.
	tail := enlist(t, n.Client(), 100, windrow.Call{Task: "echo.main", Input: json.RawMessage(`"a tail"`), Countdown: windrow.After(time.Hour)})
	n.Kill()
	var files []string
	err := filepath.WalkDir(n.DataDir(), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(n.DataDir(), path)
			files = append(files, rel)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		places := []string{"start", "middle", "end"}
		if !long() {
			places = places[i%3:][:1]
		}
		for _, where := range places {
			t.Run(file+"/"+where, func(t *testing.T) {
				hurt := testnode.New(t)
				if err := os.CopyFS(hurt.DataDir(), os.DirFS(n.DataDir())); err != nil {
					t.Fatal(err)
				}
				at, size, err := flip(filepath.Join(hurt.DataDir(), file), where)
				if err != nil {
					t.Skip(err)
				}
				hurt.RaftAddr, hurt.HTTPAddr = n.RaftAddr, n.HTTPAddr
				hurt.Launch()
				if code, ended := hurt.ReadyOrEnd(); ended {
					said := hurt.Log()[max(strings.LastIndex(hurt.Log(), "windrowd: "), 0):]
					t.Logf("%d of %d: refused with %d: %s", at, size, code, said)
					if code != 1 || !strings.Contains(said, "backup") && !strings.Contains(said, "damaged") || strings.Contains(said, "goroutine") {
						t.Errorf("refused with exit code %d, and without what to do: %s", code, hurt.Log())
					}
					return
				}
				t.Logf("%d of %d: started, said: %s", at, size, strings.Join(warnings(hurt.Log()), "\n"))
				cl := hurt.Client()
				for id := range l.IDs() {
					if task, err := cl.Task(context.Background(), id); err != nil || task.State != "success" || string(task.Result) != string(task.Input) {
						t.Fatalf("acknowledged task %s is %+v, %v", id, task, err)
					}
				}
				if strings.HasPrefix(file, "raft/") && strings.HasSuffix(file, ".wal") && where == "end" {
					return // the very last write: it cannot be told from one that a power cut tore
				}
				for _, id := range tail.ids {
					if task, err := cl.Task(context.Background(), id); err != nil || task.State != "pending" || string(task.Input) != `"a tail"` {
						t.Fatalf("acknowledged task %s of the log's end is %+v, %v", id, task, err)
					}
				}
				if strings.HasPrefix(file, "blobs/") { // which was noticed, so that it can be brought again
					testnode.Push(t, cl, guests.Echo)
				}
				if task, err := cl.SubmitWait(context.Background(), windrow.Call{Task: "echo.main", Input: json.RawMessage(`"new"`)}); err != nil || string(task.Result) != `"new"` {
					t.Errorf("a new task is %+v, %v", task, err)
				}
			})
		}
	}
}

// flip damages four bytes of what is not zero in a file.
func flip(path, where string) (at, size int, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, 0, err
	}
	used := len(strings.TrimRight(string(b), "\x00"))
	if used < 8 {
		return 0, 0, fmt.Errorf("%d bytes are nothing to damage", used)
	}
	switch where {
	case "start":
		at = 0
	case "middle":
		at = used/2 + rand.IntN(4)
	case "end":
		at = used - 6
	}
	for i := range 4 {
		b[at+i] ^= 0x5a
	}
	return at, used, os.WriteFile(path, b, 0o600)
}

func warnings(log string) (list []string) {
	for line := range strings.Lines(log) {
		if strings.Contains(line, "level=WARN") || strings.Contains(line, "level=ERROR") {
			list = append(list, line)
		}
	}
	return list
}

// TestDamagedServer: one of three with a damaged log harms nobody, and the way
// back that it names works.
func TestDamagedServer(t *testing.T) {
	c := testnode.NewCluster(t, 3)
	cl := c.Client()
	testnode.Push(t, cl, guests.Echo)
	l := testnode.NewLoad(t, 8, 300, c.ClientFrom)
	l.Start()
	l.WaitAcked(150)
	hurt := c.Follower()
	hurt.Kill()
	logs, err := filepath.Glob(filepath.Join(hurt.DataDir(), "raft", "*.wal"))
	if err != nil || len(logs) == 0 {
		t.Fatal(logs, err)
	}
	b, err := os.ReadFile(logs[0])
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte(`{"n":`))
	if at < 0 {
		t.Fatal("no call stands in the log")
	}
	b[at+5] ^= 1
	if err := os.WriteFile(logs[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	hurt.Launch()
	if code := hurt.Wait(); code != 1 || !strings.Contains(hurt.Log(), "joins anew") {
		t.Fatalf("exit code %d:\n%s", code, hurt.Log())
	}
	l.Wait()
	if err := cl.RemoveNode(t.Context(), c.ID(hurt)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(hurt.DataDir()); err != nil {
		t.Fatal(err)
	}
	hurt.Flags = []string{"--node-id", c.ID(hurt), "--join", c.Others(hurt)[0].URL()}
	hurt.Start()
	testnode.Poll(t, "the server to vote again", func() error {
		status, err := cl.Cluster(context.Background())
		if err != nil {
			return err
		}
		for _, n := range status.Nodes {
			if n.ID == c.ID(hurt) && n.Voter {
				return nil
			}
		}
		return fmt.Errorf("it does not: %+v", status.Nodes)
	})
	l.Check(hurt.Client(), cl)
}
