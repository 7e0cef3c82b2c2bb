/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file io_log.h
 *  What this process does to files, in order, whoever calls: the libraries' writes and syncs go through the functions of
 *  io_log.c. A kill cannot show a missing sync, since the kernel keeps what was written; the order can. */
#pragma once

#include <dlfcn.h>
#include <stdbool.h>

/*! Begin a new log. Any thread is recorded. */
void io_log_start(void);

/*! Something else happened now, such as an answer. */
void io_log_note(const char *what);

/*! End it. \returns words with a blank between, like "write:x write:x sync:x rename:x.new>x sync:folder/ told"; the same
 *  word again and again is one; "dsync:x" is a write that returns when it is durable. Lent until the next start */
const char *io_log_end(void);

/*! Let the nth (1...) write or sync of a file whose name holds part fail with EIO, and those after it; 0: none. */
void io_log_fail(const char *part, unsigned nth);

/*! Within a function that stands before a library's of the same name: real(...) is the library's. Any thread. */
#define REAL_OF(name) \
	static __typeof__(name) *real_; \
	__typeof__(name) *real = __atomic_load_n(&real_, __ATOMIC_ACQUIRE); \
	if (!real) { \
		*(void **)&real = dlsym(RTLD_NEXT, #name); \
		__atomic_store_n(&real_, real, __ATOMIC_RELEASE); \
	}
