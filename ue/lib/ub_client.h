/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ub_client.h
 *  Bootstrapping at the BSF: the device's side of Ub (TS 33.220 4.5.2, TS 24.109 4, RFC 3310), as a machine that never waits
 *  for the network. The card is asked within a step; that takes as long as the card takes. */
#pragma once

#include "common/gba/run_id.h"
#include "ue/card/card.h"
#include "ue/lib/http_get.h"
#include "ue/lib/key_store.h"
#include "ue/lib/ue_cause.h"

/*! What is known of a command when it ends, for whoever has to find it in the logs of the network. */
struct ue_trail {
	long status;              /* HTTP, of the last answer; 0: none came */
	char run[RUN_ID_LEN + 1]; /* of the last challenge of a BSF; "" none came */
};

struct ub_run;

struct ub_client {
	struct card *card;
	struct key_store *keys;
	struct http_get *http;
	const char *url;      /* of the BSF */
	const char *bsf_name; /* realm of the first request, 23.003 16.2 */
	struct ue_trail trail;
	struct ub_run *run; /* NULL: none under way */
};

/*! Begin a run; one that is under way is given up. \returns UE_CAUSE_pending: go on with ub_client_step() when http_get_fd() is
 *  readable; else what went wrong, with the reason in err */
enum ue_cause ub_client_start(struct ub_client *c, struct err *err);

/*! Do what can be done now.
 *  \returns UE_CAUSE_pending; UE_CAUSE_ok: keys holds a fresh Ks, B-TID and TMPI, on disk; or what went wrong, with the reason
 *  in err: keys is unchanged then (but for a refused TMPI) */
enum ue_cause ub_client_step(struct ub_client *c, struct err *err);

/*! Give up what is under way; nothing is fine. */
void ub_client_stop(struct ub_client *c);
