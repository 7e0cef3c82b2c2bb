/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/flow/dia_check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

void fail(const char *what)
{
	printf("# failed: %s\n", what);
	fflush(stdout);
	_exit(1);
}

int wait_sem(sem_t *s, unsigned seconds)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += seconds;
	return sem_timedwait(s, &t);
}

struct sockaddr_storage loopback(const char *addr, uint16_t port)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in *sa = (struct sockaddr_in *)&ss;

	sa->sin_family = AF_INET;
	sa->sin_port = htons(port);
	inet_pton(AF_INET, addr, &sa->sin_addr);
	return ss;
}

uint16_t free_port(void)
{
	struct sockaddr_storage ss = loopback("127.0.0.1", 0);
	socklen_t len = sizeof(ss);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(fd >= 0 && !bind(fd, (struct sockaddr *)&ss, sizeof(struct sockaddr_in)));
	CHECK(!getsockname(fd, (struct sockaddr *)&ss, &len));
	close(fd);
	return ntohs(((struct sockaddr_in *)&ss)->sin_port);
}
