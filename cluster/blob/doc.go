// Package blob keeps modules and large values as files named by the sha256 of
// their bytes, and holds them on a majority of servers.
//
// It knows no log and no state machine: who refers to a blob is asked by a
// function, how bytes reach another server is behind Peers. It does not decide
// when to sweep.
//
// A blob is safe from Sweep while it is pinned, referred to, or young. The
// order that keeps one alive is: Put (which makes it young on every server
// that gets it) or Pin, then the command that refers to it, then Unpin.
package blob
