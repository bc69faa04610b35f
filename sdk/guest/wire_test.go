package guest_test

import (
	"encoding/json"
	"testing"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// decodeCall reads the options of a call as a node does, strictly.
func decodeCall(t *testing.T, options json.RawMessage) *wire.Call {
	t.Helper()
	var c wire.Call
	if err := json.Unmarshal(append([]byte(`{"task":"m.t",`), options[1:]...), &c); err != nil {
		t.Fatalf("a node would refuse the options %s: %v", options, err)
	}
	return &c
}
