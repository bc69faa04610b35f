// fail: a line on stderr, then the exit code that the input asks for (default 1).
#include "guest.h"

int main(void) {
	int code = (int)input_number(1);
	static const char line[] = "fail: as asked\n";
	write_all(2, line, sizeof line - 1);
	_exit(code);
}
