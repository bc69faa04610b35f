package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func parse(t *testing.T, args ...string) (Config, error) {
	t.Helper()
	f := flagSet()
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	return load(f)
}

func TestSourcesInTheirOrder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "node.yaml")
	text := "http_addr: 127.0.0.1:1\nraft_addr: 127.0.0.1:2\nnode_id: file\nqueues: [a, b]\nmemory: 2GiB\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("WINDROW_RAFT_ADDR", "127.0.0.1:3")
	t.Setenv("WINDROW_NODE_ID", "env")
	t.Setenv("WINDROW_JOIN", "127.0.0.1:5,127.0.0.1:6")
	c, err := parse(t, "--config", file, "--node-id", "flag")
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTPAddr != "127.0.0.1:1" || c.RaftAddr != "127.0.0.1:3" || c.NodeID != "flag" ||
		strings.Join(c.Queues, " ") != "a b" || strings.Join(c.Join, " ") != "127.0.0.1:5 127.0.0.1:6" || c.Memory != 2<<30 {
		t.Errorf("%+v", c)
	}
}

func TestDefaultsWork(t *testing.T) {
	c, err := parse(t)
	if err != nil || c.Role != roleAll || c.MaxTimeout != 24*time.Hour || c.MaxModule != 64<<20 {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestFaultsAreNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "node.yaml")
	if err := os.WriteFile(file, []byte("htp_addr: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"--role":                 {"--role", "king"},
		"--http-addr":            {"--http-addr", "8080"},
		"--auth token":           {"--http-addr", "0.0.0.0:8080"},
		"--join":                 {"--role", "worker"},
		"belong together":        {"--tls-cert", "x"},
		"--max-timeout":          {"--max-timeout", "soon"},
		"--memory":               {"--memory", "much"},
		"--labels":               {"--labels", "zone"},
		"--concurrency":          {"--concurrency", "0"},
		`unknown key "htp_addr"`: {"--config", file},
		"no-such.yaml":           {"--config", "no-such.yaml"},
	} {
		if _, err := parse(t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}

func TestExitCodesOfUsage(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		code int
	}{
		"help": {[]string{"--help"}, 0}, "version": {[]string{"--version"}, 0},
		"unknown flag": {[]string{"--no-such"}, 2}, "word": {[]string{"serve"}, 2}, "bad value": {[]string{"--role", "x"}, 2},
	} {
		var out, errs bytes.Buffer
		if code := run(context.Background(), c.args, &out, &errs); code != c.code {
			t.Errorf("%s: exit code %d\n%s", name, code, errs.String())
		}
	}
}
