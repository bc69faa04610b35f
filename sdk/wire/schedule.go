package wire

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// Schedule is a schedule as GET /v1/schedules/{name} shows it.
type Schedule struct {
	Name    string `json:"name"`
	Version uint32 `json:"version"` // of the definition; 0 in the answer of a dry run
	// Definition is what PUT was given, in the normal form.
	Definition json.RawMessage `json:"definition"`
	Paused     bool            `json:"paused"`
	// NextFires are the next five ticks, without their jitter.
	NextFires []Time `json:"next_fires"`
	LastTick  Time   `json:"last_tick,omitzero"`   // the last one that has been dealt with, whatever became of it
	LastRun   string `json:"last_run,omitempty"`   // the id of the last run that began
	Buffered  Time   `json:"buffered,omitzero"`    // a tick that waits for the end of last_run
	Fired     uint64 `json:"fired"`                // runs that began, for ticks or by hand
	Skipped   uint64 `json:"skipped"`              // ticks that overlap passed over
	Missed    uint64 `json:"missed"`               // ticks that nobody was there for, and that are not made up for
	Failed    uint64 `json:"failed"`               // ticks whose run could not begin
	LastError string `json:"last_error,omitempty"` // why, of the last one, until a run begins again
	UpdatedAt Time   `json:"updated_at,omitzero"`  // when this version was put
}

// ScheduleDefinition is the body of PUT /v1/schedules/{name}. It says when, by
// one of Cron, Every, At, Solar and Next, and what: a call, whose fields stand beside
// the others, or a Canvas.
type ScheduleDefinition struct {
	Cron  string    `json:"cron,omitempty"`
	Days  string    `json:"days,omitempty"` // "either" or "both", with cron
	Every *Duration `json:"every,omitempty"`
	At    []Time    `json:"at,omitempty"`
	Solar *Solar    `json:"solar,omitempty"`
	// Next is a task that says when it is due next: it is given {"schedule",
	// "last_tick", "now"} as its input, and gives an RFC 3339 time, or null.
	Next *Call `json:"next,omitempty"`

	Timezone string    `json:"timezone,omitempty"` // an IANA name; UTC
	Start    *Time     `json:"start,omitempty"`
	End      *Time     `json:"end,omitempty"`
	Jitter   *Duration `json:"jitter,omitempty"`

	Overlap      string    `json:"overlap,omitempty"` // "allow", "skip", "buffer" or "cancel"
	Misfire      string    `json:"misfire,omitempty"` // "once", "skip" or "all"
	MisfireGrace *Duration `json:"misfire_grace,omitempty"`
	Catchup      bool      `json:"catchup,omitempty"`

	*Call
	Canvas *Canvas `json:"canvas,omitempty"`
}

