package module

import (
	"strings"
	"time"
)

// The ids of the sections, as the binary format numbers them.
const (
	secCustom = iota
	secType
	secImport
	secFunction
	secTable
	secMemory
	secGlobal
	secExport
	secStart
	secElement
	secCode
	secData
	secDataCount
	secTag
)

var sectionNames = [...]string{"custom", "type", "import", "function", "table", "memory",
	"global", "export", "start", "element", "code", "data", "data count", "tag"}

// sectionOrder is where a section has to stand; the data count came later and
// stands before the code.
var sectionOrder = [...]int{secType: 1, secImport: 2, secFunction: 3, secTable: 4, secMemory: 5,
	secGlobal: 7, secExport: 8, secStart: 9, secElement: 10, secDataCount: 11, secCode: 12, secData: 13}

// reader holds what earlier sections said, for the later ones to be checked
// against.
type reader struct {
	c    cursor
	lim  Limits
	info Info

	types    []signature
	funcs    []uint32 // type of each function, imports first
	stray    *Error   // the first import that nothing answers
	imported int      // how many of funcs are imports
	memories int
	tables   []table
	globals  []byte // type of each global, high bit: mutable
	elements int    // element segments
	bodies   int    // function bodies in the code section
	data     int    // data segments seen
	declared int    // data segments that the data count section claims; -1: no such section
	entries  entries
	features features
	named    bool // a name section was seen
	mutable  int  // mutable globals
	flow     flow
	frames   []frame // open blocks of the function being walked, reused
	targets  int     // of all br_tables so far
	work     time.Duration
}

// signature is a function type; its parts lie in the module's bytes.
type signature struct {
	params, results []byte
}

func (s signature) String() string {
	results := valueTypes(s.results)
	if len(s.results) == 1 {
		results = valueTypeName(s.results[0])
	}
	return valueTypes(s.params) + " -> " + results
}

func valueTypes(v []byte) string {
	var b strings.Builder
	b.WriteByte('(')
	for i, t := range v {
		if i == 16 {
			b.WriteString(", …")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(valueTypeName(t))
	}
	b.WriteByte(')')
	return b.String()
}

func (r *reader) header() {
	c := &r.c
	if c.sniff(); c.err != nil {
		return
	}
	c.pos = 8
	r.declared = -1
}

func (r *reader) sections() {
	c := &r.c
	last := 0
	file := c.end
	for c.err == nil && c.pos < file {
		at := c.pos
		id := int(c.b[c.pos])
		c.pos++
		if id != secCustom {
			r.order(at, id, &last)
		}
		if c.err == nil {
			c.section = sectionNames[id]
			size := r.sectionSize(at, file)
			c.end = c.pos + size
			r.section(id)
		}
		if c.err == nil && c.pos != c.end {
			c.invalid(c.pos, "%s bytes are left over at the end of the section; build the module again", thousands(c.left()))
		}
		if c.err != nil {
			return
		}
		c.section, c.end = "", file
	}
	r.agree()
}

// sectionSize reads the length of a section and sees that the file is as
// long; a file that is not was cut.
func (r *reader) sectionSize(at, file int) int {
	c := &r.c
	for i := c.pos; ; i++ {
		if i == file {
			c.fail(CodeTruncated, at, "the file ends within the head of a section; it was cut while it was copied or uploaded: send it again")
			return 0
		}
		if c.b[i] < 0x80 || i == c.pos+5 {
			break
		}
	}
	size := c.u32()
	if uint64(size) > uint64(c.left()) {
		c.fail(CodeTruncated, at, "the %s section of %s bytes begins here, but the file ends after %s; it was cut while it was copied or uploaded: send it again", c.section, thousands(int(size)), thousands(c.left()))
	}
	if c.err != nil {
		return 0
	}
	return int(size)
}

func (r *reader) order(at, id int, last *int) {
	c := &r.c
	switch {
	case id == secTag:
		c.unsupported(at, exceptions)
	case id > secTag:
		c.invalid(at, "section id %d is unknown to Wasm core 2.0; build the module again for wasm32-wasip1", id)
	case sectionOrder[id] == *last:
		c.invalid(at, "the %s section comes twice", sectionNames[id])
	case sectionOrder[id] < *last:
		c.invalid(at, "the %s section comes too late: sections are out of order", sectionNames[id])
	default:
		*last = sectionOrder[id]
	}
}

func (r *reader) section(id int) {
	if r.c.err != nil {
		return
	}
	switch id {
	case secCustom:
		r.custom()
	case secType:
		r.typeSection()
	case secImport:
		r.importSection()
	case secFunction:
		r.functionSection()
	case secTable:
		r.tableSection()
	case secMemory:
		r.memorySection()
	case secGlobal:
		r.globalSection()
	case secExport:
		r.exportSection()
	case secStart:
		r.startSection()
	case secElement:
		r.elementSection()
	case secDataCount:
		r.declared = r.c.count("data segments", r.lim.DataSegments, 0)
	case secCode:
		r.codeSection()
	case secData:
		r.dataSection()
	}
}

// agree checks what only the whole file can tell.
func (r *reader) agree() {
	c := &r.c
	defined := len(r.funcs) - r.imported
	switch {
	case c.err != nil:
	case defined != r.bodies:
		c.invalid(c.pos, "%s functions are declared, but %s have code; build the module again", thousands(defined), thousands(r.bodies))
	case r.declared >= 0 && r.declared != r.data:
		c.invalid(c.pos, "the data count section says %s data segments, but there are %s", thousands(r.declared), thousands(r.data))
	}
}
