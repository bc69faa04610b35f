package sandbox

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "layer-child" {
		os.Exit(layerChild(os.Args[2], os.Args[3:]))
	}
	goleak.VerifyTestMain(m)
}
