// The smallest useful command: stdin in upper case. For the benchmarks.
#include "wasi.h"

static u8 b[4096];

EXPORT(_start) void start(void) {
	struct iov v = {b, sizeof b};
	u32 n = 0, done;
	fd_read(0, &v, 1, &n);
	for (u32 i = 0; i < n; i++) if (b[i] >= 'a' && b[i] <= 'z') b[i] -= 32;
	v.n = n;
	fd_write(1, &v, 1, &done);
}
