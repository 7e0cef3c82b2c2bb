/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file zh_run.h
 *  Inside zh_flow: a question while it is asked. For zh_flow and zh_sent_on only. */
#pragma once

#include "bsf/policy/policy.h"
#include "bsf/run/cfg.h"
#include "bsf/run/txn.h"
#include "bsf/vectors/redirects.h"
#include "bsf/vectors/zh_flow.h"

#define ZH_REDIRECTS_MAX  2
#define ZH_ASKED_MAX      (BSF_HSS_MAX + (ZH_REDIRECTS_MAX + 1) * ZH_REDIRECT_HOSTS)
#define ZH_RUN_SESSION_ID 320

struct zh_flow {
	struct zh_client client; /* first */
	struct zh_flow_cfg cfg;
	struct zh_dia *dia;
	struct txn_table *runs;
	struct redirects *redirects; /* NULL: nobody has sent us on yet */
	uint64_t chance;
	char asked[BSF_ID_MAX + 1];
};

/* A question of one run on Ub, to whomever it goes. */
struct zh_run {
	struct txn txn; /* first */
	struct zh_flow *zc;
	uint64_t asker;
	struct zh_mar mar;
	char session_id[ZH_RUN_SESSION_ID];
	uint32_t end_to_end;
	uint64_t until_ms;                /* 0: nobody was asked yet */
	bool repeated;                    /* somebody may have it already, and has not answered */
	bool again;                       /* this request says so: not where a former one was answered */
	unsigned no;                      /* of the request under way */
	struct hss *now;                  /* who has it; a holder */
	uint32_t asked[ZH_ASKED_MAX + 1]; /* a turn may ask two: who was named before, and who is to say anew */
	unsigned n_asked, redirects;
	uint32_t gave;             /* of an AUTS */
	struct zh_redirect *named; /* the only ones left; NULL: all are */
	struct hss *named_by;      /* a holder */
};

static inline bool zh_run_asked(const struct zh_run *r, uint32_t id)
{
	for (unsigned i = 0; i < r->n_asked; i++)
		if (r->asked[i] == id)
			return true;
	return false;
}

/* \returns place of the HSS of this name; -1: none */
static inline int zh_run_hss(const struct policy *p, uint32_t id)
{
	for (size_t i = 0; id && i < p->n_hss; i++)
		if (p->hss[i]->id == id)
			return (int)i;
	return -1;
}

/* Whom the next request goes to. */
struct zh_aim {
	struct hss_question q;
	const char *host; /* Destination-Host that is no HSS of ours; NULL: that of the HSS */
};
