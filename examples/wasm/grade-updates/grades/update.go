package grades

import (
	"fmt"
	"strconv"
)

// UpdateHeader is the first line of a file of updates.
const UpdateHeader = "student_id,assignment,score,days_late,note"

// UpdateLine is one line of that file and its number there.
type UpdateLine struct {
	Line int    `json:"line"`
	CSV  string `json:"csv"`
}

// update is a new mark for one assignment of one student. Of several the last
// one counts.
type update struct {
	line       int
	id         string
	assignment int // index into the policy's
	mark       Mark
}

// parseUpdate reads one line and takes the late penalty off; the error is the
// reason for the report.
func (p *Policy) parseUpdate(text string) (update, error) {
	cells, err := parseCSV(text)
	if err != nil {
		return update{}, err
	}
	if len(cells) != 5 {
		return update{}, fmt.Errorf("%d columns instead of 5", len(cells))
	}
	u := update{id: cells[0], assignment: -1}
	for i, a := range p.Assignments {
		if a.Name == cells[1] {
			u.assignment = i
		}
	}
	switch {
	case u.id == "":
		return update{}, fmt.Errorf("no student_id")
	case u.assignment < 0:
		return update{}, fmt.Errorf("unknown assignment %q", cells[1])
	case cells[2] == "":
		return update{}, fmt.Errorf("no score")
	}
	if u.mark, err = parseMark(cells[2], p.Assignments[u.assignment]); err != nil {
		return update{}, err
	}
	days, err := strconv.ParseInt(cells[3], 10, 16)
	if err != nil || days < 0 {
		return update{}, fmt.Errorf("%q is no number of days", cells[3])
	}
	penalty := min(days*p.LatePercentPerDay, p.LateCapPercent)
	u.mark.Points = Hundredths(roundDiv(int64(u.mark.Points)*(100-penalty), 100))
	return u, nil
}
