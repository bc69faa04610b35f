// environ: prints the number of its arguments, then each variable of its
// environment, a line each. It shows what a guest is told, which is little.
#include "guest.h"
#include <string.h>

extern char **environ;

int main(int argc, char **argv) {
	(void)argv;
	write_all(1, "argc=", 5);
	write_number(1, (uint64_t)argc);
	write_all(1, "\n", 1);
	for (char **e = environ; e != NULL && *e != NULL; e++) {
		write_all(1, *e, strlen(*e));
		write_all(1, "\n", 1);
	}
	return 0;
}
