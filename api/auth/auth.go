// Package auth says who may use a node's HTTP API. For now that is nobody in
// particular (authentication off, loopback only) or whoever holds the
// administrator's token.
package auth

// Guard decides on one request by its Authorization header. It is called by
// many goroutines at once and must not keep the bytes.
type Guard interface {
	Allow(authorization []byte) bool
}
