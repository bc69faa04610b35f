package lead

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"math"
	"time"

	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/workflow"
	"github.com/windrow-dev/windrow/workflow/calendar"
)

// planned is a schedule with its rule, which is parsed once a version.
type planned struct {
	view  workflow.ScheduleView
	rule  calendar.Schedule
	all   bool  // every missed tick is made up for
	grace int64 // how late a tick may be, 0 for any
	wait  bool  // ticks wait while one is buffered, since none may be lost
	meta  []byte
	nodes int   // of a run, 1 at least
	rest  int64 // after a full round of what was missed, until then
	// Of one whose ticks a task says:
	asked   bool
	askMeta []byte
	payload queue.Payload
	asks    int   // since the last answer
	askAt   int64 // not before

	fault error // of a definition of another version of this program
}

const (
	// lateGrace is how late a tick may be that is not made up for: a change of
	// the leader takes less.
	lateGrace = int64(10 * time.Second)
	// fullRest is the rest of a schedule that makes up for more than a round,
	// so that it does not take all there is.
	fullRest = int64(time.Second)
	// mostLook is how many missed ticks are looked at in one round.
	mostLook = 100_000
)

func newPlanned(v *workflow.ScheduleView) *planned {
	p := &planned{nodes: 1}
	var d calendar.Definition
	if p.fault = json.Unmarshal(v.Body, &d); p.fault != nil {
		return p
	}
	if len(v.Ask) > 0 {
		p.fault = p.newAsked(v)
	} else {
		p.rule, p.fault = calendar.Parse(d.Rule)
	}
	if p.fault != nil {
		return p
	}
	plan, err := command.DecodePlan(v.Plan)
	if err != nil {
		p.fault = err
		return p
	}
	p.meta, p.nodes = plan.Meta, min(max(len(plan.Part.Nodes), 1), mostNodes)
	p.all, p.grace, p.fault = d.Policy()
	if d.Misfire == calendar.MisfireSkip && p.grace == 0 {
		p.grace = lateGrace
	}
	p.wait = p.all && d.Overlap == "buffer"
	return p
}

func (p *planned) set(v workflow.ScheduleView) { p.view = v }

// due is when the schedule next wants something.
func (p *planned) due(now int64) int64 {
	if p.asked {
		return p.dueAsk(now)
	}
	if p.fault != nil || p.view.Paused || p.view.Next == 0 || p.wait && p.view.Buffered != 0 {
		return math.MaxInt64
	}
	if p.rest > now {
		return p.rest
	}
	return p.at(time.Unix(0, p.view.Next))
}

// at is when a tick's run begins.
func (p *planned) at(tick time.Time) int64 {
	return tick.UnixNano() + int64(p.rule.Delay(p.view.Name, tick))
}

// commands are what is due, most at the most.
func (p *planned) commands(now int64, most int, runs Runs) []command.Command {
	switch {
	case !p.asked:
		return p.fires(now, most)
	case most > 0:
		return []command.Command{p.ask(now, runs)}
	}
	return nil
}

// fires are what is due, most at the most: one for each tick that is made up
// for, or one for the last, with the number of those that were missed.
func (p *planned) fires(now int64, most int) []command.Command {
	var out []command.Command
	expected := p.view.Next
	for len(out) < most && expected != 0 {
		tick := time.Unix(0, expected)
		if p.at(tick) > now {
			return out
		}
		f := p.fire(tick, now)
		out = append(out, f)
		expected = f.Next
		if p.wait { // whether the next one can be taken shows when this one is applied
			return out
		}
	}
	if p.all && len(out) == command.MaxFires {
		p.rest = now + fullRest
	}
	return out
}

// late reports whether a tick is too old to be made up for.
func (p *planned) late(tick time.Time, now int64) bool {
	return p.grace != 0 && now-p.at(tick) > p.grace
}

// fire deals with the tick that is expected, and with those after it that are
// missed as well.
func (p *planned) fire(tick time.Time, now int64) *command.Fire {
	f := &command.Fire{Namespace: p.view.Namespace, Name: p.view.Name, Version: p.view.Version, Expected: tick.UnixNano(), Run: newRunID()}
	for range mostLook {
		next, ok := p.rule.Next(tick)
		f.Next = 0
		if ok {
			f.Next = next.UnixNano()
		}
		if !ok || p.at(next) > now || p.all && !p.late(tick, now) {
			if p.late(tick, now) {
				f.Missed++
				return f
			}
			f.Tick = tick.UnixNano()
			f.Meta = calendar.Stamp(p.meta, p.view.Name, f.Tick)
			return f
		}
		f.Missed++
		tick = next
	}
	return f // those behind come in another round
}

// newRunID is a UUIDv7 whose last four bytes are zero.
func newRunID() queue.ID {
	var id queue.ID
	_, _ = rand.Read(id[8:12]) // never fails
	now := uint64(time.Now().UnixNano())
	ms := now / 1e6
	binary.BigEndian.PutUint64(id[:8], ms<<16|0x7000|now%1e6*4096/1e6)
	id[8] = id[8]&0x3f | 0x80
	return id
}