// Solar is an event of the sun at a place.
type Solar struct {
	Event     string  `json:"event"` // "sunrise", "sunset", "solar_noon", "dawn_civil" …
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// scheduleFields are those of a definition beside a call's.
var scheduleFields = []string{"cron", "days", "every", "at", "solar", "timezone", "start", "end", "jitter", "overlap", "misfire", "misfire_grace",
	"catchup", "canvas", "workflow", "next"}

// UnmarshalJSON reads a definition as strictly as calls are read.
func (d *ScheduleDefinition) UnmarshalJSON(b []byte) error {
	return DecodeSchedule(bytes.Clone(b), d)
}

// DecodeSchedule is UnmarshalJSON without its copy: what the call or the canvas
// holds aliases b.
func DecodeSchedule(b []byte, d *ScheduleDefinition) error {
	s := scanner{b: b}
	if err := s.utf8(); err != nil {
		return err
	}
	*d = ScheduleDefinition{}
	if err := s.schedule(d); err != nil {
		return err
	}
	return s.end()
}

func (s *scanner) schedule(d *ScheduleDefinition) error {
	if s.peek() != '{' {
		return s.want(`a schedule such as {"every": "15m", "task": "MODULE.TASK"}`)
	}
	s.i++
	call := &Call{}
	var seen uint64
	for first := true; ; first = false {
		name, ok, err := s.member(first)
		if err != nil {
			return err
		}
		if !ok {
			return d.settle(call, seen)
		}
		place, err := s.scheduleField(d, call, name)
		if err != nil {
			return InField(string(name), err)
		}
		if place < 0 {
			return unknownField(string(name), slices.Concat(scheduleFields, callFields))
		}
		if seen&(1<<place) != 0 {
			return &FieldError{Field: string(name), Reason: "is given twice; give it once"}
		}
		seen |= 1 << place
	}
}

// settle decides, once all fields are known, what is run.
func (d *ScheduleDefinition) settle(call *Call, seen uint64) error {
	if d.Canvas == nil {
		if call.Task == "" {
			return &FieldError{Field: "task", Reason: `is missing; give a task as "MODULE.TASK", or a canvas`}
		}
		d.Call = call
		return nil
	}
	for i, f := range callFields {
		if seen&(1<<i) != 0 && f != "labels" {
			return &FieldError{Field: f, Reason: "is given together with canvas, in whose calls it belongs"}
		}
	}
	if len(call.Labels) == 0 {
		return nil
	}
	labels := &d.Canvas.Labels
	if d.Canvas.Call != nil {
		labels = &d.Canvas.Call.Labels
	}
	if len(*labels) > 0 {
		return &FieldError{Field: "labels", Reason: "are given together with those of canvas; give them once"}
	}
	*labels = call.Labels
	return nil
}

// scheduleField reads the value of one field and tells its place, -1 for a name
// that is none. A null is as if nothing was given.
func (s *scanner) scheduleField(d *ScheduleDefinition, call *Call, name []byte) (place int, err error) {
	place = kindPlace
	for place < kindPlace+len(scheduleFields) && scheduleFields[place-kindPlace] != string(name) {
		place++
	}
	if place == kindPlace+len(scheduleFields) {
		return s.callField(call, name, 1)
	}
	if s.null() {
		return place, nil
	}
	switch string(name) {
	case "cron":
		d.Cron, err = s.string()
	case "days":
		d.Days, err = s.choice("either", "both")
	case "every":
		d.Every, err = some(s.duration())
	case "at":
		d.At, err = s.times()
	case "solar":
		d.Solar, err = s.solar()
	case "timezone":
		d.Timezone, err = s.string()
	case "start":
		d.Start, err = some(s.time())
	case "end":
		d.End, err = some(s.time())
	case "jitter":
		d.Jitter, err = some(s.duration())
	default:
		err = s.policyField(d, string(name))
	}
	return place, err
}

func (s *scanner) policyField(d *ScheduleDefinition, name string) (err error) {
	switch name {
	case "overlap":
		d.Overlap, err = s.choice("allow", "skip", "buffer", "cancel")
	case "misfire":
		d.Misfire, err = s.choice("once", "skip", "all")
	case "misfire_grace":
		d.MisfireGrace, err = some(s.duration())
	case "catchup":
		d.Catchup, err = s.bool()
	case "canvas":
		d.Canvas = &Canvas{}
		err = s.canvas(d.Canvas, 1)
	case "workflow":
		err = reason("is for a later version; this one runs a task or a canvas")
	case "next":
		d.Next = &Call{}
		err = s.call(d.Next, 1)
	}
	return err
}

// times reads a time or a list of times.
func (s *scanner) times() ([]Time, error) {
	if s.peek() != '[' {
		t, err := s.time()
		return []Time{t}, err
	}
	s.i++
	list := []Time{}
	for first := true; ; first = false {
		ok, err := s.element(first)
		if err != nil || !ok {
			return list, err
		}
		t, err := s.time()
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
}

func (s *scanner) solar() (*Solar, error) {
	raw, err := s.raw(1)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(string(raw), "{") {
		return nil, reason(`want {"event": "sunset", "latitude": 52.52, "longitude": 13.405}`)
	}
	v := &Solar{}
	return v, Decode(raw, v)
}
