/* threads: can a thread be made? Prints the answer; ends with 0 when it can. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void *thread(void *argument)
{
	*(int *)argument = 1;
	return NULL;
}

int main(void)
{
	pthread_t id;
	int ran = 0;
	int error = pthread_create(&id, NULL, thread, &ran);

	if (error == 0)
		error = pthread_join(id, NULL);
	puts(error != 0 ? strerror(error) : ran ? "works" : "the thread did not run");
	return error != 0 || !ran;
}
