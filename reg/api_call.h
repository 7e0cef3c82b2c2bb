/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file api_call.h
 *  A request over HTTPS as an order: who asks is looked up, the role is held against the document, a key of idempotency against
 *  what was answered before, and then the operation's own order runs; all of it in one transaction. */
#pragma once

#include <stdbool.h>
#include "common/rt/inbox.h"
#include "reg/api_doc.h"
#include "reg/reg_call.h"
#include "reg/reg_token.h"

#define API_PROOFS   4   /* names of one certificate */
#define API_KEY_MAX  128 /* characters of an Idempotency-Key */
#define API_KEPT_S   86400
#define API_KEPT_MAX 10000 /* keys of one caller in that time */

/*! What is answered. */
struct api_answer {
	unsigned status;
	json_t *body;     /* owned; NULL: {}, or none */
	int64_t revision; /* 0: none */
	char field[256];  /* of a problem; "": none */
	char detail[ERR_MAX];
	char allowed[256];
	unsigned retry_s; /* 0: no Retry-After */
};

/*! A problem, as far as nothing was said yet. */
void api_answer_problem(struct api_answer *a, unsigned status, const char *field, const char *detail,
			const char *allowed);

struct api_call {
	struct inbox_item item; /* first */
	struct inbox *back;     /* of the thread that gave it */
	void *asker;            /* what that thread knows it by */
	const struct api_op *op;
	json_t *in; /* owned; NULL: the request is refused, see refused */
	int64_t if_match;
	uint8_t proof[API_PROOFS][REG_PROOF_LEN]; /* who asks, as the first of them that stands for somebody */
	size_t n_proofs;
	bool shown;                /* a token or certificate, be it good or not */
	char key[API_KEY_MAX + 1]; /* "": none */
	uint8_t digest[32];        /* of the request, for the key */
	struct api_answer refused; /* status 0: nothing is wrong with the request itself */

	/* out */
	struct api_answer answer;
	int64_t used; /* row of a token whose time of use is due to be noted; 0 */
	bool known;   /* who asks stands for somebody */
};

/*! \returns zeroed; NULL: no memory */
struct api_call *api_call_new(void);
void api_call_free(struct api_call *c); /* may be NULL */

/*! Any thread: give it to the one that writes or the one that reads. \param[in] c taken if 0 is returned
 *  \param[in] ended as in struct reg_order, with c as its data; it takes the order
 *  \returns 0; -EBUSY, -ENOMEM, -ESHUTDOWN */
struct reg_work;
int api_call_give(struct api_call *c, struct reg_work *writer, struct reg_work *reader,
		  void (*ended)(struct reg_order *o));

/*! Answers that were kept and are over go. On the thread that writes. \returns 0; -EIO; -ENOSPC */
int api_call_expire(struct reg_db *db);

/*! The order of getOpenapi: the document itself. */
int api_openapi_show(struct reg_order *o, struct reg_db *db);

/*! In ended(): what came out of it, into c->answer. */
void api_call_ended(struct api_call *c, struct reg_order *o);
