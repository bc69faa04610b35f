// A command that does what its stdin says, for the tests.
#include "wasi.h"

static char in[1 << 16];
static u32 counter;
static u8 scratch[4096];

static u32 read_all(void) {
	u32 n = 0, got;
	do {
		struct iov v = {in + n, sizeof in - 1 - n};
		if (fd_read(0, &v, 1, &got)) break;
		n += got;
	} while (got && n < sizeof in - 1);
	in[n] = 0;
	return n;
}

__attribute__((noinline)) static u32 deeper(volatile u32 n) {
	volatile u32 keep[16];
	keep[n & 15] = n;
	return deeper(n + 1) + keep[n & 15];
}

static void fill(u32 fd, u64 bytes) {
	for (u32 i = 0; i < sizeof scratch; i++) scratch[i] = i % 64 == 63 ? '\n' : 'x';
	while (bytes) {
		u32 n = bytes > sizeof scratch ? sizeof scratch : (u32)bytes;
		put(fd, scratch, n);
		bytes -= n;
	}
}

static void environment(void) {
	u32 n = 0, size = 0, args = 0, argsize = 0;
	u8 *list[64];
	environ_sizes_get(&n, &size);
	args_sizes_get(&args, &argsize);
	if (n > 64 || size > sizeof scratch) proc_exit(9);
	environ_get(list, scratch);
	for (u32 i = 0; i < n; i++) { say((char *)list[i]); say(";"); }
	say_number(args);
}

static void hog(void) {
	for (;;) {
		u32 at = __builtin_wasm_memory_grow(0, 16);
		if (at == (u32)-1) proc_exit(9);
		u8 *p = (u8 *)(at << 16);
		for (u32 i = 0; i < 16; i++) p[i << 16] = 1;
	}
}

// dirty writes over megabytes of memory, and says whether any was not zero.
static void dirty(u32 megabytes) {
	u32 found = 0;
	u32 at = __builtin_wasm_memory_grow(0, megabytes * 16);
	if (at == (u32)-1) proc_exit(9);
	for (u64 *p = (u64 *)(at << 16), *end = p + megabytes * (1 << 17); p < end; p += 8) {
		if (*p) found++;
		*p = 0x5a5a5a5a5a5a5a5aull;
	}
	for (u32 i = 0; i < sizeof scratch; i++) { if (scratch[i]) found++; scratch[i] = 0xa5; }
	say_number(found);
}

EXPORT(_start) void start(void) {
	u32 n = read_all();
	if (is(in, "echo")) put(1, in + 5, n - 5);
	else if (is(in, "exit")) proc_exit(number_after(in));
	else if (is(in, "trap")) __builtin_trap();
	else if (is(in, "divide")) { volatile u32 zero = 0; say_number(7 / zero); }
	else if (is(in, "bounds")) { volatile u8 *p = (u8 *)0xfffffff0u; say_number(*p); }
	else if (is(in, "spin")) for (volatile u32 i = 0;; i++) {}
	else if (is(in, "spinms")) { u64 end = now(1) + number_after(in) * 1000000; while (now(1) < end) {} say("1"); }
	else if (is(in, "recurse")) say_number(deeper(0));
	else if (is(in, "hog")) hog();
	else if (is(in, "dirty")) dirty(number_after(in));
	else if (is(in, "flood")) for (;;) fill(1, 1 << 20);
	else if (is(in, "out")) fill(1, number_after(in));
	else if (is(in, "log")) { fill(2, number_after(in)); put(2, "end", 3); }
	else if (is(in, "env")) environment();
	else if (is(in, "count")) say_number(++counter);
	else if (is(in, "sleep")) say_number(sleep_for(number_after(in) * 1000000, 0, 1));
	else if (is(in, "until")) say_number(sleep_for(now(0) + number_after(in) * 1000000, 1, 0));
	else if (is(in, "clock")) { say_number(now(0)); say(" "); say_number(now(1)); }
	else if (is(in, "random")) { u64 r = 0; random_get((u8 *)&r, 8); say_number(r >> 1); }
	else if (is(in, "open")) { u32 fd = 0; say_number(path_open(3, 0, "/etc/passwd", 11, 0, 2, 2, 0, &fd)); }
	else if (is(in, "bytes")) put(1, "\xff\xfe", 2);
	else say_number(n);
}
