package main

import (
	"fmt"
	"time"

	"github.com/windrow-dev/windrow/sdk/guest/schema"
)

// Syllabus is what a course is about, as its author writes it.
type Syllabus struct {
	Title   string `json:"title" windrow:"min=1"`
	Modules []Unit `json:"modules" windrow:"min=1,desc='what the course consists of, in any order'"`
}

// Unit is a part of a syllabus.
type Unit struct {
	ID       string   `json:"id" windrow:"pattern='^[a-z][a-z0-9-]*$'"`
	Title    string   `json:"title" windrow:"min=1"`
	Requires []string `json:"requires,omitempty" windrow:"unique,desc=ids of the modules that come before"`
	Topics   []Topic  `json:"topics" windrow:"min=1"`
}

// Topic is something to teach.
type Topic struct {
	Title   string `json:"title" windrow:"min=1"`
	Kind    Kind   `json:"kind" windrow:"default=lecture"`
	Minutes int    `json:"minutes" windrow:"min=5,max=600"`
}

// Kind is how a topic is taught.
type Kind string

// The kinds of a topic. Lectures are cut into lessons of a bearable length,
// the others are not.
const (
	Lecture Kind = "lecture"
	Lab     Kind = "lab"
	Reading Kind = "reading"
	Exam    Kind = "exam"
)

// Enum implements schema.Enumeration.
func (Kind) Enum() []string {
	return []string{string(Lecture), string(Lab), string(Reading), string(Exam)}
}

// Date is a day without a time.
type Date struct{ time.Time }

const dateLayout = "2006-01-02"

// WindrowSchema implements schema.Provider.
func (Date) WindrowSchema() *schema.Schema {
	return &schema.Schema{Type: schema.Types{"string"}, Format: "date", Pattern: `^\d{4}-\d{2}-\d{2}$`}
}

// MarshalJSON writes YYYY-MM-DD.
func (d Date) MarshalJSON() ([]byte, error) { return []byte(`"` + d.Format(dateLayout) + `"`), nil }

// UnmarshalJSON reads YYYY-MM-DD.
func (d *Date) UnmarshalJSON(b []byte) error {
	t, err := time.Parse(`"`+dateLayout+`"`, string(b))
	if err != nil {
		return fmt.Errorf("%s is no day; write it as \"2026-09-07\"", b)
	}
	d.Time = t
	return nil
}

// Weekday is a day of the week in three letters.
type Weekday string

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Enum implements schema.Enumeration.
func (Weekday) Enum() []string { return weekdays }
