package peer

import (
	"fmt"
	"net"
)

// CheckPlain refuses an address that would carry the cluster's talk in the
// clear beyond this machine.
func CheckPlain(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("address %q: %w", addr, err)
	}
	if host == "localhost" {
		return nil
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("the Raft address %s is not loopback: nodes on a network need --tls-cert, --tls-key and --tls-ca", addr)
}
