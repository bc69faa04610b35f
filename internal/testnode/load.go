package testnode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"

	"github.com/windrow-dev/windrow/internal/guests"
)

// Load is many clients that submit numbered tasks and keep a ledger of what
// was acknowledged to them. Each number has an idempotency key of its own, and
// whatever got no answer is asked again with it.
type Load struct {
	Clients []*windrow.Client
	Total   int
	// Call makes the call of a number; echo of {"n": number} by default.
	Call func(n int) windrow.Call
	// Repeat is one in how many acknowledged calls is sent again, to see that
	// its id stays; 20 by default.
	Repeat int
	// Others says that tasks of the same name from before are there.
	Others bool
	// Readers is how many of the acknowledged tasks are waited for and read
	// while the load goes on.
	Readers int

	t      testing.TB
	ctx    context.Context // ends with the test
	prefix string
	next   atomic.Int64
	acked  atomic.Int64
	// unknown counts requests that may have been carried out or not.
	unknown atomic.Int64
	work    sync.WaitGroup
	readed  sync.WaitGroup
	fresh   chan string

	mu    sync.Mutex
	ids   map[int]string
	owner map[string]int
	ended map[string]string // a task as it was first seen ended
}

// NewLoad makes a load of so many tasks from so many clients, made by client.
func NewLoad(t testing.TB, clients, total int, client func(i int) *windrow.Client) *Load {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &Load{t: t, ctx: ctx, Total: total, Repeat: 20, Readers: 4, prefix: windrow.NewIdempotencyKey(),
		Call:  func(n int) windrow.Call { return windrow.Call{Task: guests.Echo + ".main", Input: number(n)} },
		fresh: make(chan string, total), ids: map[int]string{}, owner: map[string]int{}, ended: map[string]string{}}
	for i := range clients {
		l.Clients = append(l.Clients, client(i))
	}
	t.Cleanup(func() {
		cancel()
		l.work.Wait()
		l.readed.Wait()
	})
	return l
}

// Odd gives every other client no patience, so that requests without an answer
// are seen and repeated here.
func Odd(patient, impatient func(i int) *windrow.Client) func(i int) *windrow.Client {
	return func(i int) *windrow.Client {
		if i%2 == 1 {
			return impatient(i)
		}
		return patient(i)
	}
}

func number(n int) json.RawMessage { return fmt.Appendf(nil, `{"n":%d}`, n) }

// Start lets the clients begin.
func (l *Load) Start() {
	for _, c := range l.Clients {
		l.work.Go(func() {
			for n := int(l.next.Add(1)); n <= l.Total && !l.over(); n = int(l.next.Add(1)) {
				l.submit(c, n)
			}
		})
	}
	for i := range min(l.Readers, len(l.Clients)) {
		c := l.Clients[i]
		l.readed.Go(func() {
			for {
				select {
				case id, more := <-l.fresh:
					if !more || l.over() {
						return
					}
					l.read(c, id)
				case <-l.ctx.Done():
					return
				}
			}
		})
	}
}

// over says that nothing more is to be done: the test has failed, or ended.
func (l *Load) over() bool { return l.t.Failed() || l.ctx.Err() != nil }

// submit asks until there is an answer, as a careful program does.
func (l *Load) submit(c *windrow.Client, n int) {
	for {
		id, err := l.ask(c, n)
		if l.ctx.Err() != nil {
			return
		}
		if errors.Is(err, errNoAnswer) && !l.t.Failed() {
			<-time.After(time.Duration(rand.IntN(20)) * time.Millisecond) // a dead node refuses at once
			continue
		}
		if err != nil {
			l.t.Errorf("submit %d: %v", n, err)
			return
		}
		if rand.IntN(l.Repeat) == 0 {
			again, err := l.ask(c, n)
			if l.ctx.Err() != nil {
				return
			}
			if err == nil && again != id || err != nil && !errors.Is(err, errNoAnswer) {
				l.t.Errorf("number %d was acknowledged as %s, and asked again as %s, %v", n, id, again, err)
			}
		}
		l.keep(n, id)
		return
	}
}

var errNoAnswer = errors.New("no answer")

func (l *Load) ask(c *windrow.Client, n int) (string, error) {
	s, err := c.Submit(l.ctx, l.Call(n), windrow.IdempotencyKey(fmt.Sprintf("%s-%d", l.prefix, n)))
	switch {
	case err == nil:
		return s.ID, nil
	case windrow.IsUnreachable(err):
		var u *windrow.UnreachableError
		if errors.As(err, &u) && u.Unknown {
			l.unknown.Add(1)
		}
		return "", errNoAnswer
	}
	return "", err
}

func (l *Load) keep(n int, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if other, twice := l.owner[id]; twice {
		l.t.Errorf("numbers %d and %d have the same id %s", other, n, id)
	}
	l.ids[n], l.owner[id] = id, n
	l.acked.Add(1)
	l.fresh <- id
}

