package module

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestHostile refuses modules that were seen to stall an engine or to make it
// take gigabytes, most of them within a few kilobytes.
func TestHostile(t *testing.T) {
	brIf := []byte{0x20, 0, 0x0d, 0}
	for _, c := range []struct {
		name string
		code string
		says string
		b    []byte
	}{
		{"br_table of 100,000", CodeLimit, "100,000 targets in one br_table", with(1, []byte{0x20, 0}, brTable(100_000))},
		{"br_table of 500,000", CodeLimit, "500,000 targets in one br_table", with(1, []byte{0x20, 0}, brTable(500_000))},
		{"six br_tables of 10,000", CodeLimit, "more than 50,000 targets together",
			with(1, rep(6, join([]byte{2, 0x40, 0x20, 0}, brTable(10_000), []byte{0x0b})...))},
		{"100,000 blocks and 1,000 locals", CodeLimit, "nested",
			with(1000, rep(100_000, 2, 0x40), touch(1000), rep(100_000, join(brIf, []byte{0x0b})...))},
		{"10,000 blocks and 1,000 locals", CodeLimit, "live across",
			with(1000, rep(9_999, 2, 0x40), touch(1000), rep(9_999, join(brIf, []byte{0x0b})...))},
		{"2,000 loops and 50,000 locals", CodeLimit, "live across",
			with(50_000, rep(2000, 3, 0x40), touch(50_000), rep(2000, join(brIf, []byte{0x0b})...))},
		{"20,000 nested loops", CodeLimit, "nested", with(1, rep(20_000, 3, 0x40), rep(20_000, join(brIf, []byte{0x0b})...))},
		{"60,000 ifs one after the other", CodeLimit, "basic blocks", with(1, rep(60_000, 0x20, 0, 0x04, 0x40, 0x0b))},
		{"one loop with 10,000 ways back and 1,000 locals", CodeLimit, "live across",
			with(1000, []byte{3, 0x40}, touch(1000), rep(10_000, brIf...), []byte{0x0b})},
		{"10,000 exits from a block and 300 locals", CodeLimit, "live across",
			with(300, []byte{2, 0x40}, touch(300), rep(10_000, brIf...), []byte{0x0b}, get(300))},
		{"a table to a loop with 1,000 locals", CodeLimit, "live across",
			with(1000, []byte{3, 0x40}, touch(1000), []byte{0x20, 0}, brTable(10_000), []byte{0x0b})},
		{"reads after a long chain of blocks", CodeLimit, "basic blocks",
			with(1, rep(20_000, 0x20, 0, 0x04, 0x40, 0, 0x0b), get(1), rep(100_000, 0x20, 0, 0x1a))},
		{"30,000 checked addresses in 9,000 blocks", CodeLimit, "MiB to compile",
			with(1, []byte{2, 0x40, 0x20, 0}, rep(30_000, 0x28, 2, 0), []byte{0x1a}, rep(9_000, brIf...), []byte{0x0b})},
		{"2^28 locals in 37 bytes", CodeLimit, "268,435,456 locals", func() []byte {
			g := command()
			g.code = [][]byte{fn(list(append(u(1<<28), typeI32)))}
			return g.bytes()
		}()},
		{"2^32 locals in groups", CodeLimit, "locals", func() []byte {
			g := command()
			g.code = [][]byte{fn(list(append(u(1<<31), typeI32), append(u(1<<31), typeI32)))}
			return g.bytes()
		}()},
		{"table.grow without a maximum", CodeLimit, "declares no maximum", func() []byte {
			g := withCode(0xd0, 0x70, 0x41, 1, 0xfc, 15, 0, 0x1a)
			g.tables = [][]byte{{typeFuncref, 0, 1}}
			return g.bytes()
		}()},
		{"table.grow to 2^27", CodeLimit, "134,217,728 elements", func() []byte {
			g := withCode(0xd0, 0x70, 0x41, 1, 0xfc, 15, 0, 0x1a)
			g.tables = [][]byte{join([]byte{typeFuncref, 1, 1}, u(1<<27))}
			return g.bytes()
		}()},
		{"a table of 2^27", CodeLimit, "134,217,728 elements", func() []byte {
			g := command()
			g.tables = [][]byte{join([]byte{typeFuncref, 0}, u(1<<27))}
			return g.bytes()
		}()},
		{"tables of 200,000 together", CodeLimit, "the tables can reach", func() []byte {
			g := command()
			for range 4 {
				g.tables = append(g.tables, join([]byte{typeFuncref, 0}, u(50_000)))
			}
			return g.bytes()
		}()},
		{"2,000 calls over 10,000 globals", CodeLimit, "MiB to compile", func() []byte {
			g := withCode(rep(2000, 0x10, 0)...)
			for range 10_000 {
				g.globals = append(g.globals, []byte{typeI32, 1, 0x41, 0, 0x0b})
			}
			return g.bytes()
		}()},
		{"10,000 calls with 1,000 results", CodeLimit, "MiB to compile", func() []byte {
			g := withCode(append(rep(10_000, 0x10, 1), 0)...)
			g.types = append(g.types, join([]byte{0x60, 0}, sized(rep(1000, typeI32))))
			g.funcs = []byte{0, 1}
			g.code = append(g.code, fn(noLocals, 0))
			return g.bytes()
		}()},
		{"20,000 types", CodeLimit, "20,000 function types", module(section(secType, list(slices.Repeat([][]byte{funcType(">")}, 20_000)...)))},
		{"a section that lies about 2^28 entries", CodeLimit, "268,435,456 function types", module(section(secType, u(1<<28)))},
		{"a section that lies about 10,000 entries", CodeInvalid, "only 0 bytes are left", module(section(secType, u(10_000)))},
		{"names that lie about 2^31 entries", CodeLimit, "debug names", func() []byte {
			g := command()
			g.custom = [][]byte{custom("name", []byte{1}, sized(u(1<<31)))}
			return g.bytes()
		}()},
		{"names that lie about 1,000 entries", CodeInvalid, "only 0 bytes are left", func() []byte {
			g := command()
			g.custom = [][]byte{custom("name", []byte{1}, sized(u(1000)))}
			return g.bytes()
		}()},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, c.b, c.code, c.says) })
	}
}

