// hog: takes memory a MiB at a time and touches it, up to the MiB that the
// input asks for (default: without end). When memory is refused it says so on
// stderr and gives up with abort, as most allocators' users do. When it got all it
// asked for it prints that number.
#include "guest.h"

int main(void) {
	uint64_t want = input_number(UINT64_MAX);
	for (uint64_t got = 0; got < want; got++) {
		size_t page = __builtin_wasm_memory_grow(0, 16);
		if (page == (size_t)-1) {
			static const char line[] = "hog: no more memory\n";
			write_all(2, line, sizeof line - 1);
			__builtin_trap();
		}
		volatile char *p = (volatile char *)(page << 16);
		for (size_t i = 0; i < 16; i++) p[i << 16] = 1;
	}
	write_number(1, want);
	return 0;
}
