/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file suspend.h
 *  Subscribers who get nothing until they are resumed, as the owner of a lost device. In memory: what this daemon was told ends with it,
 *  and generation? tells who told it. Main thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "common/rt/name_table.h"

#define SUSPENDED_MAX 100000

/*! It counts with the next naf_cfg_publish(). \returns 0, also if it was so; -E2BIG there are SUSPENDED_MAX; -ENOMEM */
int suspend_add(const char *impi);
/*! \returns was it suspended? */
bool suspend_del(const char *impi);
size_t suspend_count(void);
/*! For a policy. \returns malloc'ed; NULL no memory */
struct name_table *suspend_table(void);
void suspend_free(void);