// TestHostileAtRunTime accepts what only misbehaves when it runs: a deadline
// holds it, not the reader.
func TestHostileAtRunTime(t *testing.T) {
	chain := command()
	for i := range byte(64) { // 2^64 calls
		chain.funcs = append(chain.funcs, 0)
		chain.code[i] = fn(noLocals, 0x10, i+1, 0x10, i+1)
		chain.code = append(chain.code, fn(noLocals))
	}
	accepted(t, chain.bytes())
	accepted(t, withCode(0x10, 0).bytes())                                        // endless recursion
	accepted(t, withCode(3, 0x40, 0x0c, 0, 0x0b).bytes())                         // endless loop
	accepted(t, withCode(3, 0x40, 0x41, 1, 0x40, 0, 0x1a, 0x0c, 0, 0x0b).bytes()) // grows memory for ever
}

// TestHonestAndLarge accepts shapes that real compilers make, though they look
// like the hostile ones by their numbers alone.
func TestHonestAndLarge(t *testing.T) {
	// An unoptimised C function has thousands of locals, each alive within
	// one basic block: SQLite's interpreter at -O0 has 9,703.
	var body []byte
	for i := range uint64(2000) {
		for j := range uint64(5) {
			x := u(i*5 + j)
			body = append(append(body, 0x41, 1, 0x21), x...)
			body = append(append(append(body, 0x20), x...), 0x1a)
		}
		body = append(body, 0x41, 0, 0x04, 0x40, 0x0b)
	}
	info := accepted(t, with(10_000, body))
	if info.Heaviest.CrossLocals > 10 {
		t.Errorf("%d locals seem to cross blocks", info.Heaviest.CrossLocals)
	}
	// A Go function dispatches to its resume points through one deep table.
	const points = 5000
	accepted(t, with(1, []byte{3, 0x40}, rep(points, 2, 0x40), []byte{0x20, 0}, brTable(points), []byte{0x0b}, rep(points, 0x01, 0x0b)))
}

// TestWork holds the estimate of compile time near what the engine was
// measured to take; DESIGN.md has the list.
func TestWork(t *testing.T) {
	brIf := []byte{0x20, 0, 0x0d, 0}
	for _, c := range []struct {
		name     string
		measured time.Duration
		b        []byte
	}{
		{"ways back to a loop", 3 * time.Second, with(300, []byte{3, 0x40}, touch(300), rep(1000, brIf...), []byte{0x0b})},
		{"ways out of a block", 2 * time.Second, with(300, []byte{2, 0x40}, touch(300), rep(1000, brIf...), []byte{0x0b}, get(300))},
		{"nested loops", 6 * time.Second, with(300, rep(1000, 3, 0x40), touch(300), rep(1000, join(brIf, []byte{0x0b})...))},
		{"nested ifs", 4 * time.Second, with(300, rep(1000, 0x20, 0, 4, 0x40), touch(300), rep(1000, 0x0b), get(300))},
		{"ifs in a row", 4 * time.Second, with(10, rep(10_000, 0x20, 0, 4, 0x40, 0x0b), touch(10))},
		{"checked addresses", 2 * time.Second, with(1, []byte{2, 0x40, 0x20, 0}, rep(3000, 0x28, 2, 0), []byte{0x1a}, rep(3000, brIf...), []byte{0x0b})},
		{"one loop", 264 * time.Millisecond, with(8000, []byte{3, 0x40}, touch(8000), brIf, []byte{0x0b})},
	} {
		info, err := Read(c.b, Limits{CompileTime: time.Hour, CompileMemory: 1 << 40})
		if err != nil {
			t.Fatal(c.name, err)
		}
		if w := info.CompileTime; w < c.measured/2 || w > c.measured*4 {
			t.Errorf("%s: the estimate is %v, the engine took %v", c.name, w, c.measured)
		}
	}
}

// TestReadIsLinear sees that refusals of huge claims make next to nothing.
func TestReadIsLinear(t *testing.T) {
	g := command()
	g.code = [][]byte{fn(list(append(u(1<<28), typeI32)))}
	lies := [][]byte{g.bytes(), module(section(secType, u(1<<28))), module(section(secCode, u(1<<31)))}
	for _, b := range lies {
		got := testing.AllocsPerRun(10, func() { _, _ = Read(b, Limits{}) })
		if got > 60 {
			t.Errorf("%v allocations for %d bytes", got, len(b))
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 10 {
		_, _ = Read(lies[0], Limits{})
	}
	runtime.ReadMemStats(&after)
	bytes := (after.TotalAlloc - before.TotalAlloc) / 10
	if bytes > 10_000 {
		t.Errorf("%d bytes allocated for a module of %d", bytes, len(lies[0]))
	}
}

// TestFunctionName finds the name of the function at fault, which stands
// after the code.
func TestFunctionName(t *testing.T) {
	g := withCode(0xfe, 0)
	g.custom = [][]byte{custom("name", []byte{1}, sized(list(join(u(0), text8("main.work")))))}
	e := refusal(t, g.bytes(), CodeUnsupported, "main.work", "function 0", "threads")
	if e.FunctionName != "main.work" || e.Section != "code" || !strings.Contains(e.Message, "wasm32-wasip1-threads") {
		t.Errorf("%+v", e)
	}
}
