// sleep: waits for the milliseconds that the input asks for (default 100),
// then prints that number.
#include "guest.h"
#include <time.h>

int main(void) {
	uint64_t ms = input_number(100);
	struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
	if (nanosleep(&t, NULL) != 0) return 71;
	write_number(1, ms);
	return 0;
}
