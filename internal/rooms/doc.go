// Package rooms holds the house's floor plan: which package may import which,
// which of them may import which library, and which must stay deterministic.
// It has tests only; the plan is table_test.go.
package rooms
