package module

import "strings"

// custom looks at a custom section: producers are read, names are checked
// because the engine reads them, everything else is skipped.
func (r *reader) custom() {
	c := &r.c
	name := string(c.name("a custom section's name", r.lim.NameBytes))
	if c.err != nil {
		return
	}
	switch name {
	case "name":
		r.nameSection()
	case "producers":
		r.producers(c.pos, c.end)
	}
	if c.err == nil {
		c.pos = c.end
	}
}

// nameSection checks the lists of the name section: the engine makes room for
// as many names as they claim.
func (r *reader) nameSection() {
	c := &r.c
	if r.named {
		c.invalid(c.pos, "the name section comes twice; strip the module (wasm-strip)")
		return
	}
	r.named = true
	end := c.end
	names := 0
	for c.err == nil && c.more() {
		id := c.u8()
		at := c.pos
		size := c.u32()
		if c.err == nil && uint64(size) > uint64(c.left()) {
			c.invalid(at, "a list of names claims %s bytes, but only %s are left in the section; strip the module (wasm-strip)", thousands(int(size)), thousands(c.left()))
		}
		if c.err != nil {
			return
		}
		c.end = c.pos + int(size)
		switch id {
		case 0:
			c.name("the module's name", r.lim.NameBytes)
		case 1:
			r.nameMap(&names)
		case 2:
			n := c.count("functions with names for locals", r.lim.DebugNames, 2)
			for i := 0; i < n && c.err == nil; i++ {
				c.u32()
				r.nameMap(&names)
			}
		default:
			c.pos = c.end
		}
		if c.err == nil && c.pos != c.end {
			c.invalid(c.pos, "bytes are left over in a list of names; strip the module (wasm-strip)")
		}
		if c.err == nil {
			c.end = end
		}
	}
}

// nameMap walks a list of (index, name); sum counts names over all lists.
func (r *reader) nameMap(sum *int) {
	c := &r.c
	n := c.count("debug names", r.lim.DebugNames-*sum, 2)
	*sum += n
	for i := 0; i < n && c.err == nil; i++ {
		c.u32()
		c.name("a debug name", r.lim.NameBytes)
	}
}

// producers reads which tools made the module. It is a courtesy, so a section
// that cannot be read is ignored.
func (r *reader) producers(from, to int) {
	c := cursor{b: r.c.b, pos: from, end: to}
	const most = 64
	fields := c.count("fields", most, 2)
	for i := 0; i < fields && c.err == nil; i++ {
		field := string(c.name("a field", 100))
		values := c.count("producers", most, 2)
		for j := 0; j < values && c.err == nil && len(r.info.Producers) < most; j++ {
			name := string(c.name("a producer", 200))
			version := string(c.name("a version", 200))
			if c.err == nil {
				r.info.Producers = append(r.info.Producers, Producer{field, name, version})
			}
		}
	}
}

// madeOf says whether the producers name a language.
func (r *reader) madeOf(language string) bool {
	for _, p := range r.info.Producers {
		if p.Field == "language" && p.Name == language {
			return true
		}
	}
	return false
}

// finish fills in what is known once the module is accepted.
func (r *reader) finish() {
	r.info.CompileTime = r.work
	r.info.Features = r.features.names()
	for _, p := range r.info.Producers {
		switch {
		case p.Field == "language" && r.info.Language == "":
			r.info.Language = p.Name
		case p.Field == "processed-by" && r.info.Toolchain == "":
			r.info.Toolchain = strings.TrimSpace(p.Name + " " + p.Version)
		}
	}
}

// nameFunction looks up the name of the function that an error is about, for
// names come after the code. It reads on with a cursor of its own and gives up
// at anything odd.
func (r *reader) nameFunction() {
	e := r.c.err
	if e.Function < 0 {
		return
	}
	c := cursor{b: r.c.b, pos: 8, end: len(r.c.b)}
	for c.err == nil && c.more() {
		id, size := c.u8(), int(c.u32())
		if c.err != nil || size > c.left() {
			return
		}
		next := c.pos + size
		if id == secCustom {
			in := cursor{b: c.b, pos: c.pos, end: next}
			if string(in.name("", 100)) == "name" && in.err == nil {
				e.FunctionName = functionName(&in, e.Function)
				return
			}
		}
		c.pos = next
	}
}

// functionName finds one name in a name section.
func functionName(c *cursor, function int) string {
	for c.err == nil && c.more() {
		id, size := c.u8(), int(c.u32())
		if c.err != nil || size > c.left() {
			return ""
		}
		if id != 1 {
			c.skip(size)
			continue
		}
		for n := c.u32(); n > 0 && c.err == nil; n-- {
			i, name := c.u32(), c.bytes("", 1<<20)
			if c.err == nil && int64(i) == int64(function) {
				return quote(string(name))
			}
		}
		return ""
	}
	return ""
}
