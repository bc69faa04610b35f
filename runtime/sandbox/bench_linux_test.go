package sandbox

import (
	"testing"

	"github.com/windrow-dev/windrow/runtime/frame"
)

// BenchmarkAttempt is an attempt without pipes and processes.
func BenchmarkAttempt(b *testing.B) {
	page := testPage()
	defer func() { _ = page.Close() }()
	r := testRunner(page)
	a := frame.Attempt{Input: []byte(`"some small input"`), Memory: 64 << 20, MaxOutput: 1 << 20, MaxLog: 1 << 10, Number: 1}
	b.ReportAllocs()
	for b.Loop() {
		a.Seq++
		res, now := r.run(&a)
		if res.Exit != frame.ExitOK {
			b.Fatalf("%+v %s", res, res.Message)
		}
		r.out.result(&res, now, false)
	}
}
