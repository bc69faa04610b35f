// What the C guests share: reading all of stdin, the first whole number in it,
// and writing. Plain read and write instead of stdio keep a guest below 10 KB.
#ifndef WINDROW_GUEST_H
#define WINDROW_GUEST_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

// write_all writes len bytes or ends the guest with exit code 74 (EX_IOERR).
static inline void write_all(int fd, const char *p, size_t len) {
	while (len > 0) {
		ssize_t n = write(fd, p, len);
		if (n <= 0) _exit(74);
		p += n;
		len -= (size_t)n;
	}
}

// input_number reads stdin to its end and gives the first whole number in it:
// 3, "3", [3], {"args": [3], "kwargs": {}} and {"n": 3} all give 3. Without
// one it gives fallback.
static inline uint64_t input_number(uint64_t fallback) {
	char buf[512];
	uint64_t value = 0;
	int state = 0; // 0 before the number, 1 in it, 2 after it
	for (;;) {
		ssize_t n = read(0, buf, sizeof buf);
		if (n <= 0) break;
		for (ssize_t i = 0; i < n; i++) {
			char c = buf[i];
			if (c >= '0' && c <= '9' && state < 2) {
				value = value * 10 + (uint64_t)(c - '0');
				state = 1;
			} else if (state == 1) {
				state = 2;
			}
		}
	}
	return state == 0 ? fallback : value;
}

// write_number writes n in decimal digits.
static inline void write_number(int fd, uint64_t n) {
	char buf[20];
	size_t at = sizeof buf;
	do {
		buf[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	write_all(fd, buf + at, sizeof buf - at);
}

#endif
