package guesttest_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/windrow-dev/windrow/sdk/guest"
	"github.com/windrow-dev/windrow/sdk/guest/guesttest"
)

var _ = guest.Handle("half", func(ctx *guest.Context, n int) (int, error) {
	ctx.Log.Info("halving", "n", n)
	if n%2 != 0 {
		return 0, guest.Retry(errors.New("odd"), 0)
	}
	return n / 2, nil
}, guest.Queue("q"))

func TestRun(t *testing.T) {
	a := guesttest.Run(t, "half", 4)
	if got := guesttest.Output[int](t, a); got != 2 || a.Log != "level=INFO msg=halving n=4\n" || a.Retried() || a.Fatal() {
		t.Errorf("%+v", a)
	}
	a = guesttest.Run(t, "half", 3)
	if !a.FailedWith("error") || !a.Retried() || a.Fatal() || a.Output != nil {
		t.Errorf("%+v", a)
	}
}

// TestEndings: what is wrong with the test or the module ends the test.
func TestEndings(t *testing.T) {
	for want, run := range map[string]func(testing.TB){
		`no task "third"; it has [sum_of_halves half_of_it half]`: func(t testing.TB) { guesttest.Run(t, "third", 1) },
		"the call is no JSON":             func(t testing.TB) { guesttest.Run(t, "half", make(chan int)) },
		"the attempt failed: error: odd":  func(t testing.TB) { guesttest.Output[int](t, guesttest.Run(t, "half", 3)) },
		"the output is no string: json: ": func(t testing.TB) { guesttest.Output[string](t, guesttest.Run(t, "half", 4)) },
	} {
		if got := ending(t, run); !strings.Contains(got, want) {
			t.Errorf("ended with %q, want %q", got, want)
		}
	}
}

// ending runs a test of its own and gives the words with which it ended.
func ending(t *testing.T, run func(testing.TB)) string {
	f := &fake{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(f)
	}()
	<-done
	return f.words
}

type fake struct {
	testing.TB
	words string
}

func (*fake) Helper() {}

func (f *fake) Fatalf(format string, args ...any) {
	f.words = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
