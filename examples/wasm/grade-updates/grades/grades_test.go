package grades

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// testPolicy is small enough to work out by hand.
func testPolicy() Policy {
	return Policy{
		Assignments:       []Assignment{{"hw", 20}, {"exam", 100}},
		Courses:           map[string]Course{"ART": {Weights: map[string]int64{"hw": 1, "exam": 3}}, "LAW": {Weights: map[string]int64{"exam": 1}, TargetMean: 80, MaxCurve: 5}},
		LatePercentPerDay: 10, LateCapPercent: 50,
		Letters: []Letter{{"A", 90}, {"B", 80}, {"F", 0}},
	}
}

const testHeader = "student_id,name,course,hw,exam"

func gradeAll(t *testing.T, students, updates string, size int) *Summary {
	t.Helper()
	chunks, err := Split(testPolicy(), testHeader+"\n"+students, UpdateHeader+"\n"+updates, size)
	if err != nil {
		t.Fatal(err)
	}
	var parts []*ChunkResult
	for _, c := range chunks {
		r, err := c.Grade()
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, throughJSON(t, r))
	}
	slices.Reverse(parts) // the order in which tasks end is anyone's guess
	s, err := Merge(parts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// throughJSON is the way that a result takes from one task to the next.
func throughJSON(t *testing.T, r *ChunkResult) *ChunkResult {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back ChunkResult
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	return &back
}

func TestByHand(t *testing.T) {
	students := "1,Ann,ART,20,80\n" + // (100 + 3*80) / 4 = 85
		"2,Bob,ART,EX,90\n" + // the exam alone: 90
		"3,Cid,ART,,100\n" + // (0 + 300) / 4 = 75
		"4,Dee,LAW,5,70\n" + // mean 72: curve 5 of the 8 missing
		"5,Eva,LAW,5,74\n"
	s := gradeAll(t, students, "1,hw,10,2,late\n5,exam,80,0,first\n5,exam,76.5,0,last counts\n", 2)
	// 1: 10 less 20 % is 8 of 20, 40 %: (40 + 240) / 4 = 70.
	// LAW: mean (70+76.5)/2 = 73.25, curve 5; without updates mean 72, curve 5.
	want := "student_id,course,total,letter,was\n" +
		"1,ART,70.00,F,B\n2,ART,90.00,A,A\n3,ART,75.00,F,F\n4,LAW,75.00,F,F\n5,LAW,81.50,B,F\n"
	if s.GradesCSV != want {
		t.Errorf("got\n%swant\n%s", s.GradesCSV, want)
	}
	if s.UpdatesApplied != 3 || s.LetterChanges != 2 || s.Students != 5 {
		t.Errorf("counts: %+v", s)
	}
	law := s.Courses[1]
	if law.Course != "LAW" || law.Curve != 500 || law.Mean != 7825 || law.MeanBefore != 7200 || law.StdDev != 325 || law.Updated != 1 || law.Raised != 1 {
		t.Errorf("LAW: %+v", law)
	}
	if art := s.Courses[0]; art.Curve != 0 || art.Lowered != 1 || art.Letters["F"] != 2 || art.Median != 7500 {
		t.Errorf("ART: %+v", art)
	}
}

func TestBadLines(t *testing.T) {
	students := "1,Ann,ART,20,80\n" +
		"2,Bob,ART,20\n" +
		",Cid,ART,20,80\n" +
		"4,Dee,WAR,20,80\n" +
		"5,Eva,ART,21,80\n" +
		"6,Fox,ART,-1,80\n" +
		"7,Gus,ART,x,80\n" +
		"8,\"Hal,ART,20,80\n" +
		"1,Ann,ART,20,90\n" +
		"\n" +
		"9,\"Ivy, I.\",ART,20,80\n"
	updates := "1,hw,1,0\n" +
		"1,quiz,1,0,\n" +
		"1,hw,,0,\n" +
		"1,hw,30,0,\n" +
		"1,hw,1,-1,\n" +
		"77,hw,1,0,\n" +
		",hw,1,0,\n" +
		"2,hw,1,0,row was bad\n"
	for _, size := range []int{1, 3, 100} {
		s := gradeAll(t, students, updates, size)
		wantRows := []string{
			"3 4 columns instead of 5", "4 no student_id", `5 unknown course "WAR"`, "6 hw: 21 is not between 0 and 20",
			"7 hw: -1 is not between 0 and 20", `8 hw: "x" is no score`, "9 not a line of CSV",
			"10 student 1 is on line 2 already", "11 not a line of CSV",
		}
		wantUpdates := []string{
			"2 4 columns instead of 5", `3 unknown assignment "quiz"`, "4 no score", "5 hw: 30 is not between 0 and 20",
			`6 "-1" is no number of days`, "7 no good row for student 77", "8 no student_id", "9 no good row for student 2",
		}
		if got := reasons(s.BadRows); !slices.Equal(got, wantRows) {
			t.Errorf("size %d: bad rows\n%q\nwant\n%q", size, got, wantRows)
		}
		if got := reasons(s.BadUpdates); !slices.Equal(got, wantUpdates) {
			t.Errorf("size %d: bad updates\n%q\nwant\n%q", size, got, wantUpdates)
		}
		if s.Students != 2 || s.UpdatesApplied != 0 {
			t.Errorf("size %d: %+v", size, s)
		}
	}
}

func reasons(lines []BadLine) []string {
	var out []string
	for _, l := range lines {
		out = append(out, fmt.Sprint(l.Line, " ", l.Reason))
	}
	return out
}

// TestStudentInTwoChunks: an update reaches the row that is good, whichever
// chunk it stands in, and counts once.
func TestStudentInTwoChunks(t *testing.T) {
	cases := map[string]string{
		"first row bad": "1,Ann,ART,x,80\n2,Bob,ART,20,80\n1,Ann,ART,20,80\n",
		"both good":     "1,Ann,ART,20,80\n2,Bob,ART,20,80\n1,Ann,ART,20,90\n",
		"quoted id":     "\"1\",Ann,ART,20,80\n2,Bob,ART,20,80\n1,Ann,ART,20,90\n",
	}
	for name, students := range cases {
		whole := gradeAll(t, students, "1,hw,10,0,\n1,hw,nonsense,0,\n", 100)
		parts := gradeAll(t, students, "1,hw,10,0,\n1,hw,nonsense,0,\n", 1)
		if whole.UpdatesApplied != 1 || len(whole.BadUpdates) != 1 || len(whole.BadRows) != 1 {
			t.Errorf("%s: %+v", name, whole)
		}
		if a, b := fmt.Sprintf("%+v", whole), fmt.Sprintf("%+v", parts); a != b {
			t.Errorf("%s: one chunk gives\n%s\nthree give\n%s", name, a, b)
		}
	}
}

func TestMergeRefuses(t *testing.T) {
	part := func(first, rows int) *ChunkResult {
		return &ChunkResult{Policy: testPolicy(), FirstLine: first, Rows: rows}
	}
	other := part(4, 2)
	other.Policy.LatePercentPerDay = 99
	cases := []struct {
		want  string
		parts []*ChunkResult
	}{
		{"no chunks", nil},
		{"chunk 2 of 2 has no result", []*ChunkResult{part(2, 2), nil}},
		{"two chunks hold line 2", []*ChunkResult{part(2, 2), part(2, 2)}},
		{"two chunks hold line 3", []*ChunkResult{part(3, 2), part(2, 2)}},
		{"no chunk holds line 4", []*ChunkResult{part(2, 2), part(6, 2)}},
		{"another policy", []*ChunkResult{part(2, 2), other}},
		{"the last letter", []*ChunkResult{{}}},
	}
	for _, c := range cases {
		if _, err := Merge(c.parts); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q, got %v", c.want, err)
		}
	}
}

