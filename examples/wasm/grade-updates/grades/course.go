package grades

import (
	"math"
	"slices"
)

// CourseStats is one course of the summary. All but the first three are after
// the curve.
type CourseStats struct {
	Course     string         `json:"course"`
	Students   int            `json:"students"`
	Updated    int            `json:"updated"` // students with at least one update
	Curve      Hundredths     `json:"curve"`   // points that were added to everyone
	MeanBefore Hundredths     `json:"mean_before_updates"`
	Mean       Hundredths     `json:"mean"`
	StdDev     Hundredths     `json:"std_dev"`
	Min        Hundredths     `json:"min"`
	P10        Hundredths     `json:"p10"`
	Median     Hundredths     `json:"median"`
	P90        Hundredths     `json:"p90"`
	Max        Hundredths     `json:"max"`
	Letters    map[string]int `json:"letters"`
	Raised     int            `json:"raised"` // letters that the updates made better
	Lowered    int            `json:"lowered"`
}

// course is one course while it is being graded.
type course struct {
	policy             *Policy
	name               string
	updated            int
	before, after      []Hundredths // totals without curve
	curveWas, curve    Hundredths
	final              []Hundredths
	letters            map[string]int
	raised, lowered    int
	meanWithoutUpdates Hundredths
}

// groupByCourse gathers the totals, which decide each course's curve.
func groupByCourse(p *Policy, students []Student) map[string]*course {
	courses := map[string]*course{}
	for _, st := range students {
		c := courses[st.Course]
		if c == nil {
			c = &course{policy: p, name: st.Course, letters: map[string]int{}}
			courses[st.Course] = c
		}
		c.before = append(c.before, st.Before)
		c.after = append(c.after, st.After)
		if len(st.Updates) > 0 {
			c.updated++
		}
	}
	for _, c := range courses {
		rule := p.Courses[c.name]
		c.meanWithoutUpdates = mean(c.before)
		c.curveWas = rule.curve(c.meanWithoutUpdates)
		c.curve = rule.curve(mean(c.after))
	}
	return courses
}

// curve is what lifts a mean to the course's target, within its limit.
func (c Course) curve(mean Hundredths) Hundredths {
	return max(0, min(Hundredths(c.TargetMean*100)-mean, Hundredths(c.MaxCurve*100)))
}

// grade gives a student's total after the curve, the letter, and the letter
// that the same course would have given without any update.
func (c *course) grade(st Student) (total Hundredths, letter, was string) {
	total = min(st.After+c.curve, 100_00)
	without := min(st.Before+c.curveWas, 100_00)
	letter, was = c.policy.letter(total), c.policy.letter(without)
	c.final = append(c.final, total)
	c.letters[letter]++
	switch {
	case letter == was:
	case total > without:
		c.raised++
	default:
		c.lowered++
	}
	return total, letter, was
}

func (c *course) stats() CourseStats {
	slices.Sort(c.final)
	at := func(percent int) Hundredths { return c.final[max((len(c.final)*percent+99)/100, 1)-1] }
	return CourseStats{
		Course: c.name, Students: len(c.final), Updated: c.updated, Curve: c.curve,
		MeanBefore: c.meanWithoutUpdates, Mean: mean(c.final), StdDev: stdDev(c.final),
		Min: at(0), P10: at(10), Median: at(50), P90: at(90), Max: at(100),
		Letters: c.letters, Raised: c.raised, Lowered: c.lowered,
	}
}

func mean(values []Hundredths) Hundredths {
	var sum int64
	for _, v := range values {
		sum += int64(v)
	}
	return Hundredths(roundDiv(sum, int64(len(values))))
}

// stdDev is over the whole course, not a sample. The sum of squares is exact;
// only its root is not.
func stdDev(values []Hundredths) Hundredths {
	m := mean(values)
	var squares int64
	for _, v := range values {
		squares += int64((v - m) * (v - m))
	}
	return Hundredths(math.Round(math.Sqrt(float64(squares) / float64(len(values)))))
}
