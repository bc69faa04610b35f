// counter: adds one to a global and to a byte far out in its own memory, and
// prints both as [1,1]. Anything above 1 shows state that outlived an attempt.
#include "guest.h"

static uint64_t calls;
static volatile unsigned char far_out[1 << 20];

int main(void) {
	calls++;
	far_out[sizeof far_out - 1]++;
	write_all(1, "[", 1);
	write_number(1, calls);
	write_all(1, ",", 1);
	write_number(1, far_out[sizeof far_out - 1]);
	write_all(1, "]", 1);
	return 0;
}