func TestChunkRefuses(t *testing.T) {
	good := Chunk{Policy: testPolicy(), Header: testHeader, FirstLine: 2}
	if _, err := good.Grade(); err != nil {
		t.Fatal(err)
	}
	spoil := map[string]func(*Chunk){
		"the header is":     func(c *Chunk) { c.Header = "student_id,name,course,exam,hw" },
		"first_line":        func(c *Chunk) { c.FirstLine = 0 },
		"no assignment":     func(c *Chunk) { c.Policy.Courses["ART"].Weights["quiz"] = 1 },
		"weighs nothing":    func(c *Chunk) { c.Policy.Courses["BAD"] = Course{} },
		"max is 0":          func(c *Chunk) { c.Policy.Assignments[0].Max = 0 },
		"late penalty":      func(c *Chunk) { c.Policy.LateCapPercent = 101 },
		"not below":         func(c *Chunk) { c.Policy.Letters[1].From = 95 },
		"no name of its":    func(c *Chunk) { c.Policy.Assignments[1].Name = "hw" },
		"weight of hw is -": func(c *Chunk) { c.Policy.Courses["ART"].Weights["hw"] = -1 },
	}
	for want, f := range spoil {
		c := good
		c.Policy = testPolicy()
		f(&c)
		if _, err := c.Grade(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestHundredths(t *testing.T) {
	for text, want := range map[string]Hundredths{"0": 0, "7": 700, "7.5": 750, "7.05": 705, "-1.25": -125, "007": 700} {
		if got, ok := parseHundredths(text); !ok || got != want {
			t.Errorf("%s is read as %d, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", ".5", "5.", "1.234", "1e3", "--1", "1.-5", "1234567890", "½"} {
		if got, ok := parseHundredths(text); ok {
			t.Errorf("%q is read as %d", text, got)
		}
	}
}

// FuzzGrade: no row or update makes it panic, and cutting never matters.
func FuzzGrade(f *testing.F) {
	f.Add("1,Ann,ART,20,80\n2,Bob,ART,EX,\n", "1,hw,10,2,late\n")
	f.Add("1,\"Ann,ART,20,80\n\n1,a,LAW,0,0\n1,b,LAW,0,1\n", "1,exam,10,2,late\n2,hw\n\"")
	f.Fuzz(func(t *testing.T, students, updates string) {
		if strings.TrimSuffix(strings.ReplaceAll(students, "\r\n", "\n"), "\n") == "" {
			t.Skip("no rows")
		}
		whole := fmt.Sprintf("%+v", gradeAll(t, students, updates, 1<<20))
		for _, size := range []int{1, 2, 3} {
			if parts := fmt.Sprintf("%+v", gradeAll(t, students, updates, size)); parts != whole {
				t.Errorf("in one chunk\n%s\nin chunks of %d\n%s", whole, size, parts)
			}
		}
	})
}
