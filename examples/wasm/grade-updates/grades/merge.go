package grades

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Summary is the whole job's result.
type Summary struct {
	Students       int           `json:"students"`
	UpdatesApplied int           `json:"updates_applied"`
	LetterChanges  int           `json:"letter_changes"`
	BadRows        []BadLine     `json:"bad_rows"`
	BadUpdates     []BadLine     `json:"bad_updates"`
	Courses        []CourseStats `json:"courses"`
	// GradesCSV has a line for each student, in the file's order.
	GradesCSV string `json:"grades_csv"`
}

// gradesHeader is GradesCSV's first line; was is the letter without the updates.
var gradesHeader = []string{"student_id", "course", "total", "letter", "was"}

// Merge puts the chunks' results together: it finds students who stand in the
// file twice, curves each course, gives letters and counts.
func Merge(parts []*ChunkResult) (*Summary, error) {
	if err := checkParts(parts); err != nil {
		return nil, err
	}
	policy := &parts[0].Policy
	s := &Summary{BadRows: []BadLine{}, BadUpdates: []BadLine{}, Courses: []CourseStats{}}
	var students []Student
	for _, p := range parts {
		students = append(students, p.Students...)
		s.BadRows = append(s.BadRows, p.BadRows...)
	}
	s.BadUpdates = badUpdates(parts, students)
	students = s.dropDuplicates(students)
	sortLines(s.BadRows)

	courses := groupByCourse(policy, students)
	records := [][]string{gradesHeader}
	for _, st := range students {
		total, letter, was := courses[st.Course].grade(st)
		records = append(records, []string{st.ID, st.Course, total.String(), letter, was})
		s.UpdatesApplied += len(st.Updates)
		if letter != was {
			s.LetterChanges++
		}
	}
	s.Students = len(students)
	var text strings.Builder
	if err := csv.NewWriter(&text).WriteAll(records); err != nil {
		return nil, fmt.Errorf("write the grades: %w", err)
	}
	s.GradesCSV = text.String()
	for _, c := range courses {
		s.Courses = append(s.Courses, c.stats())
	}
	slices.SortFunc(s.Courses, func(x, y CourseStats) int { return cmp.Compare(x.Course, y.Course) })
	return s, nil
}

// checkParts refuses what cannot be parts of one file, and sorts them.
func checkParts(parts []*ChunkResult) error {
	if len(parts) == 0 {
		return errors.New("no chunks to merge")
	}
	for i, p := range parts {
		if p == nil {
			return fmt.Errorf("chunk %d of %d has no result", i+1, len(parts))
		}
		if !reflect.DeepEqual(p.Policy, parts[0].Policy) {
			return fmt.Errorf("the chunk at line %d was graded by another policy than the one at line %d", p.FirstLine, parts[0].FirstLine)
		}
	}
	if err := parts[0].Policy.Validate(); err != nil {
		return err
	}
	slices.SortFunc(parts, func(x, y *ChunkResult) int { return cmp.Compare(x.FirstLine, y.FirstLine) })
	for i, p := range parts[1:] {
		switch end := parts[i].FirstLine + parts[i].Rows; {
		case p.FirstLine < end:
			return fmt.Errorf("two chunks hold line %d", p.FirstLine)
		case p.FirstLine > end:
			return fmt.Errorf("no chunk holds line %d", end)
		}
	}
	return nil
}

// badUpdates gathers the chunks' bad updates. A student who stands in several
// chunks has the updates in each: they are reported once, and an unmatched one
// only if no chunk could use it.
func badUpdates(parts []*ChunkResult, students []Student) []BadLine {
	settled := map[int]bool{}
	for _, st := range students {
		for _, line := range st.Updates {
			settled[line] = true
		}
	}
	bad := []BadLine{}
	for _, p := range parts {
		for _, line := range slices.Concat(p.BadUpdates, p.Unmatched) {
			if !settled[line.Line] {
				settled[line.Line] = true
				bad = append(bad, line)
			}
		}
	}
	sortLines(bad)
	return bad
}

func sortLines(lines []BadLine) {
	slices.SortStableFunc(lines, func(x, y BadLine) int { return cmp.Compare(x.Line, y.Line) })
}

// dropDuplicates keeps a student's first row and reports the others.
func (s *Summary) dropDuplicates(students []Student) []Student {
	firstLine := make(map[string]int, len(students))
	kept := students[:0]
	for _, st := range students {
		if line, seen := firstLine[st.ID]; seen {
			s.BadRows = append(s.BadRows, BadLine{Line: st.Line, Reason: fmt.Sprintf("student %s is on line %d already", st.ID, line)})
			continue
		}
		firstLine[st.ID] = st.Line
		kept = append(kept, st)
	}
	return kept
}
