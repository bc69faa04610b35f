// Package peertest makes certificates for tests of nodes that talk over TLS.
package peertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/windrow-dev/windrow/cluster/peer"
)

// Authority issues certificates into a folder of the test.
type Authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
	// File is its own certificate, for peer.Files.CA.
	File string
}

// validity is how long before and after now certificates hold.
const validity = time.Hour

// NewAuthority makes an authority that nobody else trusts.
func NewAuthority(t testing.TB) *Authority {
	a := &Authority{t: t, dir: t.TempDir(), next: 1}
	a.key = a.newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-validity), NotAfter: time.Now().Add(validity),
		IsCA: true, KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true,
	}
	der := a.must(x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key))
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a.cert = cert
	a.File = a.write("ca.pem", "CERTIFICATE", der)
	return a
}

// Issue writes a certificate of a node at an IP address.
func (a *Authority) Issue(ip string) peer.Files {
	a.t.Helper()
	a.next++
	key := a.newKey()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.next), Subject: pkix.Name{CommonName: "node"},
		NotBefore: time.Now().Add(-validity), NotAfter: time.Now().Add(validity),
		IPAddresses: []net.IP{net.ParseIP(ip)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		KeyUsage:    x509.KeyUsageDigitalSignature,
	}
	der := a.must(x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key))
	secret := a.must(x509.MarshalPKCS8PrivateKey(key))
	name := fmt.Sprint(a.next)
	return peer.Files{
		Cert: a.write(name+".pem", "CERTIFICATE", der),
		Key:  a.write(name+".key", "PRIVATE KEY", secret),
		CA:   a.File,
	}
}

func (a *Authority) newKey() *ecdsa.PrivateKey {
	a.t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	return k
}

func (a *Authority) must(b []byte, err error) []byte {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
	return b
}

func (a *Authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	file := filepath.Join(a.dir, name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return file
}