// read waits for a task's end and keeps what it looks like, which may not
// change any more.
func (l *Load) read(c *windrow.Client, id string) {
	began := time.Now()
	for {
		task, err := l.await(c, id)
		if l.ctx.Err() != nil {
			return
		}
		if windrow.IsUnreachable(err) && !l.t.Failed() && time.Since(began) < endWithin {
			continue
		}
		if err != nil {
			l.t.Errorf("acknowledged task %s is lost, or does not end: %v", id, err)
			return
		}
		l.note(task)
		return
	}
}

// endWithin is how long an acknowledged task may take to end, whatever is done
// to the nodes meanwhile: it is there, or a lost one would be waited for for ever.
const endWithin = 2 * patience

func (l *Load) await(c *windrow.Client, id string) (*windrow.Task, error) {
	ctx, cancel := context.WithTimeout(l.ctx, endWithin)
	defer cancel()
	return c.Wait(ctx, id)
}

func (l *Load) note(task *windrow.Task) {
	text, err := json.Marshal(task)
	if err != nil {
		l.t.Errorf("task %s: %v", task.ID, err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if before, seen := l.ended[task.ID]; seen && before != string(text) {
		l.t.Errorf("a task that had ended changed from\n%s\nto\n%s", before, text)
	}
	l.ended[task.ID] = string(text)
}

// Acked is how many tasks have been acknowledged.
func (l *Load) Acked() int { return int(l.acked.Load()) }

// IDs gives each acknowledged task with its number.
func (l *Load) IDs() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.owner)
}

// Unknown is how many requests may or may not have been carried out, as the
// client says; each was repeated until it was acknowledged.
func (l *Load) Unknown() int { return int(l.unknown.Load()) }

// WaitAcked waits until so many are acknowledged, or all, or the test has failed,
// as long as there is progress.
func (l *Load) WaitAcked(n int) {
	l.t.Helper()
	for have := l.Acked(); have < min(n, l.Total) && !l.over(); have = l.Acked() {
		Poll(l.t, fmt.Sprintf("more than %d acknowledged tasks", have), func() error {
			if l.Acked() == have && !l.over() {
				return errors.New("none came")
			}
			return nil
		})
	}
}

// Wait waits until all are acknowledged and what the readers wait for has
// ended.
func (l *Load) Wait() {
	l.t.Helper()
	l.WaitAcked(l.Total) // complains where there is no progress any more
	l.work.Wait()
	close(l.fresh)
	l.readed.Wait()
	if l.Acked() != l.Total {
		l.t.Fatalf("%d of %d are acknowledged", l.Acked(), l.Total)
	}
}

// Check wants every acknowledged task to have ended well, with the same record
// at every reading, and no other task of its name to be there. Each client
// given reads everything once.
func (l *Load) Check(clients ...*windrow.Client) {
	l.t.Helper()
	for _, c := range clients {
		ids := make(chan string, len(l.owner))
		for id := range l.owner {
			ids <- id
		}
		close(ids)
		var readers sync.WaitGroup
		for range 8 {
			readers.Go(func() {
				for id := range ids {
					if l.t.Failed() {
						return
					}
					l.check(c, id)
				}
			})
		}
		readers.Wait()
		if l.t.Failed() {
			l.t.FailNow()
		}
	}
	l.checkList(clients[0])
}

func (l *Load) check(c *windrow.Client, id string) {
	task, err := l.await(c, id)
	if err != nil {
		l.t.Errorf("acknowledged task %s is lost, or does not end: %v", id, err)
		return
	}
	want := l.Call(l.owner[id])
	if task.State != "success" || want.Task == guests.Echo+".main" && string(task.Result) != string(want.Input) {
		l.t.Errorf("task %s of %s %s ended as %s %s %+v", id, want.Task, want.Input, task.State, task.Result, task.Error)
	}
	l.note(task)
}

// Each shows every task as it was seen ended, after Check.
func (l *Load) Each(show func(n int, task *windrow.Task)) {
	l.t.Helper()
	for id, text := range l.ended {
		var task windrow.Task
		if err := json.Unmarshal([]byte(text), &task); err != nil {
			l.t.Fatal(err)
		}
		show(l.owner[id], &task)
	}
}

func (l *Load) checkList(c *windrow.Client) {
	l.t.Helper()
	seen := 0
	for task, err := range c.Tasks(context.Background(), windrow.TaskFilter{Task: l.Call(1).Task, PageSize: 1000}) {
		if err != nil {
			l.t.Fatalf("list after %d: %v", seen, err)
		}
		if _, ours := l.owner[task.ID]; !ours {
			if !l.Others {
				l.t.Errorf("task %s was never acknowledged, though all %d numbers are", task.ID, l.Total)
			}
			continue
		}
		seen++
	}
	if seen != l.Total {
		l.t.Errorf("the list has %d tasks, acknowledged were %d", seen, l.Total)
	}
}

// FirstAck submits until a node acknowledges, and tells how long that was after
// a moment.
func (n *Node) FirstAck(since time.Time) time.Duration {
	n.t.Helper()
	key := windrow.NewIdempotencyKey()
	c := n.Impatient()
	Poll(n.t, "an acknowledgement", func() error {
		_, err := c.Submit(context.Background(), windrow.Call{Task: guests.Noop + ".main"}, windrow.IdempotencyKey(key))
		return err
	})
	return time.Since(since)
}
