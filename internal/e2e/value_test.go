package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
	"github.com/windrow-dev/windrow/internal/testnode"
)

// large is a JSON text of about 5 MiB that no other test sends.
func large(seed string) json.RawMessage {
	b, _ := json.Marshal(strings.Repeat(seed+" 0123456789", 5<<20/(len(seed)+11)))
	return b
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// TestLargeValues sends 5 MiB through a task: on one node, and on three with
// workers that hold nothing. Input and result outlive the node that took them.
func TestLargeValues(t *testing.T) {
	t.Run("one", func(t *testing.T) {
		n := testnode.Start(t)
		testnode.Push(t, n.Client(), guests.Echo, guests.BigOut)
		value := large(t.Name())
		task, err := n.Client().SubmitWait(t.Context(), windrow.Call{Task: "echo.main", Input: value})
		if err != nil || task.State != "success" {
			t.Fatalf("%v, %.300v", err, task)
		}
		n.Kill()
		n.Start()
		holdsLarge(t, n, task.ID, value)
		big, err := n.Client().SubmitWait(t.Context(), windrow.Call{Task: "bigout.main", Input: json.RawMessage(`5242880`)})
		if err != nil || big.State != "success" || len(big.Result) != 5<<20+2 {
			t.Fatalf("%v, a result of %d bytes", err, len(big.Result))
		}
	})
	t.Run("three", func(t *testing.T) {
		c := testnode.NewCluster(t, 3, "--role", "server")
		cl := c.Client()
		testnode.Push(t, cl, guests.Echo)
		// The worker fetches module and input, and sends the result.
		c.AddWorker()
		value := large(t.Name())
		taker := c.Follower()
		task, err := taker.Client().SubmitWait(t.Context(), windrow.Call{Task: "echo.main", Input: value})
		if err != nil || task.State != "success" || task.Worker != "w1" {
			t.Fatalf("%v, %.300v", err, task)
		}
		if task.InputDigest != digestOf(value) {
			t.Errorf("the input's digest is %s, not %s", task.InputDigest, digestOf(value))
		}
		waitsForAnother(t, c)
		// Who took it goes: a majority has it.
		taker.Kill()
		for _, n := range c.Others(taker) {
			holdsLarge(t, n, task.ID, value)
		}
		// Who was away while one came fetches it afterwards.
		other := large(t.Name() + " again")
		task, err = c.Others(taker)[0].Client().SubmitWait(t.Context(), windrow.Call{Task: "echo.main", Input: other})
		if err != nil || task.State != "success" {
			t.Fatalf("%v, %.300v", err, task)
		}
		taker.Start()
		c.WaitCaughtUp(taker)
		holdsBlob(t, taker, other)
		holdsLarge(t, taker, task.ID, other)
	})
}

// waitsForAnother puts a value where no other server answers: it is not
// acknowledged until one does.
func waitsForAnother(t *testing.T, c *testnode.Cluster) {
	t.Helper()
	value := large("while the others are stopped")
	at := c.Nodes[0]
	for _, n := range c.Others(at) {
		n.Pause()
	}
	answered := make(chan *testnode.Answer, 1)
	go func() {
		a, err := at.Try("PUT", "/v1/blobs/"+digestOf(value), bytes.NewReader(value), "Content-Type: application/json")
		if err != nil {
			t.Error(err)
		}
		answered <- a
	}()
	holdsBlob(t, at, value)
	select {
	case a := <-answered:
		if a != nil && a.Status == 201 {
			t.Errorf("a value was acknowledged that no other server has: %s", a.Body)
		}
		answered <- nil
	case <-time.After(time.Second):
	}
	for _, n := range c.Others(at) {
		n.Resume()
	}
	if a := <-answered; a != nil && a.Status != 201 {
		t.Errorf("with the others back the answer is %d %s", a.Status, a.Body)
	}
	c.Leader()
}

// holdsLarge wants a node to show a task whose input and result are a value.
func holdsLarge(t *testing.T, n *testnode.Node, id string, value json.RawMessage) {
	t.Helper()
	task, err := n.Client().Task(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if string(task.Input) != string(value) || string(task.Result) != string(value) {
		t.Errorf("%s shows an input of %d and a result of %d bytes, both should have %d", n.HTTPAddr, len(task.Input), len(task.Result), len(value))
	}
}

// holdsBlob waits until a value's file is in a node's own data folder.
func holdsBlob(t *testing.T, n *testnode.Node, value []byte) {
	t.Helper()
	digest := digestOf(value)
	testnode.Poll(t, "the blob in the folder", func() error { return n.HasBlob(digest) })
}
