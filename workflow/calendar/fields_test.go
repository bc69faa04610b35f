package calendar

import (
	"math/bits"
	"slices"
	"testing"
	"time"
)

func values(set uint64) (list []int) {
	for ; set != 0; set &= set - 1 {
		list = append(list, bits.TrailingZeros64(set))
	}
	return list
}

func TestTerms(t *testing.T) {
	cases := []struct {
		column column
		text   string
		want   []int
	}{
		{minutes, "5", []int{5}},
		{minutes, "*/20", []int{0, 20, 40}},
		{minutes, "50/4", []int{50, 54, 58}},
		{minutes, "3,1,3", []int{1, 3}},
		{minutes, "58-1", []int{0, 1, 58, 59}},
		{hours, "22-3/2", []int{0, 2, 22}},
		{hours, "09-11", []int{9, 10, 11}},
		{days, "30-2", []int{1, 2, 30, 31}},
		{months, "nov-FEB", []int{1, 2, 11, 12}},
		{months, "September,dec", []int{9, 12}},
		{weekdays, "?", []int{0, 1, 2, 3, 4, 5, 6}},
		{weekdays, "7", []int{0}},
		{weekdays, "7-7", []int{0}},
		{weekdays, "7-2", []int{0, 1, 2}},
		{weekdays, "5-7", []int{0, 5, 6}},
		{weekdays, "0-7", []int{0, 1, 2, 3, 4, 5, 6}},
		{weekdays, "1-7", []int{0, 1, 2, 3, 4, 5, 6}},
		{weekdays, "fri-mon", []int{0, 1, 5, 6}},
		{weekdays, "sun-sun", []int{0}},
		{weekdays, "Thursday/2", []int{4, 6}},
	}
	for _, c := range cases {
		set, err := c.column.parse(c.text)
		if err != nil || !slices.Equal(values(set), c.want) {
			t.Errorf("%s %q: got %v, %v, want %v", c.column.name, c.text, values(set), err, c.want)
		}
	}
}

func TestDays(t *testing.T) {
	cases := []struct {
		cron, days string
		want       []string
	}{
		{"0 0 13 * fri", "", []string{"2026-02-06", "2026-02-13", "2026-02-20", "2026-02-27", "2026-03-06", "2026-03-13"}},
		{"0 0 13 * fri", "either", []string{"2026-02-06", "2026-02-13", "2026-02-20"}},
		{"0 0 13 * fri", "both", []string{"2026-02-13", "2026-03-13", "2026-11-13", "2027-08-13"}},
		{"0 0 1-7 * mon", "both", []string{"2026-02-02", "2026-03-02", "2026-04-06"}},
		{"0 0 31 * *", "", []string{"2026-03-31", "2026-05-31", "2026-07-31"}},
		{"0 0 29 feb *", "", []string{"2028-02-29", "2032-02-29"}},
		{"0 0 29 2 sun", "both", []string{"2032-02-29", "2060-02-29", "2088-02-29", "2128-02-29"}},
		{"0 0 13 * 0-6", "", []string{"2026-02-02", "2026-02-03"}}, // as cron reads it: both are restricted
		{"0 0 13 * */1", "", []string{"2026-02-13", "2026-03-13"}},
		{"0 0 13 * */2", "", []string{"2026-02-03", "2026-02-05", "2026-02-07"}},
		{"@yearly", "", []string{"2027-01-01", "2028-01-01"}},
		{"@weekly", "", []string{"2026-02-08"}},
		{"@monthly", "", []string{"2026-03-01"}},
	}
	for _, c := range cases {
		s := must(t, Rule{Cron: c.cron, Days: c.days})
		var got []string
		for _, tick := range s.Upcoming(at(t, "2026-02-01T00:00:00Z"), len(c.want)) {
			got = append(got, tick.Format(time.DateOnly))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %s: got %v, want %v", c.cron, c.days, got, c.want)
		}
	}
}
