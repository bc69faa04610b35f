// bigout: writes as many bytes as the input asks for (default 1 MiB), all 'x'.
#include "guest.h"

int main(void) {
	uint64_t left = input_number(1 << 20);
	static char buf[16384];
	for (size_t i = 0; i < sizeof buf; i++) buf[i] = 'x';
	while (left > 0) {
		size_t n = left < sizeof buf ? (size_t)left : sizeof buf;
		write_all(1, buf, n);
		left -= n;
	}
	return 0;
}
