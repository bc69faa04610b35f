package grades

import (
	"errors"
	"fmt"
	"strings"
)

// Split cuts a file of students into chunks of size rows, each with the
// updates for its students. It does not judge any line: a student who stands in
// several chunks has the updates in each, one whom no row names has them in the
// first.
func Split(policy Policy, students, updates string, size int) ([]Chunk, error) {
	if size < 1 {
		return nil, fmt.Errorf("%d rows a chunk; it must be at least 1", size)
	}
	lines := splitLines(students)
	if len(lines) < 2 {
		return nil, errors.New("the file of students has no rows")
	}
	var chunks []Chunk
	chunksOf := map[string][]int{}
	for from := 1; from < len(lines); from += size {
		rows := lines[from:min(from+size, len(lines))]
		for _, row := range rows {
			id := firstCell(row)
			if of := chunksOf[id]; len(of) == 0 || of[len(of)-1] != len(chunks) {
				chunksOf[id] = append(of, len(chunks))
			}
		}
		chunks = append(chunks, Chunk{
			Policy: policy, Header: lines[0], FirstLine: from + 1,
			Rows: strings.Join(rows, "\n") + "\n", Updates: []UpdateLine{},
		})
	}
	for i, text := range splitLines(updates) {
		if i == 0 {
			if text != UpdateHeader {
				return nil, fmt.Errorf("the file of updates begins with %q, not %q", text, UpdateHeader)
			}
			continue
		}
		of := chunksOf[firstCell(text)]
		if len(of) == 0 {
			of = []int{0}
		}
		for _, n := range of {
			chunks[n].Updates = append(chunks[n].Updates, UpdateLine{Line: i + 1, CSV: text})
		}
	}
	return chunks, nil
}

func splitLines(text string) []string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// firstCell is the line's student_id; of a line that is no CSV, whatever stands
// before its first comma.
func firstCell(line string) string {
	if cells, err := parseCSV(line); err == nil {
		return cells[0]
	}
	cell, _, _ := strings.Cut(line, ",")
	return strings.TrimSpace(cell)
}
