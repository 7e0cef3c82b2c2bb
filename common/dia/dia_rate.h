/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_rate.h
 *  TLS handshakes of one address in a second: one count for all loops of a node. Bounded, no lock. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>

#define DIA_RATE_A_SECOND 16 /* handshakes of one address by default; as many may come at once */
#define DIA_RATE_MAX      100000
#define DIA_RATE_QUEUE_S  10 /* more is not promised: no CER is waited for so long */
#define DIA_RATE_SETS     256
#define DIA_RATE_WAYS     4

/*! Of whom in the upper half, in the lower the instant at which all it had is forgotten, in DIA_RATE_MAX of a second, cut to 32
 *  bits; 0: free. */
struct dia_rate {
	uint32_t each; /* what a handshake takes of the second, in the same unit */
	uint64_t key[2];
	_Atomic uint64_t of[DIA_RATE_SETS][DIA_RATE_WAYS];
};

/*! \param[in] a_second how many, 1 to DIA_RATE_MAX
 *  \returns 0; -EIO no random numbers: nobody chooses whom to meet in the table */
int dia_rate_init(struct dia_rate *r, unsigned a_second);

/*! One handshake: when has a second of this address room for it? That place is taken, so who waits need not ask again. An IPv4 address, or a network of IPv6: who has one
 *  address of it has them all. Any thread.
 *  \param[in] now_ms monotonic, the same clock for all
 *  \returns ms until its turn, 0: now; -EBUSY too many wait */
int dia_rate_wait(struct dia_rate *r, const struct sockaddr_storage *from, uint64_t now_ms);
