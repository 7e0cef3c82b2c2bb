/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file zh_msg.h
 *  What a BSF asks and an HSS answers on Zh (TS 29.109 4.2), by whatever protocol. */
#pragma once

#include <time.h>
#include "common/base/bytes.h"
#include "common/crypto/aka.h"
#include "common/gba/impi.h"
#include "common/gba/result.h"

#define ZH_SCHEME_AKAV1 "Digest-AKAv1-MD5"
#define ZH_SCHEME_MAX   32
#define ZH_GUSS_MAX     65536
#define ZH_GUSS_CARRIED 61440 /* octets that fit into one message beside the rest of an MAA, whoever relays it */

struct zh_mar {
	struct impi impi;               /* s[0] == 0: absent */
	char scheme[ZH_SCHEME_MAX + 1]; /* "": absent */
	bool has_resync;
	uint8_t rand[AKA_RAND_LEN], auts[AKA_AUTS_LEN];
	bool has_guss_timestamp;
	time_t guss_timestamp;
};

/*! What an HSS gives for a run; which kind it is decides how the device is asked (33.220 I.2.1), nothing else does. */
enum zh_vector_kind {
	ZH_VECTOR_NONE,
	ZH_VECTOR_AKA, /* RAND, AUTN, XRES 4..32, CK 16, IK 16 all there */
};

struct zh_vector {
	enum zh_vector_kind kind;
	union {
		struct aka_vector aka;
	};
};

static inline void zh_vector_clear(struct zh_vector *v)
{
	OPENSSL_cleanse(v, sizeof(*v));
}

struct zh_maa {
	struct result result;
	struct zh_vector vector;
	struct span guss; /* lent: what decodes points into the message */
};

void zh_maa_clear(struct zh_maa *m);

#define ZH_REDIRECT_HOSTS 4
#define ZH_HOST_MAX       255

/*! For how many requests it holds (RFC 6733 6.13), the numbers of that clause. */
enum zh_redirect_usage {
	ZH_REDIRECT_ONCE = 0, /* DONT_CACHE */
	ZH_REDIRECT_SESSION = 1,
	ZH_REDIRECT_REALM = 2, /* this and the next three: for all users, where one application is all we ask */
	ZH_REDIRECT_REALM_APPLICATION = 3,
	ZH_REDIRECT_APPLICATION = 4,
	ZH_REDIRECT_HOST = 5,
	ZH_REDIRECT_USER = 6,
};

/*! What DIAMETER_REDIRECT_INDICATION says on Dz: who is to be asked. */
struct zh_redirect {
	char hosts[ZH_REDIRECT_HOSTS][ZH_HOST_MAX + 1]; /* any of them; more than these are not read */
	size_t n;
	uint32_t usage;   /* enum zh_redirect_usage, or any other number */
	uint32_t cache_s; /* 0: not told */
};
