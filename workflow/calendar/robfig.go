package calendar

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/robfig/cron/v3"
)

// star is the bit by which robfig/cron knows a field that is not restricted.
const star = 1 << 63

// compile has robfig/cron make the fields of columns that were checked. It is
// given plain lists of numbers and no time zone: it knows no range around an
// end and no Sunday called 7, and a text that begins with TZ= makes it panic.
// When the fields tick is decided by wall.
func compile(checked [6]uint64, anyDay, anyWeekday bool) (fields, error) {
	var words [6]string
	for i, set := range checked {
		words[i] = numbers(set)
	}
	if anyDay {
		words[3] = "*"
	}
	if anyWeekday {
		words[5] = "*"
	}
	parser := cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)
	parsed, err := parser.Parse(strings.Join(words[:], " "))
	if err != nil {
		return fields{}, fault("cron", "cannot be read: %v", err)
	}
	spec, ok := parsed.(*cron.SpecSchedule)
	if !ok {
		return fields{}, fault("cron", "gives no fields")
	}
	return fields{second: spec.Second, minute: spec.Minute, hour: spec.Hour,
		day: spec.Dom &^ star, month: spec.Month, weekday: spec.Dow &^ star,
		anyDay: spec.Dom&star != 0, anyWeekday: spec.Dow&star != 0}, nil
}

// numbers lists what is set.
func numbers(set uint64) string {
	var list []string
	for ; set != 0; set &= set - 1 {
		list = append(list, strconv.Itoa(bits.TrailingZeros64(set)))
	}
	return strings.Join(list, ",")
}
