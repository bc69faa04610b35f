package module

// table is a declared table and whether any code grows it.
type table struct {
	kind     byte
	min, max uint32
	bounded  bool
	grown    bool
}

// The value types of core 2.0.
const (
	typeI32       = 0x7f
	typeI64       = 0x7e
	typeF32       = 0x7d
	typeF64       = 0x7c
	typeV128      = 0x7b
	typeFuncref   = 0x70
	typeExternref = 0x6f
)

func valueTypeName(t byte) string {
	switch t {
	case typeI32:
		return "i32"
	case typeI64:
		return "i64"
	case typeF32:
		return "f32"
	case typeF64:
		return "f64"
	case typeV128:
		return "v128"
	case typeFuncref:
		return "funcref"
	case typeExternref:
		return "externref"
	}
	return "?"
}

// valueType checks a type; one of a later proposal is named as such.
func (r *reader) valueType(at int, t byte) {
	c := &r.c
	switch t {
	case typeI32, typeI64, typeF32, typeF64:
	case typeV128:
		r.features.simd = true
	case typeFuncref, typeExternref:
		r.features.references = true
	case 0x63, 0x64:
		c.unsupported(at, functionReferences)
	case 0x69, 0x74:
		c.unsupported(at, exceptions)
	case 0x6e, 0x6d, 0x6c, 0x6b, 0x6a, 0x71, 0x72, 0x73:
		c.unsupported(at, garbageCollection)
	default:
		c.invalid(at, "0x%02x is no value type", t)
	}
}

func (r *reader) reference(at int, t byte) {
	r.valueType(at, t)
	if t != typeFuncref && t != typeExternref {
		r.c.invalid(at, "%s is no reference type", valueTypeName(t))
	}
}

func (r *reader) typeSection() {
	c := &r.c
	n := c.count("function types", r.lim.Types, 3)
	r.types = make([]signature, 0, n)
	for i := 0; i < n && c.err == nil; i++ {
		at := c.pos
		switch form := c.u8(); form {
		case 0x60:
		case 0x4e, 0x4f, 0x50, 0x5e, 0x5f:
			c.unsupported(at, garbageCollection)
		default:
			c.invalid(at, "0x%02x begins no function type", form)
		}
		params := r.typeList("parameters", r.lim.Params)
		results := r.typeList("results", r.lim.Results)
		if len(results) > 1 {
			r.features.multiValue = true
		}
		r.types = append(r.types, signature{params, results})
	}
	r.info.Types = len(r.types)
}

func (r *reader) typeList(what string, limit int) []byte {
	c := &r.c
	n := c.count(what+" in one function type", limit, 1)
	if c.err != nil {
		return nil
	}
	list := c.b[c.pos : c.pos+n]
	for i, t := range list {
		r.valueType(c.pos+i, t)
	}
	c.skip(n)
	return list
}

// typeIndex reads the index of a function type.
func (r *reader) typeIndex() uint32 {
	at := r.c.pos
	i := r.c.u32()
	if r.c.err == nil && int64(i) >= int64(len(r.types)) {
		r.c.invalid(at, "type %d does not exist; there are %d", i, len(r.types))
		return 0
	}
	return i
}

func (r *reader) functionSection() {
	c := &r.c
	n := c.count("functions", r.lim.Functions-r.imported, 1)
	funcs := make([]uint32, r.imported, r.imported+n)
	copy(funcs, r.funcs)
	r.funcs = funcs
	for i := 0; i < n && c.err == nil; i++ {
		r.funcs = append(r.funcs, r.typeIndex())
	}
	r.info.Functions = n
}

func (r *reader) tableSection() {
	c := &r.c
	n := c.count("tables", r.lim.Tables, 3)
	for i := 0; i < n && c.err == nil; i++ {
		at := c.pos
		kind := c.u8()
		if kind == 0x40 {
			c.unsupported(at, functionReferences)
			return
		}
		r.reference(at, kind)
		t := table{kind: kind}
		t.min, t.max, t.bounded = r.bounds("table")
		r.tables = append(r.tables, t)
	}
	if n > 1 {
		r.features.references = true
	}
	r.info.Tables = len(r.tables)
	r.tableSizes(c.pos)
}

