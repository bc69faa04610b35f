package module

// constant walks a constant expression: one constant and an end, as core 2.0
// has it. It gives the value where that is an i32, and -1 else.
func (r *reader) constant(what string) int64 {
	c := &r.c
	at := c.pos
	value := int64(-1)
	switch op := c.u8(); op {
	case 0x41:
		value = int64(uint32(c.signed(32)))
	case 0x42:
		c.signed(64)
	case 0x43:
		c.skip(4)
	case 0x44:
		c.skip(8)
	case 0x23:
		c.u32()
		c.invalid(at, "%s reads a global; only an imported global may stand there, and a module here can import none", what)
	case 0xd0:
		r.features.references = true
		r.heapType()
	case 0xd2:
		r.features.references = true
		at := c.pos
		r.function(at, c.u32())
	case 0xfb:
		c.unsupported(at, garbageCollection)
	case 0xfd:
		r.features.simd = true
		if sub := c.u32(); sub != 12 {
			c.invalid(at, "%s holds SIMD instruction %d, which is no constant", what, sub)
		}
		c.skip(16)
	default:
		c.invalid(at, "%s holds the instruction 0x%02x, which is no constant", what, op)
	}
	at = c.pos
	switch op := c.u8(); op {
	case 0x0b:
	case 0x41, 0x42, 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e:
		c.unsupported(at, extendedConstants)
	default:
		c.invalid(at, "%s holds more than one constant", what)
	}
	return value
}

// heapType reads what a ref.null is a null of.
func (r *reader) heapType() {
	at := r.c.pos
	if t := r.c.u8(); t != typeFuncref && t != typeExternref {
		if t < 0x60 {
			r.c.unsupported(at, functionReferences)
		}
		r.valueType(at, t)
		r.c.invalid(at, "ref.null of %s, which is no reference type", valueTypeName(t))
	}
}

func (r *reader) tableIndex() int {
	at := r.c.pos
	i := r.c.u32()
	if r.c.err == nil && int64(i) >= int64(len(r.tables)) {
		r.c.invalid(at, "table %d does not exist; there are %d", i, len(r.tables))
	}
	return int(i)
}

func (r *reader) elementSection() {
	c := &r.c
	n := c.count("element segments", r.lim.ElementSegments, 3)
	for i := 0; i < n && c.err == nil; i++ {
		r.elementSegment()
	}
	r.elements = n
}

// elementSegment reads one of the eight forms: bit 0 says passive or
// declared, bit 1 an explicit table (or declared), bit 2 expressions in the
// place of function indices.
func (r *reader) elementSegment() {
	c := &r.c
	at := c.pos
	flag := c.u32()
	if flag > 7 {
		c.invalid(at, "%d is no form of an element segment", flag)
		return
	}
	if flag > 0 {
		r.features.bulkMemory = true
	}
	active, explicit, exprs := flag&1 == 0, flag&2 != 0, flag&4 != 0
	target, offset := 0, int64(-1)
	if active {
		if explicit || len(r.tables) == 0 {
			if explicit {
				target = r.tableIndex()
			} else {
				c.invalid(at, "an element segment fills table 0, but there is no table")
			}
		}
		offset = r.constant("an element segment's offset")
	}
	if flag&3 != 0 {
		at := c.pos
		if kind := c.u8(); exprs {
			r.reference(at, kind)
		} else if kind != 0 {
			c.invalid(at, "0x%02x is no kind of element", kind)
		}
	}
	at = c.pos
	n := r.elementItems(exprs)
	if c.err == nil && active && offset >= 0 && offset+int64(n) > int64(r.tables[target].min) {
		c.invalid(at, "an element segment ends at %s, beyond table %d's initial %s elements: such a module traps as it starts", thousands(int(offset)+n), target, thousands(int(r.tables[target].min)))
	}
}

func (r *reader) elementItems(exprs bool) int {
	c := &r.c
	size := 1
	if exprs {
		size = 3
	}
	n := c.count("elements in all segments", r.lim.Elements-r.info.Elements, size)
	for i := 0; i < n && c.err == nil; i++ {
		if exprs {
			r.constant("an element")
		} else {
			at := c.pos
			r.function(at, c.u32())
		}
	}
	r.info.Elements += n
	return n
}

func (r *reader) dataSection() {
	c := &r.c
	n := c.count("data segments", r.lim.DataSegments, 2)
	for i := 0; i < n && c.err == nil; i++ {
		r.dataSegment(i)
	}
	r.data = n
	r.info.DataSegments = n
}

func (r *reader) dataSegment(i int) {
	c := &r.c
	at := c.pos
	flag := c.u32()
	offset := int64(-1)
	switch {
	case flag > 2:
		c.invalid(at, "%d is no form of a data segment", flag)
	case flag == 1:
		r.features.bulkMemory = true
	case flag == 2 && c.u32() != 0:
		c.unsupported(at, multiMemory)
	case r.memories == 0:
		c.invalid(at, "a data segment fills memory 0, but there is no memory")
	default:
		offset = r.constant("a data segment's offset")
	}
	data := c.bytes("a data segment", r.lim.ModuleBytes)
	r.info.DataBytes += len(data)
	if c.err == nil && offset >= 0 && offset+int64(len(data)) > int64(r.info.MemoryMin)<<16 {
		c.invalid(at, "data segment %d ends at byte %s, beyond the memory's initial %s pages: such a module traps as it starts", i, thousands(int(offset)+len(data)), thousands(int(r.info.MemoryMin)))
	}
}
