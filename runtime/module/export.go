package module

// entries are the exports that decide what kind of guest a module is.
type entries struct {
	start, initialize, describe, run *entry
	memory                           bool
	notMemory                        string // kind of an export named "memory" that is none
}

// entry is an export by one of the names that the host calls.
type entry struct {
	name  string
	at    int
	kind  byte
	index uint32
}

var exportKinds = [...]string{"function", "table", "memory", "global", "tag"}

func (r *reader) exportSection() {
	c := &r.c
	n := c.count("exports", r.lim.Exports, 3)
	seen := make(map[string]struct{}, n)
	r.info.Exports = make([]Export, 0, n)
	for i := 0; i < n && c.err == nil; i++ {
		at := c.pos
		name := string(c.name("an export's name", r.lim.NameBytes))
		if _, twice := seen[name]; twice && c.err == nil {
			c.invalid(at, "two exports have the name %q", quote(name))
			return
		}
		seen[name] = struct{}{}
		e := entry{name: name, at: at, kind: c.u8(), index: c.u32()}
		r.export(e)
	}
}

func (r *reader) export(e entry) {
	c := &r.c
	if c.err != nil {
		return
	}
	exists := [...]int{len(r.funcs), len(r.tables), r.memories, len(r.globals)}
	switch {
	case e.kind == 4:
		c.unsupported(e.at, exceptions)
		return
	case int(e.kind) >= len(exists):
		c.invalid(e.at, "0x%02x is no kind of export", e.kind)
		return
	case int64(e.index) >= int64(exists[e.kind]):
		c.invalid(e.at, "the export %q is %s %d, which does not exist", quote(e.name), exportKinds[e.kind], e.index)
		return
	}
	out := Export{Name: e.name, Kind: exportKinds[e.kind]}
	if e.kind == 0 {
		out.Type = r.types[r.funcs[e.index]].String()
	}
	r.info.Exports = append(r.info.Exports, out)
	r.note(e)
}

// note keeps an export whose name means something to the host.
func (r *reader) note(e entry) {
	switch e.name {
	case "_start":
		r.entries.start = &e
	case "_initialize":
		r.entries.initialize = &e
	case "windrow_describe":
		r.entries.describe = &e
	case "windrow_run":
		r.entries.run = &e
	case "memory":
		if r.entries.memory = e.kind == 2; !r.entries.memory {
			r.entries.notMemory = exportKinds[e.kind]
		}
	}
}
