// logger: writes as many lines to stderr as the input asks for (default 3),
// "line 1", "line 2" and so on, then prints that number.
#include "guest.h"

int main(void) {
	uint64_t lines = input_number(3);
	for (uint64_t i = 1; i <= lines; i++) {
		write_all(2, "line ", 5);
		write_number(2, i);
		write_all(2, "\n", 1);
	}
	write_number(1, lines);
	return 0;
}
