// Package command holds the verbs that change the replicated state, one struct
// each, and their bytes: the only bytes in the Raft log. It does not carry
// anything out; cluster/state does.
//
// A log entry is a batch: a format byte, the machine's time T that the leader
// stamped, and commands, each with its shard, its verb and its body. A body may
// only grow at its end: a reader takes a missing tail as zero values, and the
// state machine branches on its replicated version before it acts on new ones.
package command
