// A reactor for the tests: its task says what it does.
#include "wasi.h"

#define HOST(name) __attribute__((import_module("windrow"), import_name(#name)))
HOST(call) i64 call(u32 op, const void *p, u32 n);
HOST(read) u32 host_read(void *p, u32 cap);

static char envelope[1 << 16];
static u32 size;
static u32 initialized;
static u32 counter;

static i64 tell(u32 op, const char *s) { return call(op, s, length(s)); }

static int task(const char *name) {
	// the envelope ends with …,"task":"NAME","id":…
	for (u32 i = 0; i + 8 < size; i++) {
		if (envelope[i] != '"' || envelope[i + 1] != 't' || envelope[i + 2] != 'a' || envelope[i + 5] != '"') continue;
		u32 n = length(name);
		u32 same = envelope[i + 8 + n] == '"';
		for (u32 k = 0; k < n; k++) if (envelope[i + 8 + k] != name[k]) same = 0;
		if (same) return 1;
	}
	return 0;
}

EXPORT(_initialize) void initialize(void) { initialized++; }

EXPORT(windrow_describe) u32 describe(void) {
	tell(1, "{\"abi\":1,\"tasks\":[{\"name\":\"echo\"}]}");
	return initialized == 1 ? 0 : 1;
}

static void number(u32 op, i64 v) {
	char b[24];
	int i = sizeof b;
	int negative = v < 0;
	u64 n = negative ? -v : v;
	do { b[--i] = '0' + n % 10; n /= 10; } while (n);
	if (negative) b[--i] = '-';
	call(op, b + i, sizeof b - i);
}

EXPORT(windrow_run) u32 run(void) {
	tell(3, "started"); // before the envelope is read: it must still wait
	size = host_read(envelope, sizeof envelope - 1);
	if (initialized != 1) return 7;
	if (task("echo")) call(1, envelope, size);
	else if (task("count")) number(1, ++counter);
	else if (task("nothing")) {}
	else if (task("fail")) { tell(2, "{\"type\":\"no_stock\",\"message\":\"sold out\",\"retry\":false,\"after\":\"90s\"}"); return 1; }
	else if (task("badfail")) { tell(2, "{\"type\":\"no spaces!\",\"message\":5"); return 1; }
	else if (task("one")) return 1;
	else if (task("unknown")) number(1, tell(99, "x"));
	else if (task("pointer")) number(1, call(1, (void *)0xfffffff0u, 64));
	else if (task("remaining")) {
		char b[32];
		i64 n = call(5, 0, 0);
		u32 got = host_read(b, sizeof b);
		if (n != got || host_read(b, sizeof b) != 0) return 8;
		call(1, b, got);
	} else if (task("progress")) {
		for (u32 i = 1; i <= 5; i++) { number(4, i * 20); sleep_for(120000000, 0, 1); }
	} else if (task("print")) { say("to the log\n"); tell(1, "true"); }
	else if (task("soft")) {
		while (tell(4, "1") >= 0) sleep_for(5000000, 0, 1);
		__builtin_trap();
	} else if (task("big")) call(1, envelope, sizeof envelope);
	else if (task("exit")) proc_exit(4);
	else if (task("spawn")) { // two runs; the result is the second one's id
		char b[40];
		if (tell(6, "{\"task\":\"m.a\",\"args\":[\"<\"]}") != 36 || tell(6, " {\"group\":[]}") != 36) return 8;
		b[0] = '"';
		if (host_read(b + 1, 38) != 36) return 8;
		b[37] = '"';
		call(1, b, 38);
	} else if (task("defer")) { // after it, nothing but a failure is left
		tell(1, "\"forgotten\"");
		if (tell(7, "{\"state\":{\"n\":1},\"wait\":[\"01940000-0000-7000-8000-000000000000\"],\"after\":\"90s\"}") != 0) return 8;
		if (tell(1, "1") != -6 || tell(6, "{}") != -6 || tell(7, "{\"after\":1}") != -6) return 8;
		tell(3, "still heard");
	} else if (task("replace")) {
		if (tell(8, "{\"task\":\"m.a\"}") != 36) return 8;
	} else if (task("asked_in_vain")) {
		tell(6, "{}");
		tell(7, "{\"after\":1}");
		tell(2, "{\"type\":\"changed_my_mind\"}");
		return 1;
	} else if (task("wrong_asks")) {
		if (tell(6, "[]") != -5 || tell(7, "{}") != -5 || tell(7, "{\"until\":5}") != -5 || tell(8, "nonsense") != -5) return 8;
		if (call(6, 0, 300000) != -2 && call(6, (void *)1024, 300000) >= 0) return 8;
		tell(1, "true");
	}
	else if (task("spin")) for (volatile u32 i = 0;; i++) {}
	else return 9;
	return 0;
}
