/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file flow.h
 *  The steps of a bootstrapping run on Ub (TS 33.220 4.5.2), from a request that was read to the answer that is sent.
 * One object per shard. Knows neither HTTP server nor Diameter library: tests drive it with a fake HSS. */
#pragma once

#include <sys/socket.h>
#include "bsf/policy/limits.h"
#include "bsf/policy/overload.h"
#include "bsf/store/store.h"
#include "bsf/run/txn.h"
#include "bsf/ub/cost.h"
#include "bsf/ub/decide.h"
#include "bsf/ub/history.h"
#include "bsf/ub/make.h"
#include "bsf/vectors/guss_facts.h"
#include "bsf/vectors/zh_client.h"

struct ub_flow;
struct ub_run;

/*! Called once for a run that did not end inside ub_flow_begin(): run->answer is there. */
typedef void ub_answered_fn(void *owner, struct ub_run *run);

/*! Everything in it is lent and must outlive the flow. */
struct ub_flow_env {
	struct ub_self self;
	struct store *store;
	struct zh_client *zh;
	struct overload *overload;
	const struct limits *limits;
	struct txn_table *txns;
	struct ub_history *history;
	ub_answered_fn *answered;
	void *owner;
};

/*! \returns new object owned by ctx; NULL no memory */
struct ub_flow *ub_flow_new(void *ctx, const struct ub_flow_env *env);

/*! In the order of the message. */
enum ub_step {
	UB_STEP_BEGIN,
	UB_STEP_FIND_TMPI,
	UB_STEP_COST,
	UB_STEP_GUSS,
	UB_STEP_ZH,
	UB_STEP_CHALLENGE_PUT,
	UB_STEP_TAKE,
	UB_STEP_SESSION_PUT,
	UB_STEP_END,
	UB_STEP_WAIT, /* what a step leads to while its answer is on the way: the run stays in it */
};

/*! One request and its answer. Memory of the caller, zeroed; what request points to must live until the answer. */
struct ub_run {
	struct txn txn; /* first */
	struct ub_flow *flow;
	struct ub_request request;
	struct sockaddr_storage from;
	struct ub_answer answer; /* for the caller, once answered */
	/* own */
	enum ub_step step;
	struct ub_wish wish;
	struct impi impi; /* once known */
	struct ub_cost cost;
	uint64_t begun_ms;
	bool inside; /* of ub_flow_begin() */
	bool traced;
	bool resync;
	char session_id[ZH_SESSION_ID_MAX + 1];
	uint8_t rand[AKA_RAND_LEN]; /* of the challenge, once there is one */
	bool has_rand;
	struct guss_blob *guss_kept; /* whose timestamp the HSS is told; NULL: none */
	int64_t guss_when;           /* that */
	struct guss_facts guss_facts;
	const char *guss_said; /* by an HSS that was told it: "equal", or "sent" one; NULL: none was */
	struct zh_said said;   /* by the HSS, where the run ends of it */
	struct result hss_result;
	struct gba_challenge challenge; /* taken, or being put */
	struct gba_session session;
};

/*! Work on run->request from run->from.
 *  \returns true: run->answer is there already; false: answered() comes later */
bool ub_flow_begin(struct ub_flow *f, struct ub_run *run);

/*! For the shard: a run that never got to the flow (refused by the HTTP server) is counted and logged alike. */
void ub_flow_refuse(struct ub_flow *f, struct ub_run *run, enum cause cause);
