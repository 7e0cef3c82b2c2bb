/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_script.h
 *  The steps of the store on Redis that look at a key and change it: scripts of one key each. */
#pragma once

#include "bsf/store/redis_link.h"
#include "bsf/store/redis_subscriber.h"

enum redis_script {
	/*! Key i. made ms, RAND, name tag, until ms, sealed IMPI, keep until ms. Not revoked since, and listed: 1; revoked: 0;
	 *  too many sessions: -1 */
	REDIS_INTEND,
	/*! Key i. RAND, TMPI with its flag, keep until ms. The session is there: its TMPI is the subscriber's from now on.
	 *  \returns RANDs of former sessions under the same name, TMPI with its flag that was; nil: it is not listed any more */
	REDIS_COMMIT,
	/*! Key i. RANDs: their sessions are gone. */
	REDIS_UNLIST,
	/*! Key i. keep ms. Revoke now. \returns its sessions; also where memory is full */
	REDIS_REVOKE,
	/*! Key s. "T" tombstone or "D" delete, from, octets, tombstone if it is there, tombstone if not, until ms of that. Only if these
	 *  octets stand from there on. \returns 1 a session was ended; 0; also where memory is full */
	REDIS_END,
	/*! Key k. Our KEKs, the first seals; "" or "only". Where all that is there is ours the first is added, or is alone there from
	 *  now on. \returns what was there */
	REDIS_KEKS,
	/*! Key s, i or m. old, new: in the place of what has not changed. 1 it did; 0 */
	REDIS_SWAP,
	/*! Key marks. kind, key and tag of a mark, at ms or 0: now, until ms, or how long from now. \returns at, until; also where memory
	 *  is full. It is more than that of any before. */
	REDIS_MARK,
	/*! Key n. ms it is kept. One more of what is counted. \returns how many; also where memory is full */
	REDIS_USE,
	/*! Key bu. which run of the server, or "", instant of who asks, ms. Where that run is not there yet, it is from now on.
	 *  \returns since when, ms; also where memory is full */
	REDIS_USES_SINCE,
	/*! A command of one key, also where memory is full. Its words but for the key, which is its first. */
	REDIS_ALWAYS,
	REDIS_SCRIPTS,
};

#define REDIS_TMPI_LEN 25

/*! Run it; one the server does not know is sent whole, since scripts do not follow a failover. Otherwise as redis_link_call().
 *  \param[in] n of args, at most 6; copied */
int redis_script_call(struct redis_link *l, enum redis_script s, struct span key, size_t n, const struct span *args,
		      redis_reply_fn *fn, void *owner);

/*! Its text, and one for probing what a user may. */
extern const char *const redis_script_texts[REDIS_SCRIPTS];
extern const char redis_script_probe[];
