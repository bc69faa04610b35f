// Package state is the replicated state machine: Apply(index, entry) carries
// out the commands of one log entry and nothing else changes a task or a run.
//
// It is deterministic and bounded. It reads no clock, random source, disk or
// map order; time is the entry's T. One Apply makes about maxTransitions
// transitions; what is more stays as work in the state, carried on by the next
// entry, for which the leader proposes Continue.
//
// What Apply decides from is in memory. What must survive goes to the Sink; a
// machine loaded from there decides as the one that wrote it would have.
package state
