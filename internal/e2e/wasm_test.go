package e2e

import (
	"bytes"
	"encoding/binary"
)

// Modules of the kinds that harm, a few bytes at a time.

func leb(n uint64) []byte { return binary.AppendUvarint(nil, n) }

func cat(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func vector(items ...[]byte) []byte { return append(leb(uint64(len(items))), cat(items...)...) }

func sized(b []byte) []byte { return append(leb(uint64(len(b))), b...) }

func name(s string) []byte { return sized([]byte(s)) }

func section(id byte, body []byte) []byte { return append([]byte{id}, sized(body)...) }

// wasm is a command of functions () -> (), the first being _start, with a page
// of memory and, where there is one, a table.
func wasm(table []byte, functions ...[]byte) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	b = append(b, section(1, vector([]byte{0x60, 0, 0}))...)
	b = append(b, section(3, sized(make([]byte, len(functions))))...)
	if table != nil {
		b = append(b, section(4, vector(table))...)
	}
	b = append(b, section(5, vector([]byte{0, 1}))...)
	b = append(b, section(7, vector(cat(name("_start"), []byte{0, 0}), cat(name("memory"), []byte{2, 0})))...)
	bodies := make([][]byte, len(functions))
	for i, f := range functions {
		bodies[i] = sized(append(f, 0x0b))
	}
	return append(b, section(10, vector(bodies...))...)
}

func call(f int) []byte { return append([]byte{0x10}, leb(uint64(f))...) }

// doubling calls 2^n functions with neither loop nor recursion.
func doubling(n int) []byte {
	var functions [][]byte
	for i := range n {
		functions = append(functions, cat([]byte{0}, call(i+1), call(i+1)))
	}
	return wasm(nil, append(functions, []byte{0})...)
}

// manyLocals declares 2^28 of them.
func manyLocals() []byte { return wasm(nil, cat([]byte{1}, leb(1<<28), []byte{0x7f})) }

// wideBranch has a br_table of n targets.
func wideBranch(n int) []byte {
	return wasm(nil, cat([]byte{0, 0x02, 0x40, 0x41, 0, 0x0e}, leb(uint64(n)), make([]byte, n+1), []byte{0x0b}))
}

// growingTable asks for 2^27 elements while it runs.
func growingTable(table ...byte) []byte {
	return wasm(table, []byte{0, 0xd0, 0x70, 0x41, 0x80, 0x80, 0x80, 0xc0, 0x00, 0xfc, 15, 0, 0x1a})
}

// importing imports one function that nobody has.
func importing(module, function string) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	b = append(b, section(1, vector([]byte{0x60, 0, 0}))...)
	b = append(b, section(2, vector(cat(name(module), name(function), []byte{0, 0})))...)
	b = append(b, section(3, sized([]byte{0}))...)
	b = append(b, section(5, vector([]byte{0, 1}))...)
	b = append(b, section(7, vector(cat(name("_start"), []byte{0, 1}), cat(name("memory"), []byte{2, 0})))...)
	return append(b, section(10, vector(sized([]byte{0, 0x0b})))...)
}

// exporting is a module with one function under that name, and its memory.
func exporting(function string) []byte {
	b := []byte("\x00asm\x01\x00\x00\x00")
	b = append(b, section(1, vector([]byte{0x60, 0, 0}))...)
	b = append(b, section(3, sized([]byte{0}))...)
	b = append(b, section(5, vector([]byte{0, 1}))...)
	b = append(b, section(7, vector(cat(name(function), []byte{0, 0}), cat(name("memory"), []byte{2, 0})))...)
	return append(b, section(10, vector(sized([]byte{0, 0x0b})))...)
}
