package module

// immediate is what follows an opcode.
type immediate uint8

const (
	reserved immediate = iota // no instruction of core 2.0
	plain                     // nothing
	trapping                  // nothing, but the engine makes a way out of it
	special                   // walked by a case of its own
	aLocal
	aGlobal
	aTable
	aMemoryAccess // alignment and offset
	aMemory       // the index of a memory, 0
	anI32
	anI64
	fourBytes
	eightBytes
)

// immediates has what follows each one-byte opcode.
var immediates = buildImmediates()

func buildImmediates() (t [256]immediate) {
	fill := func(from, to int, im immediate) {
		for op := from; op <= to; op++ {
			t[op] = im
		}
	}
	t[0x00] = special         // unreachable
	t[0x01] = plain           // nop
	fill(0x02, 0x05, special) // block, loop, if, else
	fill(0x0b, 0x11, special) // end, br, br_if, br_table, return, call, call_indirect
	fill(0x1a, 0x1b, plain)   // drop, select
	t[0x1c] = special         // select with types
	fill(0x20, 0x22, aLocal)
	fill(0x23, 0x24, aGlobal)
	fill(0x25, 0x26, aTable)
	fill(0x28, 0x3e, aMemoryAccess)
	fill(0x3f, 0x40, aMemory)
	t[0x41], t[0x42], t[0x43], t[0x44] = anI32, anI64, fourBytes, eightBytes
	fill(0x45, 0xbf, plain)
	fill(0x6d, 0x70, trapping)                                                 // division and remainder of i32
	fill(0x7f, 0x82, trapping)                                                 // and of i64
	for _, op := range []int{0xa8, 0xa9, 0xaa, 0xab, 0xae, 0xaf, 0xb0, 0xb1} { // truncations
		t[op] = trapping
	}
	fill(0xc0, 0xc4, special) // sign extension
	fill(0xd0, 0xd2, special) // ref.null, ref.is_null, ref.func
	fill(0xfc, 0xfd, special) // prefixes
	return t
}

// reservedBy names the proposal that an opcode outside core 2.0 belongs to.
func reservedBy(op byte) (proposal, bool) {
	switch {
	case op >= 0x06 && op <= 0x0a, op == 0x18, op == 0x19, op == 0x1f:
		return exceptions, true
	case op == 0x12, op == 0x13:
		return tailCalls, true
	case op == 0x14, op >= 0xd4 && op <= 0xd6:
		return functionReferences, true
	case op == 0x15:
		return tailCalls, true
	case op == 0xd3, op == 0xfb:
		return garbageCollection, true
	case op >= 0xe0 && op <= 0xe6:
		return stackSwitching, true
	case op == 0xfe:
		return threads, true
	}
	return proposal{}, false
}

// The immediates of SIMD instructions.
type vectorImmediate uint8

const (
	vectorReserved vectorImmediate = iota
	vectorPlain
	vectorMemory     // alignment and offset
	vectorMemoryLane // alignment, offset and a lane
	vectorLane       // a lane
	vectorConst      // 16 bytes
	vectorShuffle    // 16 lanes
)

var vectorImmediates = buildVectorImmediates()

func buildVectorImmediates() (t [256]vectorImmediate) {
	for i := range t {
		t[i] = vectorPlain
	}
	for i := 0x00; i <= 0x0b; i++ {
		t[i] = vectorMemory
	}
	t[0x0c], t[0x0d] = vectorConst, vectorShuffle
	for i := 0x15; i <= 0x22; i++ {
		t[i] = vectorLane
	}
	for i := 0x54; i <= 0x5b; i++ {
		t[i] = vectorMemoryLane
	}
	t[0x5c], t[0x5d] = vectorMemory, vectorMemory
	for _, op := range []int{0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6,
		0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee} {
		t[op] = vectorReserved
	}
	return t
}
