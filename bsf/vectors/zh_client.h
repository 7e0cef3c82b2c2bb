/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file zh_client.h
 *  One vector and the GUSS from where an operator has them. One object per shard; the answer comes later on the shard's thread.
 *  Behind it: vectors/zh_flow.c (one HSS of several), vectors/gsup_client.c (an HLR), or tests/flow/zh_fake.c. */
#pragma once

#include "bsf/store/gba_session.h"
#include "common/gba/zh_msg.h"

#define ZH_SESSION_ID_MAX 127

#define ZH_ORIGIN_MAX 255
#define ZH_ERROR_MAX  127

/*! What the operator wants to know of an answer. */
struct zh_said {
	char origin[ZH_ORIGIN_MAX + 1]; /* Origin-Host; "": none */
	char error[ZH_ERROR_MAX + 1];   /* Error-Message, its beginning; "": none. Text of the peer's */
};

/*! What came of a request. */
struct zh_result {
	int rc; /* 0: an HSS answered; -EBADMSG not decodable, or not the answer to this; -ETIMEDOUT none in time; -ENOTCONN
		   lost with the connection; -EBUSY, -ENOMEM: could not be asked; -ELOOP, -EACCES: sent on in a circle, or
		   to a stranger; -ENODATA there is a GUSS that cannot be used */
	uint32_t hss; /* who answered, for zh_ask.gave; 0: nobody */
	struct result result;
	struct zh_said said;
	struct zh_vector vector;
	struct guss_blob *guss; /* owned reference or NULL */
	bool guss_equal;        /* that of which the timestamp was sent is still right; no other one came */
};

/*! r is lent for the duration of the call; who keeps the GUSS takes a reference. Comes once per request, at the end of its
 *  time at the latest, unless all is stopped before. */
typedef void zh_done_fn(void *owner, uint64_t txn, const struct zh_result *r);

/*! The request a shard makes. */
struct zh_ask {
	const struct impi *impi;
	const char *scheme;         /* ZH_SCHEME_AKAV1 */
	const uint8_t *rand, *auts; /* both for a resynchronisation, else NULL */
	bool has_guss_timestamp; /* of the GUSS that is kept, Unix seconds; a source that cannot compare it sends the GUSS */
	int64_t guss_timestamp;
	uint32_t gave; /* which HSS the vector of the AUTS is of: asked again, if it is there; 0: not known */
};

struct zh_client;

/*! What a source does. */
struct zh_client_ops {
	int (*ask)(struct zh_client *zc, const struct zh_ask *ask, uint64_t txn, uint32_t *timeout_ms,
		   char *session_id);
	const char *(*asked)(const struct zh_client *zc);
};

/*! First member of a source's object. */
struct zh_client {
	const struct zh_client_ops *ops;
};

/*! Ask. Nothing in ask is kept.
 *  \param[out] timeout_ms when there will be an answer, or its lack told
 *  \param[out] session_id Session-Id for the log, at least ZH_SESSION_ID_MAX + 1 octets; "" if none
 *  \returns 0: done() may come, never inside this call; -ENOTCONN no HSS is connected; -EBUSY too much waits to be
 *  sent; -ENOMEM. Not 0: done() does not come */
static inline int zh_client_ask(struct zh_client *zc, const struct zh_ask *ask, uint64_t txn, uint32_t *timeout_ms,
				char *session_id)
{
	return zc->ops->ask(zc, ask, txn, timeout_ms, session_id);
}

/*! \returns the HSS of the last zh_client_ask(), or if none was connected the first of the configuration; lent until the
 *  next */
static inline const char *zh_client_asked(const struct zh_client *zc)
{
	return zc->ops->asked(zc);
}
