// Package canvas makes graphs of canvases: chains, groups, chords, maps and the
// callbacks of each, nested in any way. Every canvas becomes nodes of which one,
// its exit, has its value. It is pure; what tasks are called with it does not
// know, a leaf only carries a number.
package canvas
