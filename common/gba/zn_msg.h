/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file zn_msg.h
 *  What a NAF asks and a BSF answers on Zn (TS 29.109 5.2), by whatever protocol. */
#pragma once

#include <time.h>
#include "common/base/secret.h"
#include "common/gba/btid.h"
#include "common/gba/impi.h"
#include "common/gba/naf_id.h"
#include "common/gba/result.h"

#define ZN_GSIDS_MAX 32
#define ZN_GSID_MAX  16
#define ZN_NAME_MAX  255
#define ZN_ROUTES    8 /* of more agents than anybody has behind each other only the last are kept */

struct zn_bir {
	char peer[ZN_NAME_MAX + 1]; /* the connection it came on */
	char origin_host[ZN_NAME_MAX + 1];
	struct span routes[ZN_ROUTES]; /* Route-Records, in their order; lent by the message */
	size_t n_routes;
	bool routes_cut;             /* more stood before them */
	char asker[ZN_NAME_MAX + 1]; /* the NAF whose policy holds, found out when the request came; "": nobody */
	char route[ZN_NAME_MAX + 1]; /* the Route-Records as text, for the log, cut; "": none */
	bool liar;                   /* it comes from another than it says */
	bool unvouched; /* it is in another network, whose Zn-Proxy does not vouch for the name in naf_id */
	struct btid btid;
	bool btid_ok; /* false: Transaction-Identifier is no B-TID; answered as unknown (5403) */
	struct naf_id naf_id;
	size_t n_gsids;
	char gsids[ZN_GSIDS_MAX][ZN_GSID_MAX + 1];
	bool gba_u_aware;
};

enum zn_gba_type { ZN_GBA_3G = 0, ZN_GBA_2G = 1, ZN_GBA_DIGEST = 2 };

struct zn_bia {
	struct result result;
	struct secret me_key, uicc_key; /* len 0: absent */
	bool has_times;                 /* Key-ExpiryTime is there */
	bool has_created; /* read: Bootstrapping-Info-Creation-Time is there; written: has_times stands for both */
	time_t expires_at, created_at;
	struct impi impi; /* s[0] == 0: absent */
	char *uss_list;   /* malloc'ed XML or NULL */
	size_t uss_list_len;
	enum zn_gba_type gba_type; /* sent only when not 3G */
};

void zn_bia_clear(struct zn_bia *b); /* wipes keys, frees uss_list */
