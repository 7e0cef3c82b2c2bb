/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file zh_dia.h
 *  One MAR to one HSS over Diameter, and its answer. The question goes to the loop that has the connection, and its answer comes
 *  back to the shard; where that is one thread, neither waits in an inbox. tests/flow/zh_flow_test.c has one of its own. */
#pragma once

#include "bsf/policy/hss.h"
#include "bsf/vectors/hss_pick.h"
#include "bsf/vectors/zh_client.h"

struct dia_hub;
struct dia_loop;
struct inbox;
struct node;
struct zh_dia;

/*! How a peer is reached. */
struct zh_via {
	struct dia_loop *loop;
	struct dia_hub *hub; /* of that loop's thread, which alone looks at it; NULL: not yet, or no more */
};

/*! What came of one question. */
struct zh_answer {
	struct zh_result r;           /* first. rc as of zh_result; r.hss and r.said.origin are there also where nobody
				         answered */
	enum hss_so_far so_far;       /* HSS_UNSENT, HSS_LOST, HSS_ANSWERED, HSS_REDIRECTED */
	struct hss *hss;              /* who was asked; lent */
	unsigned no;                  /* of zh_dia_ask */
	struct zh_redirect *redirect; /* of HSS_REDIRECTED; lent */
};

/*! On the shard's thread, at most once per question: who asks has a deadline. Lent. */
typedef void zh_dia_fn(void *owner, uint64_t run, const struct zh_answer *a);

/*! All is lent until the Diameter node has stopped. */
struct zh_dia_cfg {
	struct inbox *inbox;   /* of the shard: answers reach it through this; its owner is whoever has the shard */
	struct dia_loop *loop; /* of the shard's own thread; NULL: it has none */
	const struct node *node;
	const struct zh_via *(*via)(const struct node *node,
				    const char *peer); /* where a peer is; for the life of the node */
	zh_dia_fn *done;
	void *owner; /* of done */
};

struct zh_dia_ask {
	struct hss *hss;
	const char *host; /* Destination-Host; NULL: as hss has it */
	const struct zh_mar *mar;
	const char *session_id;
	uint32_t end_to_end; /* the same for all repetitions */
	bool repeated;       /* T */
	uint64_t run;
	unsigned no; /* which question of the run */
};

/*! \returns new object owned by ctx; NULL no memory, no random numbers */
struct zh_dia *zh_dia_new(void *ctx, const struct zh_dia_cfg *cfg);
/*! Names for a run. \param[out] session_id DIA_SESSION_ID_MAX octets \returns End-to-End id */
uint32_t zh_dia_ids(struct zh_dia *d, char *session_id);
/*! Nothing in ask is kept. \returns 0: done() comes, not inside this call; -ENOTCONN; -EBUSY; -ENOMEM: it does not */
int zh_dia_send(struct zh_dia *d, const struct zh_dia_ask *ask);
