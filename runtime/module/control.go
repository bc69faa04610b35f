package module

// special walks the instructions that are more than an opcode and a number.
func (f *walker) special(at int, op byte) {
	switch op {
	case 0x00:
		f.dead = true
	case 0x02, 0x03, 0x04:
		f.enter(at, op)
	case 0x05:
		f.otherwise(at)
	case 0x0b:
		f.leave()
	case 0x0c:
		f.label()
		f.dead = true
	case 0x0d:
		f.label()
		f.next()
	case 0x0e:
		f.branchTable(at)
	case 0x0f:
		f.weight.Values += len(f.sig.results)
		f.dead = true
	case 0x10:
		callee, _ := f.function(at, f.c.u32())
		f.call(callee)
	case 0x11:
		t := f.typeIndex()
		f.tableIndex()
		if f.c.err == nil {
			f.call(f.types[t])
			f.weight.CallsByTable++
		}
	case 0x1c:
		f.selectTyped(at)
	case 0xc0, 0xc1, 0xc2, 0xc3, 0xc4:
		f.features.signExtension = true
	case 0xd0:
		f.features.references = true
		f.heapType()
	case 0xd1:
		f.features.references = true
	case 0xd2:
		f.features.references = true
		f.function(at, f.c.u32())
	case 0xfc:
		f.miscellaneous(at)
	case 0xfd:
		f.vector(at)
	}
}

// call counts what a call makes: its arguments, its results, and a reload of
// each mutable global, which the engine does after every call.
func (f *walker) call(s signature) {
	f.weight.Calls++
	f.weight.Values += len(s.params) + len(s.results) + f.mutable
}

func (f *walker) enter(at int, op byte) {
	c := &f.c
	params, results := f.blockType()
	if c.err != nil {
		return
	}
	if len(f.frames) > f.lim.Depth {
		c.fail(CodeLimit, at, "blocks are nested more than %s deep; simplify the function or split it", thousands(f.lim.Depth))
		return
	}
	arity := results
	if op == 0x03 {
		arity = params
	}
	f.frames = append(f.frames, frame{op: op, arity: uint32(arity), ends: uint32(results)})
	f.weight.Depth = max(f.weight.Depth, len(f.frames)-1)
	f.weight.Values += params + results
	f.open(&f.frames[len(f.frames)-1])
}

// blockType reads how many values a block takes and leaves.
func (f *walker) blockType() (params, results int) {
	c := &f.c
	at := c.pos
	v := c.signed(33)
	switch {
	case c.err != nil:
		return 0, 0
	case v >= 0:
		f.features.multiValue = true
		if v >= int64(len(f.types)) {
			c.invalid(at, "type %d does not exist; there are %d", v, len(f.types))
			return 0, 0
		}
		return len(f.types[v].params), len(f.types[v].results)
	case v == -64:
		return 0, 0
	case v < -64:
		c.invalid(at, "%d is no type of a block", v)
		return 0, 0
	}
	f.valueType(at, byte(v)&0x7f)
	return 0, 1
}

func (f *walker) otherwise(at int) {
	top := &f.frames[len(f.frames)-1]
	if top.op != 0x04 {
		f.c.invalid(at, "an else without its if")
		return
	}
	top.op = 0x05
	f.orElse(top)
}

func (f *walker) leave() {
	top := &f.frames[len(f.frames)-1]
	f.weight.Values += int(top.ends)
	f.close(top)
	f.frames = f.frames[:len(f.frames)-1]
}

// label reads the target of a branch and takes the way to it.
func (f *walker) label() {
	c := &f.c
	at := c.pos
	depth := c.u32()
	if c.err != nil {
		return
	}
	if int64(depth) >= int64(len(f.frames)) {
		c.invalid(at, "a branch leaves %d blocks, but only %d are open", depth, len(f.frames))
		return
	}
	to := &f.frames[len(f.frames)-1-int(depth)]
	f.weight.Values += int(to.arity)
	f.branch(to)
}

