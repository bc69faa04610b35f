// Package worker is a worker's session with the leader: it takes assignments,
// has the host make the attempts, and answers for each of them once. It asks
// for work by a credit, keeps every result until the leader has it, and stops
// its sandboxes when the leader may have given it up.
//
// It knows no cluster: the leader, the modules and the blobs come through its
// own interfaces. See DESIGN.md of cluster/lead for the whole protocol.
package worker
