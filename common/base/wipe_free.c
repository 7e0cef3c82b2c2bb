/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file wipe_free.c
 *  Linked into a program, not into a library: whatever is freed in it is wiped, whoever frees it. Our own code wipes keys
 *  by itself; this is for the buffers of the libraries between us and the network, which a key crosses (the sent and received
 *  messages of Diameter, the pools of HTTP), and for what realloc() leaves behind. Left out under sanitizers, which have an
 *  allocator of their own. */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OTHER_ALLOCATOR 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define OTHER_ALLOCATOR 1
#endif
#endif

#ifndef OTHER_ALLOCATOR

typedef void free_fn(void *p);

/* The next one in order, so that an allocator that is loaded before the C library gets back what it gave. */
static free_fn *next_free(void)
{
	static free_fn *found;
	static _Thread_local volatile int looking; /* dlsym() is declared as one that never calls back */
	free_fn *f = __atomic_load_n(&found, __ATOMIC_ACQUIRE);

	if (f || looking)
		return f;
	looking = 1;
	*(void **)&f = dlsym(RTLD_NEXT, "free");
	looking = 0;
	__atomic_store_n(&found, f, __ATOMIC_RELEASE);
	return f;
}

void free(void *p)
{
	free_fn *f = next_free();

	if (!p)
		return;
	explicit_bzero(p, malloc_usable_size(p));
	if (f) /* else dlsym() itself frees, once in a life */
		f(p);
}

void *realloc(void *p, size_t size)
{
	size_t had = p ? malloc_usable_size(p) : 0;
	void *q;

	if (size == 0 && p) {
		free(p);
		return NULL;
	}
	if (p && size <= had && size >= had / 2) {
		explicit_bzero((char *)p + size, had - size);
		return p;
	}
	q = malloc(size);
	if (!q || !p)
		return q;
	memcpy(q, p, had < size ? had : size);
	free(p);
	return q;
}

#endif
