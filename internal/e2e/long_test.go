package e2e

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// The tests of this room have a short form, which every change must pass, and
// a long one, which is asked for by WINDROW_LONG=1. WINDROW_SCALE divides the
// long form's counts, for a first look.

func long() bool { return os.Getenv("WINDROW_LONG") != "" }

// size picks a count by the form.
func size(short, full int) int {
	if !long() {
		return short
	}
	if scale, err := strconv.Atoi(os.Getenv("WINDROW_SCALE")); err == nil && scale > 1 {
		return max(full/scale, 1)
	}
	return full
}

// onlyLong skips a test in the short form.
func onlyLong(t *testing.T) {
	t.Helper()
	if !long() {
		t.Skip("WINDROW_LONG is not set")
	}
}

// promised shows a figure beside what was promised. Machines that test are busy,
// and their disks stand still for seconds: in the short form ten times as much is
// a fault, in the long form, whose figures are for a machine of its own, three
// times.
func promised(t *testing.T, what string, took, bound time.Duration) {
	t.Helper()
	t.Logf("%s: %v (promised %v)", what, took.Round(time.Millisecond), bound)
	fault := 10 * bound
	if long() {
		fault = 3 * bound
	}
	if took > fault {
		t.Errorf("%s took %v, promised are %v", what, took, bound)
	}
}

// moments gives so many random numbers below n, ascending.
func moments(n, count int) []int {
	list := make([]int, count)
	for i := range list {
		from := n * i / count
		list[i] = from + rand.IntN(max(n/count, 1))
	}
	return list
}
