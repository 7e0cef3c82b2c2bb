/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Loaded before libc: while the file NO_MEMORY exists, one allocation in NO_MEMORY_RATE fails; or, of those that are counted in
 * the file NO_MEMORY_COUNTER (two words: how many so far, which one fails), exactly one. The test compiles it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

static const char *file;
static unsigned rate, count;
static int on;
static volatile uint32_t *counted; /* [0] so far, [1] which one fails */
static __thread uint64_t x = 88172645463325252u;

__attribute__((constructor)) static void begin(void)
{
	const char *text = getenv("NO_MEMORY_RATE");

	rate = text ? (unsigned)atoi(text) : 0;
	file = getenv("NO_MEMORY");
	text = getenv("NO_MEMORY_COUNTER");
	if (text) {
		int fd = open(text, O_RDWR | O_CLOEXEC);
		void *p = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		close(fd);
		if (p != MAP_FAILED)
			counted = p;
	}
}

static int fails(void)
{
	int e = errno;

	if (counted && __atomic_add_fetch(&counted[0], 1, __ATOMIC_SEQ_CST) == counted[1]) {
		errno = ENOMEM;
		return 1;
	}
	if (!file || !rate)
		return 0;
	if (__atomic_add_fetch(&count, 1, __ATOMIC_RELAXED) % 64 == 0)
		on = access(file, F_OK) == 0;
	errno = e;
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	if (!on || (x >> 20) % rate)
		return 0;
	errno = ENOMEM;
	return 1;
}

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}
