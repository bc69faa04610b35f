// flaky: exit code 75 (EX_TEMPFAIL) until the attempt whose number (from
// WINDROW_ATTEMPT) is above what the input asks for (default 1), then success
// with that number as its result.
#include "guest.h"
#include <string.h>

extern char **environ;

int main(void) {
	uint64_t failing = input_number(1);
	static const char name[] = "WINDROW_ATTEMPT=";
	uint64_t attempt = 0;
	for (char **e = environ; e != NULL && *e != NULL; e++) {
		if (strncmp(*e, name, sizeof name - 1) != 0) continue;
		for (const char *p = *e + sizeof name - 1; *p >= '0' && *p <= '9'; p++) attempt = attempt * 10 + (uint64_t)(*p - '0');
	}
	if (attempt <= failing) _exit(75);
	write_number(1, attempt);
	return 0;
}
