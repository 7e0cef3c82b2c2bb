/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_fork.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <openssl/crypto.h>
#include <sys/mman.h>

#define FDS_MAX 256 /* what is beyond stays open in a child that neither calls us nor execs */

static _Atomic uint64_t *mark;   /* on a page that is zero in a child; 0: nobody has called yet */
static _Atomic uint64_t last;    /* given so far in our line of ancestors */
static _Atomic uint64_t no_page; /* where the kernel cannot wipe: the handler does */
static _Atomic int fds[FDS_MAX]; /* descriptor + 1; 0: free */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int once_rc;

/*! Not after _Fork() or a bare clone(): there the page alone tells. Only what a signal handler may do. */
static void in_child(void)
{
	int fd, saved = errno;

	atomic_store(mark, 0);
	for (size_t i = 0; i < FDS_MAX; i++) {
		fd = atomic_exchange(&fds[i], 0);
		if (fd)
			close(fd - 1);
	}
	errno = saved;
}

void *naf_fork_pages(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, len, MADV_WIPEONFORK); /* a kernel before 4.14 cannot: the child then has what it had before */
	return p;
}

void naf_fork_pages_free(void *p, size_t len)
{
	if (!p)
		return;
	OPENSSL_cleanse(p, len);
	munmap(p, len);
}

static void fork_init(void)
{
	mark = naf_fork_pages(sizeof(*mark));
	if (!mark)
		mark = &no_page;
	once_rc = pthread_atfork(NULL, NULL, in_child) ? -ENOMEM : 0;
}

int naf_fork_init(void)
{
	pthread_once(&once, fork_init);
	return once_rc;
}

uint64_t naf_fork_process(void)
{
	uint64_t now = atomic_load_explicit(mark, memory_order_acquire), mine;

	if (now)
		return now;
	mine = atomic_fetch_add(&last, 1) + 1;
	return atomic_compare_exchange_strong(mark, &now, mine) ? mine : now;
}

void naf_fork_fd_add(int fd)
{
	int free_one;

	for (size_t i = 0; i < FDS_MAX; i++) {
		free_one = 0;
		if (atomic_compare_exchange_strong(&fds[i], &free_one, fd + 1))
			return;
	}
}

void naf_fork_fd_del(int fd)
{
	int it;

	for (size_t i = 0; i < FDS_MAX; i++) {
		it = fd + 1;
		if (atomic_compare_exchange_strong(&fds[i], &it, 0))
			return;
	}
}
