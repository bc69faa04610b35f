// Package egress reaches out of the cluster on behalf of others, who must not
// reach into the network that the servers stand in: addresses are checked when
// a connection is made, after names were looked up, so that no name, redirect
// or second look-up leads around the check.
package egress

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// ErrRefused says that an address is not one for others to reach.
var ErrRefused = errors.New("address refused")

// special are the addresses that are not of the open internet, and why.
var special = func() (list []reserved) {
	for prefix, why := range map[string]string{
		"0.0.0.0/8": "this network", "10.0.0.0/8": "private", "100.64.0.0/10": "shared (CGNAT)", "127.0.0.0/8": "loopback",
		"169.254.0.0/16": "link-local", "172.16.0.0/12": "private", "192.0.0.0/24": "reserved", "192.0.2.0/24": "documentation",
		"192.88.99.0/24": "6to4 relay", "192.168.0.0/16": "private", "198.18.0.0/15": "benchmarks", "198.51.100.0/24": "documentation",
		"203.0.113.0/24": "documentation", "224.0.0.0/4": "multicast", "240.0.0.0/4": "reserved",
		"::/96": "unspecified, loopback or IPv4-compatible", "::ffff:0:0:0/96": "IPv4-translated", "64:ff9b::/96": "NAT64", "64:ff9b:1::/48": "NAT64",
		"100::/64": "discarded", "2001::/23": "reserved, Teredo", "2001:db8::/32": "documentation", "2002::/16": "6to4", "3fff::/20": "documentation",
		"5f00::/16": "reserved", "fc00::/7": "private (ULA)", "fe80::/10": "link-local", "fec0::/10": "site-local", "ff00::/8": "multicast",
	} {
		list = append(list, reserved{netip.MustParsePrefix(prefix), why})
	}
	return list
}()

type reserved struct {
	netip.Prefix
	why string
}

// global is all of IPv6 that is routed in the open internet.
var global = netip.MustParsePrefix("2000::/3")

// Guard knows which addresses may be reached. The zero Guard lets nothing but
// the open internet through.
type Guard struct {
	// Allow are those that may be reached although they are not of the open
	// internet.
	Allow []netip.Prefix
}

// ParseAllow reads prefixes such as 10.1.0.0/16, or single addresses.
func ParseAllow(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
			a = a.Unmap()
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil || p.Addr().Is4In6() {
			return nil, fmt.Errorf("%q is no address and no CIDR such as 10.1.0.0/16", s)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// Check refuses an address that is not to be reached.
func (g *Guard) Check(a netip.Addr) error {
	a = a.Unmap() // ::ffff:10.0.0.1 is 10.0.0.1
	bare := a.WithZone("")
	for _, p := range g.Allow {
		if p.Contains(bare) {
			return nil
		}
	}
	if !a.IsValid() || a.Zone() != "" {
		return fmt.Errorf("%w: %s is of a local network", ErrRefused, a)
	}
	for i := range special {
		if special[i].Contains(a) {
			return fmt.Errorf("%w: %s is %s; --egress-allow lets it through", ErrRefused, a, special[i].why)
		}
	}
	if a.Is6() && !global.Contains(a) {
		return fmt.Errorf("%w: %s is not of the open internet", ErrRefused, a)
	}
	return nil
}

// Control is a net.Dialer's: it sees the very address that is about to be
// connected to.
func (g *Guard) Control(network, address string, _ syscall.RawConn) error {
	switch network {
	case "tcp4", "tcp6":
	default:
		return fmt.Errorf("%w: network %s", ErrRefused, network)
	}
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is no address", ErrRefused, address)
	}
	return g.Check(to.Addr())
}
