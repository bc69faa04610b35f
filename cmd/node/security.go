package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"fmt"

	"github.com/windrow-dev/windrow/api/auth"
	"github.com/windrow-dev/windrow/cluster/command"
	"github.com/windrow-dev/windrow/queue"
)

// The administrator's token is a document of the cluster, so that one token
// opens every node; only its sum is kept. The server that leads first makes the
// token and writes it into its own data folder.
const adminToken = "admin"

// clusterGuard implements auth.Guard.
type clusterGuard struct{ n *node }

// Allow implements auth.Guard. Before the cluster has a token nobody is let in.
func (g clusterGuard) Allow(authorization []byte) bool {
	d, ok := g.n.Document(command.KindToken, queue.DefaultNamespace, adminToken, 0)
	if !ok {
		return false
	}
	var sum [sha256.Size]byte
	if k, err := hex.Decode(sum[:], []byte(d.Digest)); err != nil || k != len(sum) {
		return false
	}
	return auth.Sum(sum).Allow(authorization)
}

// guard decides who may ask over HTTP.
func (n *node) guard() auth.Guard {
	if n.cfg.Auth == "off" {
		return nil
	}
	return clusterGuard{n}
}

// foundToken makes the cluster's token if it has none; the leader does it.
func (n *node) foundToken(ctx context.Context) error {
	if n.cfg.Auth == "off" {
		return nil
	}
	if _, ok := n.Document(command.KindToken, queue.DefaultNamespace, adminToken, 0); ok {
		return nil
	}
	token, created, err := auth.Load(n.cfg.DataDir)
	if err != nil {
		return fmt.Errorf("read the administrator's token: %w", err)
	}
	sum := token.Sum()
	r, _, err := n.cluster.Propose(ctx, command.Encode(shard, &command.PutDocument{
		Kind: command.KindToken, Namespace: queue.DefaultNamespace, Name: adminToken, Digest: hex.EncodeToString(sum[:])}))
	if err == nil && r.Code != command.OK {
		err = fmt.Errorf("refused: %s: %s", r.Code, r.Detail)
	}
	if err != nil {
		return fmt.Errorf("keep the administrator's token: %w", err)
	}
	n.log.Info("the administrator's token opens this cluster", "file", n.folder.Path(auth.FileName), "made_now", created)
	return nil
}

// serverTLS is what HTTP is served with, nil for plain.
func (n *node) serverTLS() (*tls.Config, error) {
	if n.cfg.TLSCert == "" {
		return nil, nil
	}
	if _, err := tls.LoadX509KeyPair(n.cfg.TLSCert, n.cfg.TLSKey); err != nil {
		return nil, fmt.Errorf("load --tls-cert and --tls-key: %w", err)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// Read anew for each connection, so that a renewed certificate needs no
		// restart.
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(n.cfg.TLSCert, n.cfg.TLSKey)
			return &cert, err
		},
	}, nil
}
