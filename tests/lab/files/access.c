/* access PATH: may PATH be executed? Asks as shells do and prints the answer by name; ends with 0 when it may. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/bin/access";

	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0) {
		puts("allowed");
		return 0;
	}
	printf("%s\n", errno == EPERM ? "EPERM" : errno == ENOSYS ? "ENOSYS" : errno == EACCES ? "EACCES" :
		errno == ENOENT ? "ENOENT" : strerror(errno));
	return 1;
}
