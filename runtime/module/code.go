package module

import "time"

func (r *reader) codeSection() {
	c := &r.c
	begin := c.pos
	at := c.pos
	n := c.count("functions with code", r.lim.Functions, 2)
	if defined := len(r.funcs) - r.imported; c.err == nil && n != defined {
		c.invalid(at, "%s functions are declared, but %s have code; build the module again", thousands(defined), thousands(n))
	}
	// The engine goes through all types and globals for each function.
	r.work = time.Duration(8 * float64(n) * float64(len(r.types)+len(r.globals)))
	section := c.end
	f := walker{reader: r, flow: &r.flow}
	for i := 0; i < n && c.err == nil; i++ {
		c.function = r.imported + i
		r.body(&f)
		if c.err == nil {
			c.end = section
		}
	}
	if c.err != nil {
		return
	}
	c.function = -1
	r.bodies = n
	r.info.CodeBytes = c.pos - begin
	r.tableSizes(begin)
}

// body walks one function: its size, its locals, its code.
func (r *reader) body(f *walker) {
	c := &r.c
	at := c.pos
	size := c.u32()
	switch {
	case c.err != nil:
		return
	case uint64(size) > uint64(c.left()):
		c.invalid(at, "the function claims %s bytes, but only %s are left in the section", thousands(int(size)), thousands(c.left()))
		return
	case int(size) > r.lim.BodyBytes:
		c.fail(CodeLimit, at, "the function is %s bytes long; at most %s are allowed. Split it", thousands(int(size)), thousands(r.lim.BodyBytes))
		return
	}
	c.end = c.pos + int(size)
	f.sig = r.types[r.funcs[c.function]]
	f.weight = Weight{Function: c.function, BodyBytes: int(size)}
	f.locals()
	f.begin(&f.weight, int(f.nlocals), int(size))
	f.walk()
	f.account(at)
}

// walker goes through the code of one function.
type walker struct {
	*reader
	*flow
	sig     signature
	nlocals uint32
	weight  Weight
}

func (f *walker) locals() {
	c := &f.c
	at := c.pos
	groups := c.count("groups of locals in one function", f.lim.Locals, 2)
	sum := uint64(len(f.sig.params))
	for i := 0; i < groups && c.err == nil; i++ {
		sum += uint64(c.u32())
		at := c.pos
		f.valueType(at, c.u8())
	}
	if c.err == nil && sum > uint64(f.lim.Locals) {
		c.fail(CodeLimit, at, "the function has %s locals, parameters counted; at most %s are allowed. Split it, or keep its variables in memory", thousands(int(min(sum, 1<<40))), thousands(f.lim.Locals))
		return
	}
	f.nlocals = uint32(sum)
	f.weight.Locals = int(sum)
}

func (f *walker) walk() {
	c := &f.c
	f.frames = append(f.frames[:0], frame{op: 0x02, arity: uint32(len(f.sig.results))})
	for c.err == nil {
		at := c.pos
		op := c.u8()
		f.weight.Instructions++
		switch immediates[op] {
		case plain:
		case trapping:
			f.weight.Traps++
		case aLocal:
			i := c.u32()
			if i >= f.nlocals && c.err == nil {
				c.invalid(at, "local %d does not exist; there are %d", i, f.nlocals)
			}
			f.local(i, op == 0x20)
		case anI32:
			c.signed(32)
		case anI64:
			c.signed(64)
		case aMemoryAccess:
			f.memoryAccess(at)
		case special:
			f.special(at, op)
			if len(f.frames) == 0 {
				if c.pos != c.end {
					c.invalid(c.pos, "code follows the end of the function")
				}
				return
			}
		default:
			f.rare(at, op)
		}
	}
}

// rare walks instructions that are seldom enough not to stand in walk.
func (f *walker) rare(at int, op byte) {
	c := &f.c
	switch immediates[op] {
	case aGlobal:
		i := c.u32()
		if c.err == nil && int64(i) >= int64(len(f.globals)) {
			c.invalid(at, "global %d does not exist; there are %d", i, len(f.globals))
		} else if c.err == nil && op == 0x24 && f.globals[i]&mutableGlobal == 0 {
			c.invalid(at, "global.set of global %d, which is constant", i)
		}
	case aTable:
		f.features.references = true
		f.tableIndex()
		if op == 0x26 {
			f.info.Mutates.Tables = true
		}
	case aMemory:
		f.memoryIndex(at)
	case fourBytes:
		c.skip(4)
	case eightBytes:
		c.skip(8)
	default:
		if p, known := reservedBy(op); known {
			c.unsupported(at, p)
		} else {
			c.invalid(at, "0x%02x is no instruction of Wasm core 2.0", op)
		}
	}
}

func (f *walker) memoryAccess(at int) {
	c := &f.c
	f.access()
	align := c.u32()
	switch {
	case c.err != nil:
		return
	case align&0x40 != 0 && align < 0x80:
		c.unsupported(at, multiMemory)
	case align > 4:
		c.invalid(at, "an alignment of 2^%d is larger than any access", align)
	case f.memories == 0:
		c.invalid(at, "the code reads or writes memory, but the module has none")
	}
	if c.err != nil {
		return
	}
	for i := c.pos; i < c.end && i < c.pos+5; i++ {
		if c.b[i] < 0x80 {
			break
		}
		if i == c.pos+4 {
			c.unsupported(at, memory64) // an offset beyond 32 bits
			return
		}
	}
	c.u32()
}

// memoryIndex reads the index of a memory, which can only be 0.
func (f *walker) memoryIndex(at int) {
	c := &f.c
	if i := c.u8(); i != 0 { // a byte and not a number in core 2.0
		c.unsupported(at, multiMemory)
	}
	if f.memories == 0 {
		c.invalid(at, "the code uses memory, but the module has none")
	}
}
