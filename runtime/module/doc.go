// Package module reads a WebAssembly module before any engine does.
//
// Read runs inside the node's own process, on bytes that a stranger sent, so
// it is built to three rules: its time is linear in the length of the input,
// its memory is proportional to the bytes that are really there and never to
// a count that they claim, and it never panics. It walks every section and
// every instruction, finds out what kind of guest the module is and what it
// asks of its host, and refuses, with a message that says what to do, what
// could never run here or what would make the engine slow or huge.
//
// It does not check the types on the operand stack: the engine does, in a
// compile child under limits of time and memory, which stands behind every
// bound of this package. DESIGN.md holds the measurements they rest on.
package module
