// files: tries to open, create and list files in places where a sandbox with a
// leak would let it, and prints how many of the tries succeeded: 0 is right.
#include "guest.h"
#include <dirent.h>
#include <fcntl.h>

int main(void) {
	static const char *const paths[] = {"/", ".", "..", "/etc/passwd", "/proc/self/environ", "/tmp"};
	uint64_t opened = 0;
	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		if (open(paths[i], O_RDONLY) >= 0) opened++;
	}
	if (open("/tmp/windrow-escape", O_CREAT | O_WRONLY, 0600) >= 0) opened++;
	if (opendir("/") != NULL) opened++;
	write_number(1, opened);
	return 0;
}
