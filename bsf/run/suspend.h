/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file suspend.h
 *  Subscribers who get nothing until they are resumed, as the owner of a lost device. Kept in a sealed file beside the store, where it has a
 *  folder; else what this daemon was told ends with it, and generation? tells who told it. Main thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "common/base/err.h"
#include "common/crypto/seal.h"
#include "common/rt/name_table.h"

#define SUSPENDED_MAX 100000

/*! Who was suspended before. \param[in] dir, seal lent until suspend_free(); NULL: nowhere. \returns 0; -errno and a reason */
int suspend_begin(const char *dir, struct seal *seal, struct err *err);
/*! Could they be read? Nothing is changed or kept. \returns 0; -errno and a reason */
int suspend_check(const char *dir, struct seal *seal, struct err *err);
/*! It counts with the next naf_cfg_publish(). \returns 0, also if it was so; -E2BIG there are SUSPENDED_MAX; -ENOMEM */
int suspend_add(const char *impi);
/*! \returns was it suspended? */
bool suspend_del(const char *impi);
/*! What was changed is durable, where it is kept. \returns 0; -errno: not yet, call it again */
int suspend_keep(void);
/*! Where; NULL: a restart forgets them. */
const char *suspend_kept(void);
size_t suspend_count(void);
/*! For a policy. \returns malloc'ed; NULL no memory */
struct name_table *suspend_table(void);
void suspend_free(void);
