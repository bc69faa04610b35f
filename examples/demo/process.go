package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// process is the node's.
type process struct {
	binary, dir string
	http, raft  string
	cmd         *exec.Cmd
	ended       chan error
	log         string
}

func newProcess(binary, dir string) (*process, error) {
	binary, err := filepath.Abs(binary)
	if err != nil {
		return nil, err
	}
	p := &process{binary: binary, dir: dir, log: filepath.Join(dir, "windrowd.log")}
	for _, addr := range []*string{&p.http, &p.raft} {
		if *addr, err = freeAddr(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *process) url() string { return "http://" + p.http }

// start starts the node and returns once it answers that it is ready.
func (p *process) start(ctx context.Context) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	p.cmd = exec.Command(p.binary, "--data-dir", filepath.Join(p.dir, "data"), "--http-addr", p.http, "--raft-addr", p.raft)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.ended = make(chan error, 1)
	go func(cmd *exec.Cmd, ended chan error) { ended <- cmd.Wait() }(p.cmd, p.ended)
	return p.ready(ctx)
}

func (p *process) ready(ctx context.Context) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url()+"/readyz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-p.ended:
			text, _ := os.ReadFile(p.log)
			return errors.Join(fmt.Errorf("windrowd ended: %w\n%s", err, text))
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// kill is kill -9.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.ended //nolint:errcheck // it was killed, and says so
	p.cmd = nil
}

func freeAddr() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}
