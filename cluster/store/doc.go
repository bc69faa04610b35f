// Package store keeps the state machine's records on disk: Badger as a
// write-behind checkpoint. Memory is the truth between checkpoints, the Raft
// log stands behind both; see DESIGN.md.
//
// It holds what the machine hands it (state.Sink) in an overlay of at most two
// generations, readable at once, and writes a generation with the applied
// index in one synced transaction. It does not decode records, knows no Raft
// and decides nothing: which keys there are and who may see them is the
// machine's and its readers' business.
//
// This is the only importer of Badger.
package store
