package main

import (
	"crypto/tls"
	"fmt"

	"github.com/windrow-dev/windrow/api/auth"
)

// guard decides who may ask over HTTP.
func (n *node) guard() (auth.Guard, error) {
	if n.cfg.Auth == "off" {
		return nil, nil
	}
	token, created, err := auth.Load(n.cfg.DataDir)
	if err != nil {
		return nil, fmt.Errorf("read the administrator's token: %w", err)
	}
	if created {
		n.log.Info("the administrator's token is made", "file", n.folder.Path(auth.FileName))
	}
	return token, nil
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
