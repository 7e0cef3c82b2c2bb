/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file free_watch.h
 *  Whatever this program frees is searched for keys before it is gone: a wipe that is missing shows. Not under sanitizers,
 *  which have an allocator of their own; there every search finds nothing. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FREE_WATCH 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FREE_WATCH 0
#endif
#endif
#ifndef FREE_WATCH
#define FREE_WATCH 1
#endif

#define FREE_WATCH_LEN 8 /* octets looked for: the first of a key */

/*! Look for this one too, from now on; at most 64. \param[in] key FREE_WATCH_LEN octets, lent for the life of the program */
void free_watch(const void *key);

/*! \returns how many blocks with a key in them were freed */
unsigned free_watch_hits(void);
