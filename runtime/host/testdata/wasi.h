// The little of WASI preview 1 that the guests here need, without a libc.
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

struct iov { const void *p; u32 n; };

WASI(fd_read) u32 fd_read(u32 fd, struct iov *v, u32 n, u32 *got);
WASI(fd_write) u32 fd_write(u32 fd, struct iov *v, u32 n, u32 *put);
WASI(proc_exit) _Noreturn void proc_exit(u32 code);
WASI(environ_sizes_get) u32 environ_sizes_get(u32 *n, u32 *size);
WASI(environ_get) u32 environ_get(u8 **env, u8 *buf);
WASI(args_sizes_get) u32 args_sizes_get(u32 *n, u32 *size);
WASI(clock_time_get) u32 clock_time_get(u32 id, u64 precision, u64 *t);
WASI(random_get) u32 random_get(u8 *p, u32 n);
WASI(poll_oneoff) u32 poll_oneoff(const void *in, void *out, u32 n, u32 *got);
WASI(path_open) u32 path_open(u32 fd, u32 lookup, const char *p, u32 n, u32 oflags, u64 rights, u64 inherit, u32 flags, u32 *out);

static u32 length(const char *s) { u32 n = 0; while (s[n]) n++; return n; }

static void put(u32 fd, const void *p, u32 n) {
	struct iov v = {p, n};
	u32 done;
	fd_write(fd, &v, 1, &done);
}

static void say(const char *s) { put(1, s, length(s)); }

static void say_number(u64 n) {
	char b[24];
	int i = sizeof b;
	do { b[--i] = '0' + n % 10; n /= 10; } while (n);
	put(1, b + i, sizeof b - i);
}

static int is(const char *text, const char *word) {
	while (*word) if (*text++ != *word++) return 0;
	return *text == 0 || *text == ' ';
}

static u64 number_after(const char *text) {
	u64 n = 0;
	while (*text && *text != ' ') text++;
	if (*text) text++;
	for (; *text >= '0' && *text <= '9'; text++) n = n * 10 + (*text - '0');
	return n;
}

static u64 now(u32 id) { u64 t = 0; clock_time_get(id, 1, &t); return t; }

struct subscription { u64 user; u8 tag; u8 pad[7]; u32 id; u32 pad2; u64 timeout; u64 precision; u16 flags; u8 pad3[6]; };

static u32 sleep_for(u64 timeout, u16 flags, u32 id) {
	struct subscription s = {.user = 1, .tag = 0, .id = id, .timeout = timeout, .precision = 1, .flags = flags};
	u8 events[32];
	u32 n = 0;
	u32 e = poll_oneoff(&s, events, 1, &n);
	return e ? e : n == 1 ? 0 : 1000;
}

// A compiler may turn loops into calls of these.
void *memset(void *p, int c, unsigned long n) { u8 *b = p; while (n--) *b++ = c; return p; }
void *memcpy(void *p, const void *q, unsigned long n) { u8 *b = p; const u8 *s = q; while (n--) *b++ = *s++; return p; }
