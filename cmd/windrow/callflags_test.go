package main

import (
	"encoding/json"
	"testing"

	"github.com/spf13/cobra"
)

// TestCallFlags holds each flag to the field it stands for.
func TestCallFlags(t *testing.T) {
	for _, c := range []struct {
		want string
		args []string
	}{
		{`{"task":"m.main"}`, nil},
		{`{"task":"m.main","queue":"q","priority":0}`, []string{"--queue", "q", "--priority", "0"}},
		{`{"task":"m.main","countdown":"1m30s"}`, []string{"--countdown", "90"}},
		{`{"task":"m.main","eta":"2026-01-31T09:30:00.000000000Z"}`, []string{"--eta", "2026-01-31T10:30:00+01:00"}},
		{`{"task":"m.main","expires":"10m"}`, []string{"--expires", "10m"}},
		{`{"task":"m.main","expires":"2026-01-31T09:30:00.000000000Z"}`, []string{"--expires", "2026-01-31T09:30:00Z"}},
		{`{"task":"m.main","timeout":"30s","soft_timeout":"25s","memory":134217728}`, []string{"--timeout", "30s", "--soft-timeout", "25s", "--memory", "128MiB"}},
		{`{"task":"m.main","retry":{"max":0}}`, []string{"--retry", "0"}},
		{`{"task":"m.main","retry":{"max":3,"backoff":"2s","factor":1.5,"max_backoff":"1m","jitter":"none","on":["timeout","trap"],"not_on":["fatal"]}}`,
			[]string{"--retry", "3", "--retry-backoff", "2s", "--retry-factor", "1.5", "--retry-max-backoff", "60s", "--retry-jitter", "none", "--retry-on", "timeout,trap", "--retry-not-on", "fatal"}},
		{`{"task":"m.main","ack":"early","max_deliveries":1}`, []string{"--ack", "early", "--max-deliveries", "1"}},
		{`{"task":"m.main","idempotency_key":"i","unique_key":"u"}`, []string{"--idempotency-key", "i", "--unique-key", "u"}},
		{`{"task":"m.main","concurrency_key":"c"}`, []string{"--concurrency-key", "c"}},
		{`{"task":"m.main","concurrency_key":{"key":"c","limit":4}}`, []string{"--concurrency-key", "c", "--concurrency-limit", "4"}},
		{`{"task":"m.main","fairness_key":"f","rate_limit":"10/s"}`, []string{"--fairness-key", "f", "--rate-limit", "10/s"}},
		{`{"task":"m.main","pool":"p","pool_slots":2}`, []string{"--pool", "p", "--pool-slots", "2"}},
		{`{"task":"m.main","ignore_result":true,"result_ttl":"1h"}`, []string{"--ignore-result", "--result-ttl", "1h"}},
		{`{"task":"m.main","version":2,"labels":{"a":"b","c":"d"}}`, []string{"--version", "2", "--label", "a=b", "--label", "c=d"}},
		{`{"task":"m.main","headers":{"trace":"x","n":1}}`, []string{"--header", `trace="x"`, "--header", "n=1"}},
		{`{"task":"m.main","output":"text"}`, []string{"--stdout", "text"}},
		{`{"task":"m.main","input":"raw","stdin":"raw"}`, []string{"--raw", "raw"}},
	} {
		var flags callFlags
		cmd := &cobra.Command{Use: "test"}
		flags.add(cmd)
		if err := cmd.ParseFlags(c.args); err != nil {
			t.Errorf("%v: %v", c.args, err)
			continue
		}
		call, err := flags.call("m", cmd.Flags(), nil)
		if err != nil {
			t.Errorf("%v: %v", c.args, err)
			continue
		}
		got, err := json.Marshal(call)
		if err != nil || string(got) != c.want {
			t.Errorf("%v: %s, %v, want %s", c.args, got, err, c.want)
		}
	}
}
