/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file nets.h
 *  A set of address ranges, asked once for each connection: found by halving, so ten thousand peers cost no more than ten. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include "common/base/sockaddr.h"

struct nets;

/*! \returns new object; NULL: no memory */
struct nets *nets_new(void);
void nets_free(struct nets *n); /* n may be NULL */

/*! \returns 0; -ENOMEM */
int nets_add(struct nets *n, const struct sockaddr_net *net);
/*! After the last nets_add(), before nets_has(). */
void nets_sort(struct nets *n);
/*! Is this address in one of them? Any thread. from: a struct sockaddr of any family */
bool nets_has(const struct nets *n, const void *from);