func (f *walker) branchTable(at int) {
	c := &f.c
	n := c.count("targets in one br_table", f.lim.BranchTargets, 1)
	for i := 0; i <= n && c.err == nil; i++ {
		f.label()
	}
	f.dead = true
	f.weight.Blocks += n + 1
	f.weight.Targets += n + 1
	if f.weight.Targets > f.lim.TableTargets {
		c.fail(CodeLimit, at, "the br_tables of the function have more than %s targets together; split the function, or turn a large switch into a lookup in memory", thousands(f.lim.TableTargets))
	}
}

func (f *walker) selectTyped(at int) {
	c := &f.c
	f.features.references = true
	if n := c.u32(); n != 1 {
		c.invalid(at, "select gives %d results; it has to be one", n)
		return
	}
	at = c.pos
	f.valueType(at, c.u8())
}

// miscellaneous walks what the prefix 0xfc begins: saturating conversions and
// bulk operations.
func (f *walker) miscellaneous(at int) {
	c := &f.c
	sub := c.u32()
	switch {
	case sub <= 7:
		f.features.saturating = true
		return
	case sub > 17 && sub <= 22:
		c.unsupported(at, wideArithmetic)
		return
	case sub > 17:
		c.invalid(at, "0xfc %d is no instruction of Wasm core 2.0", sub)
		return
	}
	f.features.bulkMemory = true
	f.weight.Bulks++
	switch sub {
	case 8: // memory.init
		f.dataIndex(at)
		f.memoryIndex(at)
	case 9: // data.drop
		f.dataIndex(at)
		f.info.Mutates.Segments = true
	case 10: // memory.copy
		f.memoryIndex(at)
		f.memoryIndex(at)
	case 11: // memory.fill
		f.memoryIndex(at)
		f.inlineLoop()
	case 12: // table.init
		f.elementIndex(at)
		f.tableIndex()
		f.info.Mutates.Tables = true
	case 13: // elem.drop
		f.elementIndex(at)
		f.info.Mutates.Segments = true
	case 14: // table.copy
		f.tableIndex()
		f.tableIndex()
		f.info.Mutates.Tables = true
	case 15: // table.grow
		if i := f.tableIndex(); c.err == nil {
			f.tables[i].grown = true
		}
		f.info.Mutates.Tables = true
	case 16: // table.size
		f.tableIndex()
	case 17: // table.fill
		f.tableIndex()
		f.inlineLoop()
		f.info.Mutates.Tables = true
	}
}

// inlineLoop counts the blocks of a loop that the engine makes of a single
// instruction.
func (f *walker) inlineLoop() {
	for range 3 {
		f.next()
	}
}

func (f *walker) dataIndex(at int) {
	c := &f.c
	i := c.u32()
	switch {
	case c.err != nil:
	case f.declared < 0:
		c.invalid(at, "the code names a data segment, but the module has no data count section")
	case int64(i) >= int64(f.declared):
		c.invalid(at, "data segment %d does not exist; there are %d", i, f.declared)
	}
}

func (f *walker) elementIndex(at int) {
	if i := f.c.u32(); f.c.err == nil && int64(i) >= int64(f.elements) {
		f.c.invalid(at, "element segment %d does not exist; there are %d", i, f.elements)
	}
}

// vector walks what the prefix 0xfd begins: SIMD.
func (f *walker) vector(at int) {
	c := &f.c
	f.features.simd = true
	sub := c.u32()
	if sub > 255 {
		if sub < 0x140 {
			c.unsupported(at, relaxedSIMD)
		} else {
			c.invalid(at, "0xfd %d is no instruction of Wasm core 2.0", sub)
		}
		return
	}
	switch vectorImmediates[sub] {
	case vectorPlain:
	case vectorMemory:
		f.memoryAccess(at)
	case vectorMemoryLane:
		f.memoryAccess(at)
		f.lane(at, 16)
	case vectorLane:
		f.lane(at, 16)
	case vectorConst:
		c.skip(16)
	case vectorShuffle:
		for i := 0; i < 16 && c.err == nil; i++ {
			f.lane(at, 32)
		}
	default:
		c.invalid(at, "0xfd %d is no instruction of Wasm core 2.0", sub)
	}
}

func (f *walker) lane(at int, lanes byte) {
	if l := f.c.u8(); l >= lanes {
		f.c.invalid(at, "lane %d does not exist; there are %d", l, lanes)
	}
}
