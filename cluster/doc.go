// Package cluster keeps one ordered log of commands on a majority of servers
// and feeds it to a Shard: it proposes, replicates, applies, reads and keeps
// the list of members. It is the only importer of Raft.
//
// It does not know what a command means, nor what a leader does with its time:
// cluster/state and cluster/lead do. See DESIGN.md.
package cluster
