// Command gen writes the students and updates that grade-updates' example runs
// on. The same seed gives the same files, so those in data/ can be made again:
//
//	go run ./examples/wasm/grade-updates/gen -dir examples/wasm/grade-updates/data
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// What the committed files have.
const (
	defaultStudents = 5000
	defaultUpdates  = 1500
)

func main() {
	dir := flag.String("dir", ".", "folder to write students.csv and updates.csv into")
	flag.Parse()
	for name, text := range generate() {
		if err := os.WriteFile(filepath.Join(*dir, name), []byte(text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
	}
}

// assignment is a column; these are the policy's.
type assignment struct {
	name string
	max  int
}

var assignments = []assignment{
	{"hw1", 20}, {"hw2", 20}, {"hw3", 20}, {"hw4", 25}, {"hw5", 25},
	{"midterm", 100}, {"project", 50}, {"final", 120},
}

var (
	courses = []string{"BIO110", "CS101", "ECON200", "HIST150", "MATH120", "PHYS130"}
	given   = []string{"Amara", "Bela", "Chen", "Dana", "Emre", "Farah", "Goran", "Hana", "Ivo", "Jun", "Kwame", "Lena", "Mio", "Nuno", "Oya", "Priya"}
	family  = []string{"Abebe", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "García", "Haddad", "Ito", "Jovanović", "Kaya", "López", "Mensah", "Nguyen", "O'Brien", "Petrov"}
	notes   = []string{"regrade", "handed in late", "makeup exam", "clerical error", "\"regrade, second look\""}
)

func generate() map[string]string {
	rnd := rand.New(rand.NewPCG(2026, 12))
	return map[string]string{"students.csv": students(rnd), "updates.csv": updates(rnd)}
}

func students(rnd *rand.Rand) string {
	var b strings.Builder
	b.WriteString("student_id,name,course")
	for _, a := range assignments {
		b.WriteString("," + a.name)
	}
	b.WriteString("\n")
	for n := 1; n <= defaultStudents; n++ {
		row := student(rnd, n)
		if rnd.IntN(200) == 0 {
			row = damageStudent(rnd, row)
		}
		b.WriteString(row + "\n")
	}
	return b.String()
}

func id(n int) string { return fmt.Sprintf("S%05d", n) }

// student is one row. Scores scatter around what the student is able to.
func student(rnd *rand.Rand, n int) string {
	name := given[rnd.IntN(len(given))] + " " + family[rnd.IntN(len(family))]
	if rnd.IntN(12) == 0 {
		name = `"` + family[rnd.IntN(len(family))] + ", " + given[rnd.IntN(len(given))] + `"`
	}
	cells := []string{id(n), name, courses[rnd.IntN(len(courses))]}
	ability := 45 + rnd.IntN(50)
	for _, a := range assignments {
		cells = append(cells, score(rnd, a.max, ability))
	}
	return strings.Join(cells, ",")
}

// score is a cell, in halves of a point: now and then nothing or excused.
func score(rnd *rand.Rand, most, ability int) string {
	switch rnd.IntN(60) {
	case 0:
		return ""
	case 1:
		return "EX"
	}
	percent := min(100, max(0, ability-18+rnd.IntN(37)))
	halves := most * 2 * percent / 100
	text := strconv.Itoa(halves / 2)
	if halves%2 == 1 {
		text += ".5"
	}
	return text
}

// damageStudent breaks a row as hands break spreadsheets.
func damageStudent(rnd *rand.Rand, row string) string {
	cells := strings.Split(row, ",")
	last := len(cells) - 1
	switch rnd.IntN(7) {
	case 0:
		return strings.Join(cells[:last], ",")
	case 1:
		cells[last] = "absent"
	case 2:
		cells[last] = "999"
	case 3:
		cells[0] = ""
	case 4:
		cells[0] = id(1 + rnd.IntN(50)) // somebody else's
	case 5:
		return strings.Replace(row, ",", ",\"", 1)
	case 6:
		return row + ",12"
	}
	return strings.Join(cells, ",")
}

func updates(rnd *rand.Rand) string {
	var b strings.Builder
	b.WriteString("student_id,assignment,score,days_late,note\n")
	for range defaultUpdates {
		b.WriteString(update(rnd) + "\n")
	}
	return b.String()
}

// update is one line, one in a hundred of them wrong.
func update(rnd *rand.Rand) string {
	who := id(1 + rnd.IntN(defaultStudents))
	a := assignments[rnd.IntN(len(assignments))]
	points := score(rnd, a.max, 60+rnd.IntN(40))
	if points == "" {
		points = "0"
	}
	days := max(0, rnd.IntN(12)-7)
	switch rnd.IntN(500) {
	case 0:
		who = "S99999"
	case 1:
		a.name = "quiz7"
	case 2:
		points = "A+"
	case 3:
		days = -2
	case 4:
		points = ""
	}
	return fmt.Sprintf("%s,%s,%s,%d,%s", who, a.name, points, days, notes[rnd.IntN(len(notes))])
}
