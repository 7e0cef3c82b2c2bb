/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_patience.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>
#include <unistd.h>

#define FIFO_PAUSE_US 1000  /* what fd_fifo_del() asks for */
#define PATIENCE_US   25000 /* what it gets, 20 times at most */
#define ROUTING_MS    1300  /* its routing threads look every second whether they shall end */

int fd_rtdisp_cleanstop(void); /* exported by libfdcore, in none of its public headers */

static atomic_bool stopping;

static void pause_us(useconds_t us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000L };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* Takes the place of the C library's in a program; POSIX allows a usleep() to take longer than asked for. */
int usleep(useconds_t us)
{
	pause_us(atomic_load(&stopping) && us == FIFO_PAUSE_US ? PATIENCE_US : us);
	return 0;
}

void dia_patience(void)
{
	atomic_store(&stopping, true);
	if (dlsym(RTLD_DEFAULT, "usleep") == (void *)usleep)
		return;
	fd_rtdisp_cleanstop();
	pause_us(ROUTING_MS * 1000);
}
