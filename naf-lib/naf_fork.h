/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_fork.h
 *  Life through fork(). A child takes no lock of its parent, frees no object of it and reads none of its descriptors: locks may
 *  be held by threads that are not there, epoll sets and timers are shared. Whoever finds an object of another process puts one
 *  of its own in its place and leaves the old one as it is. Keys lie in memory that the kernel wipes in the child. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*! Before the others; any thread, any number of times. \returns 0; -ENOMEM */
int naf_fork_init(void);

/*! Which process we are: never 0, and none of our ancestors had it. A plain load but in a child's first call. */
uint64_t naf_fork_process(void);

/*! Memory that is zero in a child. \returns NULL: no memory */
void *naf_fork_pages(size_t len);
void naf_fork_pages_free(void *p, size_t len);

/*! A child closes this descriptor, even one that never calls us: an inherited connection would outlive us. Before close() it is
 *  taken out again. */
void naf_fork_fd_add(int fd);
void naf_fork_fd_del(int fd);
