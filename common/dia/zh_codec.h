/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file zh_codec.h
 *  MAR and MAA of Zh (TS 29.109 4.2) as plain structs. */
#pragma once

#include <time.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include "common/base/bytes.h"
#include "common/crypto/aka.h"
#include "common/dia/result_code.h"
#include "common/gba/impi.h"

#define ZH_SCHEME_AKAV1 "Digest-AKAv1-MD5"
#define ZH_SCHEME_MAX   32
#define ZH_GUSS_MAX     65536

struct zh_mar {
	struct impi impi;               /* User-Name; s[0] == 0: absent */
	char scheme[ZH_SCHEME_MAX + 1]; /* "": absent */
	bool has_resync;
	uint8_t rand[AKA_RAND_LEN], auts[AKA_AUTS_LEN];
	bool has_guss_timestamp;
	time_t guss_timestamp;
};

struct zh_maa {
	struct dia_result result;
	bool has_vector; /* RAND, AUTN, XRES 4..32, CK 16, IK 16 all there */
	struct aka_vector vector;
	struct span guss; /* AVP 400; encode: lent; decode: points into the message */
};

void zh_maa_clear(struct zh_maa *m);

/*! Read a MAR (parsed against the dictionary).
 *  \param[out] bad result to send when not 0 is returned (5005, 5004 with the AVP named)
 *  \returns 0; -EBADMSG */
int zh_mar_decode(struct zh_mar *out, struct msg *m, struct dia_result *bad);

/*! Put the AVPs of in into a new MAR.
 *  \param[in] dest_host may be NULL. \returns 0 and a message the caller owns; -ENOMEM */
int zh_mar_encode(struct msg **out, const struct zh_mar *in, const char *dest_realm, const char *dest_host);

/*! Of anything but success only the result is read. A vector of another scheme is no vector. guss may be over
 *  ZH_GUSS_MAX: its reader says so.
 *  \returns 0; -EBADMSG an AVP has the wrong form (zh_malformed), out untouched. No vector at all is no error here. */
int zh_maa_decode(struct zh_maa *out, struct msg *m);

/*! Turn the request in *m into its answer and fill it; User-Name is copied from the request.
 *  \returns 0; -ENOMEM, *m is then still the request, or NULL */
int zh_maa_encode(struct msg **m, const struct zh_maa *in);
