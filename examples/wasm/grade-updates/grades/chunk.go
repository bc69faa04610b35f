package grades

import (
	"errors"
	"strings"
)

// Chunk is some rows of the file and the updates for them: one task's input.
type Chunk struct {
	Policy    Policy       `json:"policy"`
	Header    string       `json:"header"`
	FirstLine int          `json:"first_line"` // the number of the first row in the file
	Rows      string       `json:"rows"`       // lines
	Updates   []UpdateLine `json:"updates"`
}

// ChunkResult is what one chunk gives. It carries the policy, so that the
// merge needs nothing else.
type ChunkResult struct {
	Policy     Policy    `json:"policy"`
	FirstLine  int       `json:"first_line"`
	Rows       int       `json:"rows"`
	Students   []Student `json:"students"`
	BadRows    []BadLine `json:"bad_rows"`
	BadUpdates []BadLine `json:"bad_updates"`
	// Unmatched are good updates for students without a good row here.
	Unmatched []BadLine `json:"unmatched"`
}

// Student is one good row: its total before and after the updates, no curve.
type Student struct {
	Line    int        `json:"line"`
	ID      string     `json:"id"`
	Course  string     `json:"course"`
	Before  Hundredths `json:"before"`
	After   Hundredths `json:"after"`
	Updates []int      `json:"updates,omitempty"` // lines of the updates that were applied
}

// BadLine points at a line that could not be used.
type BadLine struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

// Grade reads the rows, applies the updates and works out the totals.
func (c *Chunk) Grade() (*ChunkResult, error) {
	if err := c.Policy.Validate(); err != nil {
		return nil, err
	}
	if err := c.Policy.checkHeader(c.Header); err != nil {
		return nil, err
	}
	if c.FirstLine < 1 {
		return nil, errors.New("first_line must be the number of the first row's line, 1 or more")
	}
	r := &ChunkResult{
		Policy: c.Policy, FirstLine: c.FirstLine,
		Students: []Student{}, BadRows: []BadLine{}, BadUpdates: []BadLine{}, Unmatched: []BadLine{},
	}
	rows := c.readRows(r)
	updates := c.readUpdates(r, rows)
	for _, row := range rows {
		s := Student{Line: row.Line, ID: row.ID, Course: row.Course, Before: c.Policy.total(row.Course, row.Marks)}
		for _, u := range updates[row.ID] {
			row.Marks[u.assignment] = u.mark
			s.Updates = append(s.Updates, u.line)
		}
		s.After = c.Policy.total(row.Course, row.Marks)
		r.Students = append(r.Students, s)
	}
	return r, nil
}

func (c *Chunk) readRows(r *ChunkResult) []Row {
	var rows []Row
	for text := range strings.Lines(c.Rows) {
		line := c.FirstLine + r.Rows
		r.Rows++
		row, err := c.Policy.parseRow(strings.TrimRight(text, "\r\n"))
		if err != nil {
			r.BadRows = append(r.BadRows, BadLine{Line: line, Reason: err.Error()})
			continue
		}
		row.Line = line
		rows = append(rows, row)
	}
	return rows
}

// readUpdates groups the good updates by student, in the file's order.
func (c *Chunk) readUpdates(r *ChunkResult, rows []Row) map[string][]update {
	known := map[string]bool{}
	for _, row := range rows {
		known[row.ID] = true
	}
	updates := map[string][]update{}
	for _, line := range c.Updates {
		u, err := c.Policy.parseUpdate(strings.TrimRight(line.CSV, "\r\n"))
		switch {
		case err != nil:
			r.BadUpdates = append(r.BadUpdates, BadLine{Line: line.Line, Reason: err.Error()})
		case !known[u.id]:
			r.Unmatched = append(r.Unmatched, BadLine{Line: line.Line, Reason: "no good row for student " + u.id})
		default:
			u.line = line.Line
			updates[u.id] = append(updates[u.id], u)
		}
	}
	return updates
}
