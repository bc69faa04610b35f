package module

import (
	"bytes"
	"encoding/binary"
)

// u encodes an unsigned LEB128.
func u(n uint64) []byte { return binary.AppendUvarint(nil, n) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// list is a count and its entries.
func list(entries ...[]byte) []byte { return append(u(uint64(len(entries))), join(entries...)...) }

func text8(s string) []byte { return append(u(uint64(len(s))), s...) }

// sized puts the length of b before it.
func sized(b []byte) []byte { return append(u(uint64(len(b))), b...) }

func section(id byte, body ...[]byte) []byte {
	return append([]byte{id}, sized(join(body...))...)
}

func custom(name string, body ...[]byte) []byte {
	return section(secCustom, text8(name), join(body...))
}

var head = []byte("\x00asm\x01\x00\x00\x00")

func module(sections ...[]byte) []byte { return append(bytes.Clone(head), join(sections...)...) }

// funcType makes a type in the letters of hostFunctions: "ii>i".
func funcType(short string) []byte {
	s := hostType(short)
	return join([]byte{0x60}, sized(s.params), sized(s.results))
}

func imp(module, name string, kind byte, desc ...byte) []byte {
	return join(text8(module), text8(name), []byte{kind}, desc)
}

func exp(name string, kind byte, index uint64) []byte {
	return join(text8(name), []byte{kind}, u(index))
}

// fn is a function's entry in the code section; locals is its declaration,
// code goes without the last end.
func fn(locals []byte, code ...byte) []byte {
	return sized(join(locals, code, []byte{0x0b}))
}

var noLocals = []byte{0}

// guest is a command with the parts a test varies.
type guest struct {
	types    [][]byte
	imports  [][]byte
	funcs    []byte // type of each function
	tables   [][]byte
	memory   []byte
	globals  [][]byte
	exports  [][]byte
	start    []byte
	elements [][]byte
	count    []byte // data count
	code     [][]byte
	data     [][]byte
	custom   [][]byte // after everything
}

// command is the smallest command: one empty _start and a page of memory.
func command() guest {
	return guest{
		types:   [][]byte{funcType(">")},
		funcs:   []byte{0},
		memory:  []byte{0, 1},
		exports: [][]byte{exp("_start", 0, 0), exp("memory", 2, 0)},
		code:    [][]byte{fn(noLocals)},
	}
}

// reactor is the smallest reactor.
func reactor() guest {
	return guest{
		types:   [][]byte{funcType(">i")},
		funcs:   []byte{0, 0},
		memory:  []byte{0, 1},
		exports: [][]byte{exp("windrow_describe", 0, 0), exp("windrow_run", 0, 1), exp("memory", 2, 0)},
		code:    [][]byte{fn(noLocals, 0x41, 0), fn(noLocals, 0x41, 0)},
	}
}

// withCode is a command whose _start has this code.
func withCode(code ...byte) guest {
	g := command()
	g.code = [][]byte{fn(noLocals, code...)}
	return g
}

func (g guest) bytes() []byte {
	var s [][]byte
	add := func(id byte, entries [][]byte) {
		if entries != nil {
			s = append(s, section(id, list(entries...)))
		}
	}
	add(secType, g.types)
	add(secImport, g.imports)
	if g.funcs != nil {
		s = append(s, section(secFunction, sized(g.funcs)))
	}
	add(secTable, g.tables)
	if g.memory != nil {
		s = append(s, section(secMemory, list(g.memory)))
	}
	add(secGlobal, g.globals)
	add(secExport, g.exports)
	if g.start != nil {
		s = append(s, section(secStart, g.start))
	}
	add(secElement, g.elements)
	if g.count != nil {
		s = append(s, section(secDataCount, g.count))
	}
	add(secCode, g.code)
	add(secData, g.data)
	s = append(s, g.custom...)
	return module(s...)
}

// rep is n times the same code.
func rep(n int, code ...byte) []byte { return bytes.Repeat(code, n) }

// locals declares n locals of type i32.
func locals(n int) []byte { return list(append(u(uint64(n)), typeI32)) }

// get reads n locals and drops them; touch adds one to each.
func get(n int) []byte {
	var b []byte
	for i := range uint64(n) {
		b = append(append(append(b, 0x20), u(i)...), 0x1a)
	}
	return b
}

func touch(n int) []byte {
	var b []byte
	for i := range uint64(n) {
		b = append(append(b, 0x20), u(i)...)
		b = append(append(b, 0x41, 1, 0x6a, 0x21), u(i)...)
	}
	return b
}

// table is a br_table of n targets and a default, all to label 0.
func brTable(n int) []byte { return join([]byte{0x0e}, u(uint64(n)), make([]byte, n+1)) }

// with makes a command whose _start has n locals and this code.
func with(n int, code ...[]byte) []byte {
	g := command()
	g.code = [][]byte{fn(locals(n), join(code...)...)}
	return g.bytes()
}
