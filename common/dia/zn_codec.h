/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file zn_codec.h
 *  BIR and BIA of Zn (TS 29.109 5.2) as plain structs. */
#pragma once

#include <time.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include "common/base/bytes.h"
#include "common/base/secret.h"
#include "common/dia/result_code.h"
#include "common/gba/btid.h"
#include "common/gba/impi.h"
#include "common/gba/naf_id.h"

#define ZN_GSIDS_MAX 32
#define ZN_GSID_MAX  16
#define DIA_ID_MAX   255

struct zn_bir {
	char peer[DIA_ID_MAX + 1]; /* the connection it came on (fd_msg_source_get); decode fills it */
	char origin_host[DIA_ID_MAX + 1];
	struct btid btid;
	bool btid_ok; /* false: Transaction-Identifier is no B-TID; answered as unknown (5403) */
	struct naf_id naf_id;
	size_t n_gsids;
	char gsids[ZN_GSIDS_MAX][ZN_GSID_MAX + 1];
	bool gba_u_aware;
};

enum zn_gba_type { ZN_GBA_3G = 0, ZN_GBA_2G = 1, ZN_GBA_DIGEST = 2 };

struct zn_bia {
	struct dia_result result;
	struct secret me_key, uicc_key; /* len 0: absent */
	bool has_times;                 /* Key-ExpiryTime is there */
	time_t expires_at, created_at;  /* created_at 0: a foreign BSF left it out */
	struct impi impi;               /* s[0] == 0: absent */
	char *uss_list;                 /* malloc'ed XML or NULL */
	size_t uss_list_len;
	enum zn_gba_type gba_type; /* sent only when not 3G */
};

void zn_bia_clear(struct zn_bia *b); /* wipes keys, frees uss_list */

/*! Read a BIR. \param[out] bad result to send when not 0 is returned
 *  \returns 0; -EBADMSG (causes zn_missing_avp 5005, zn_bad_avp 5004, zn_avp_repeated 5009) */
int zn_bir_decode(struct zn_bir *out, struct msg *m, struct dia_result *bad);

/*! Client side; session id, origin, destination are added. \param[in] dest_host may be NULL */
int zn_bir_encode(struct msg **out, struct span btid, const struct naf_id *naf_id, const char (*gsids)[ZN_GSID_MAX + 1],
		  size_t n_gsids, bool gba_u_aware, const char *dest_realm, const char *dest_host);

/*! Of anything but success only the result is read.
 *  \returns 0; -EBADMSG an AVP has the wrong form, out untouched; -ENOMEM */
int zn_bia_decode(struct zn_bia *out, struct msg *m);

/*! Turn the request in *m into its answer and fill it.
 *  \returns 0; -ENOMEM, *m is then still the request, or NULL */
int zn_bia_encode(struct msg **m, const struct zn_bia *in);
