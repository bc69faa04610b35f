// Package grades applies regrades to a CSV of students and works out totals,
// curves, letters and statistics. Everything is whole numbers (hundredths), and
// nothing depends on where the file was cut, so that a thousand chunks give
// the same bytes as one.
package grades

import (
	"errors"
	"fmt"
)

// Policy is how a term is graded.
type Policy struct {
	Assignments []Assignment      `json:"assignments"` // in the order of the CSV's columns
	Courses     map[string]Course `json:"courses"`
	// LatePercentPerDay comes off a late score, LateCapPercent at most.
	LatePercentPerDay int64    `json:"late_percent_per_day"`
	LateCapPercent    int64    `json:"late_cap_percent"`
	Letters           []Letter `json:"letters"` // best first
}

// Assignment is one column of the CSV.
type Assignment struct {
	Name string `json:"name"`
	Max  int64  `json:"max"` // points
}

// Course weighs the assignments. One without a weight does not count.
type Course struct {
	Weights map[string]int64 `json:"weights"`
	// TargetMean is what the curve lifts the course's mean to, in percent, by
	// MaxCurve points at most. It never lowers anyone.
	TargetMean int64 `json:"target_mean"`
	MaxCurve   int64 `json:"max_curve"`
}

// Letter is a grade and the percentage that it begins at.
type Letter struct {
	Letter string `json:"letter"`
	From   int64  `json:"from"`
}

// Validate reports every fault at once.
func (p *Policy) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("policy: "+format, args...)) }
	known := map[string]bool{}
	for i, a := range p.Assignments {
		if a.Name == "" || known[a.Name] {
			fault("assignment %d has no name of its own", i+1)
		}
		if a.Max < 1 || a.Max > 10_000 {
			fault("assignment %s: max is %d, not 1 to 10000", a.Name, a.Max)
		}
		known[a.Name] = true
	}
	for name, c := range p.Courses {
		total := int64(0)
		for assignment, weight := range c.Weights {
			if !known[assignment] {
				fault("course %s weighs %q, which is no assignment", name, assignment)
			}
			if weight < 0 || weight > 1000 {
				fault("course %s: weight of %s is %d, not 0 to 1000", name, assignment, weight)
			}
			total += weight
		}
		if total <= 0 {
			fault("course %s weighs nothing", name)
		}
	}
	if p.LatePercentPerDay < 0 || p.LateCapPercent < 0 || p.LateCapPercent > 100 {
		fault("late penalty is %d a day up to %d, not 0 to 100", p.LatePercentPerDay, p.LateCapPercent)
	}
	for i, l := range p.Letters {
		if i > 0 && l.From >= p.Letters[i-1].From {
			fault("letter %s begins at %d, not below the one before", l.Letter, l.From)
		}
	}
	if n := len(p.Letters); n == 0 || p.Letters[n-1].From != 0 {
		fault("the last letter must begin at 0")
	}
	return errors.Join(errs...)
}

// Hundredths is a score or a percentage in hundredths: 8750 is 87.5.
type Hundredths int64

// MarshalJSON writes 8750 as 87.50.
func (h Hundredths) MarshalJSON() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalJSON reads it back.
func (h *Hundredths) UnmarshalJSON(b []byte) error {
	v, ok := parseHundredths(string(b))
	if !ok {
		return fmt.Errorf("%s is no number with at most two decimals", b)
	}
	*h = v
	return nil
}

func (h Hundredths) String() string {
	sign := ""
	if h < 0 {
		sign, h = "-", -h
	}
	return fmt.Sprintf("%s%d.%02d", sign, h/100, h%100)
}

// letter gives the grade for a percentage.
func (p *Policy) letter(total Hundredths) string {
	for _, l := range p.Letters {
		if total >= Hundredths(l.From*100) {
			return l.Letter
		}
	}
	return p.Letters[len(p.Letters)-1].Letter
}

// roundDiv divides, halves rounded up. Both numbers are 0 or more.
func roundDiv(a, b int64) int64 { return (a + b/2) / b }
