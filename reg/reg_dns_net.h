/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_dns_net.h
 *  One question to one DNS server, within a deadline: by UDP, and by TCP when the answer says that it was cut. (libresolv's own
 *  waits for ever for a server that takes the connection and says nothing.) */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include "common/base/err.h"
#include "common/base/sockaddr.h"

/*! \param[in] query as res_nmkquery() makes it; gets an unpredictable id
 *  \param[in] until_ms of clock_mono_ms(): then it ends
 *  \param[out] answer cap octets: with the id and the question of the query, else nothing is known of it
 *  \returns its octets; -ETIMEDOUT, -E... and why in err */
int reg_dns_exchange(uint8_t *answer, size_t cap, const struct sockaddr_storage *server, uint8_t *query, size_t len,
		     uint64_t until_ms, struct err *err);