// tableSizes bounds what all tables can grow to. Only a table that some code
// grows counts at its maximum: compilers often declare none.
func (r *reader) tableSizes(at int) {
	sum := 0
	for i, t := range r.tables {
		size := t.min
		if t.grown {
			if !t.bounded {
				r.c.fail(CodeLimit, at, "table %d is grown by code but declares no maximum; declare one of at most %s elements (for LLVM leave out --growable-table)", i, thousands(r.lim.TableElements))
				return
			}
			size = t.max
		}
		if sum += int(size); sum > r.lim.TableElements {
			r.c.fail(CodeLimit, at, "the tables can reach %s elements or more; at most %s are allowed. Declare a smaller minimum, and a smaller maximum where table.grow is used", thousands(sum), thousands(r.lim.TableElements))
			return
		}
	}
	r.info.TableElements = sum
}

// bounds reads the limits of a table or memory.
func (r *reader) bounds(what string) (least, most uint32, bounded bool) {
	c := &r.c
	at := c.pos
	switch flag := c.u8(); {
	case flag <= 1:
		bounded = flag == 1
	case flag&^3 == 0:
		c.unsupported(at, threads)
	case flag&^7 == 0:
		c.unsupported(at, memory64)
	case flag&^15 == 0:
		c.unsupported(at, customPages)
	default:
		c.invalid(at, "0x%02x is no flag of a %s's limits", flag, what)
	}
	least = c.u32()
	if bounded {
		if most = c.u32(); most < least {
			c.invalid(at, "a %s's minimum, %s, is above its maximum, %s", what, thousands(int(least)), thousands(int(most)))
		}
	}
	return least, most, bounded
}

func (r *reader) memorySection() {
	c := &r.c
	at := c.pos
	n := c.u32()
	if n > 1 {
		c.unsupported(at, multiMemory)
	}
	if n == 0 || c.err != nil {
		return
	}
	r.memories = 1
	at = c.pos
	least, most, bounded := r.bounds("memory")
	if least > 65536 || most > 65536 {
		c.invalid(at, "a memory has 65,536 pages (4 GiB) at most")
	}
	if int64(least) > int64(r.lim.MemoryPages) {
		c.fail(CodeLimit, at, "the memory begins with %s pages of 64 KiB (%s MiB); at most %s MiB are allowed. Lower the initial memory (LLVM: -Wl,--initial-memory=BYTES) and grow it when needed", thousands(int(least)), thousands(int(least)/16), thousands(r.lim.MemoryPages/16))
	}
	r.info.MemoryMin, r.info.MemoryMax, r.info.MemoryBounded = least, most, bounded
}

const mutableGlobal = 0x80

func (r *reader) globalSection() {
	c := &r.c
	n := c.count("globals", r.lim.Globals, 4)
	r.globals = make([]byte, 0, n)
	for i := 0; i < n && c.err == nil; i++ {
		at := c.pos
		t := c.u8()
		r.valueType(at, t)
		at = c.pos
		switch flag := c.u8(); flag {
		case 0:
		case 1:
			if t == typeV128 || t == typeFuncref || t == typeExternref {
				r.info.Mutates.WideGlobals = true
			}
			t |= mutableGlobal
			r.mutable++
		default:
			if flag&2 != 0 {
				c.unsupported(at, threads)
			}
			c.invalid(at, "0x%02x says neither constant nor mutable", flag)
		}
		r.constant("a global's initial value")
		r.globals = append(r.globals, t)
	}
	r.info.Globals = len(r.globals)
}

func (r *reader) startSection() {
	c := &r.c
	at := c.pos
	f := c.u32()
	if s, ok := r.function(at, f); ok && len(s.params)+len(s.results) > 0 {
		c.invalid(at, "the start function, %d, has the type %s; it takes and gives nothing", f, s)
	}
	r.info.Start = true
}

// function gives the type of a function by its index.
func (r *reader) function(at int, i uint32) (signature, bool) {
	if r.c.err != nil {
		return signature{}, false
	}
	if int64(i) >= int64(len(r.funcs)) {
		r.c.invalid(at, "function %d does not exist; there are %s", i, thousands(len(r.funcs)))
		return signature{}, false
	}
	return r.types[r.funcs[i]], true
}
