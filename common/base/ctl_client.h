/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file ctl_client.h
 *  The other end of a daemon's control socket: a line out, with a document perhaps, a line back. Blocks. */
#pragma once

#include <stdint.h>
#include "common/base/bytes.h"
#include "common/base/err.h"

#define CTL_CLIENT_ANSWER_MAX (32u << 20) /* octets of a line that comes back */

struct ctl_client {
	int fd;
	uint64_t number; /* of the last request */
};

/*! \param[in] timeout_s of each call to come, too; 0: none
 *  \returns 0; -errno and why in err */
int ctl_client_open(struct ctl_client *c, const char *path, unsigned timeout_s, struct err *err);
void ctl_client_close(struct ctl_client *c); /* also one that never was open, if it is zeroed or closed */

/*! One request.
 *  \param[in] command words with one blank between two
 *  \param[in] document p NULL: none
 *  \param[out] answer malloc'ed, NUL-terminated: what stands behind "ok ", or behind "error "
 *  \returns 0; 1 refused; -errno and why in err: it is not known whether it was done */
int ctl_client_ask(struct ctl_client *c, const char *command, struct span document, char **answer, struct err *err);
