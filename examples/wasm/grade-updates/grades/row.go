package grades

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
)

// columnsBefore are the CSV's columns in front of the assignments.
var columnsBefore = []string{"student_id", "name", "course"}

// excused is what stands in place of a score that does not count.
const excused = "EX"

// Mark is one score: points, or excused.
type Mark struct {
	Points  Hundredths
	Excused bool
}

// Row is one student of one course, as the file has it.
type Row struct {
	Line   int
	ID     string
	Course string
	Marks  []Mark // by the policy's assignments
}

// checkHeader makes sure that the columns are those of the policy.
func (p *Policy) checkHeader(header string) error {
	want := append([]string{}, columnsBefore...)
	for _, a := range p.Assignments {
		want = append(want, a.Name)
	}
	if got := strings.TrimSuffix(header, "\r"); got != strings.Join(want, ",") {
		return fmt.Errorf("the header is %q, but the policy asks for %q", got, strings.Join(want, ","))
	}
	return nil
}

// parseRow reads one line; the error is the reason for the report.
func (p *Policy) parseRow(text string) (Row, error) {
	cells, err := parseCSV(text)
	if err != nil {
		return Row{}, err
	}
	if want := len(columnsBefore) + len(p.Assignments); len(cells) != want {
		return Row{}, fmt.Errorf("%d columns instead of %d", len(cells), want)
	}
	r := Row{ID: cells[0], Course: cells[2], Marks: make([]Mark, len(p.Assignments))}
	if r.ID == "" {
		return Row{}, fmt.Errorf("no student_id")
	}
	if _, ok := p.Courses[r.Course]; !ok {
		return Row{}, fmt.Errorf("unknown course %q", r.Course)
	}
	for i, a := range p.Assignments {
		if r.Marks[i], err = parseMark(cells[len(columnsBefore)+i], a); err != nil {
			return Row{}, err
		}
	}
	return r, nil
}

// parseCSV reads one line on its own, so that a stray quote spoils that line
// and not the rest of the file.
func parseCSV(text string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.TrimLeadingSpace = true
	cells, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("not a line of CSV")
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells, nil
}

// parseMark reads a cell: empty is 0 (nothing was handed in), EX excused.
func parseMark(cell string, a Assignment) (Mark, error) {
	switch {
	case cell == "":
		return Mark{}, nil
	case strings.EqualFold(cell, excused):
		return Mark{Excused: true}, nil
	}
	points, ok := parseHundredths(cell)
	if !ok {
		return Mark{}, fmt.Errorf("%s: %q is no score", a.Name, cell)
	}
	if points < 0 || points > Hundredths(a.Max*100) {
		return Mark{}, fmt.Errorf("%s: %s is not between 0 and %d", a.Name, cell, a.Max)
	}
	return Mark{Points: points}, nil
}

// parseHundredths reads a decimal with at most two decimals.
func parseHundredths(s string) (Hundredths, bool) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, frac, dotted := strings.Cut(digits, ".")
	if whole == "" || len(whole) > 9 || len(frac) > 2 || (dotted && frac == "") {
		return 0, false
	}
	for _, c := range whole + frac {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, _ := strconv.ParseInt(whole+(frac + "00")[:2], 10, 64) // digits only, and few: cannot fail
	if negative {
		n = -n
	}
	return Hundredths(n), true
}

// total weighs a student's marks: a percentage. What is excused leaves its
// weight to the rest; a student excused from everything has 0.
func (p *Policy) total(course string, marks []Mark) Hundredths {
	var sum, weights int64
	for i, a := range p.Assignments {
		weight := p.Courses[course].Weights[a.Name]
		if weight == 0 || marks[i].Excused {
			continue
		}
		sum += weight * roundDiv(int64(marks[i].Points)*100, a.Max)
		weights += weight
	}
	if weights == 0 {
		return 0
	}
	return Hundredths(roundDiv(sum, weights))
}
