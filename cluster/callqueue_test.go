package cluster

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestCallQueue plays random calls, givings-up and takings against a list.
func TestCallQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q callQueue
		var model []*call
		steps := rapid.IntRange(1, 200).Draw(t, "steps")
		for range steps {
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0, 1:
				c, err := newCall(make([][]byte, rapid.IntRange(1, 5).Draw(t, "commands")))
				if err != nil {
					t.Fatal(err)
				}
				c.size = rapid.IntRange(1, 100).Draw(t, "size")
				q.push(c)
				model = append(model, c)
			case 2:
				if len(model) > 0 {
					i := rapid.IntRange(0, len(model)-1).Draw(t, "who")
					model[i].state = callGivenUp
					q.givenUp(model[i])
					model = slices.Delete(model, i, i+1)
				}
			case 3:
				model = checkTake(t, &q, model)
			}
			count, bytes := 0, 0
			for _, c := range model {
				count += len(c.cmds)
				bytes += c.size
			}
			if q.count != count || q.bytes != bytes {
				t.Fatalf("queue counts %d commands of %d bytes, want %d of %d", q.count, q.bytes, count, bytes)
			}
		}
		for len(model) > 0 {
			model = checkTake(t, &q, model)
		}
		if c := q.pop(); c != nil {
			t.Fatal("something is left")
		}
	})
}

// checkTake takes from the queue and says what must be left.
func checkTake(t *rapid.T, q *callQueue, model []*call) []*call {
	const maxCount, maxBytes = 8, 120
	calls, count, size := q.take(maxCount, maxBytes)
	if len(model) == 0 {
		if len(calls) != 0 {
			t.Fatal("took from an empty queue")
		}
		return model
	}
	if len(calls) == 0 || !slices.Equal(calls, model[:len(calls)]) {
		t.Fatalf("took %d calls that are not the oldest", len(calls))
	}
	if len(calls) > 1 && (count > maxCount || size > maxBytes) {
		t.Fatalf("took %d commands of %d bytes", count, size)
	}
	rest := model[len(calls):]
	if len(rest) > 0 && count+len(rest[0].cmds) <= maxCount && size+rest[0].size <= maxBytes {
		t.Fatal("left a call that would have fitted")
	}
	return rest
}
