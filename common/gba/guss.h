/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file guss.h
 *  GBA User Security Settings, TS 29.109 annex A: XML to a model and back. Local names only, the namespace is ignored;
 *  no network, no entities, no DTD. */
#pragma once

#include <stdbool.h>
#include <time.h>
#include "common/base/bytes.h"
#include "common/base/err.h"

#define GUSS_XML_MAX      65536 /* octets of one document */
#define GUSS_USS_MAX      256
#define GUSS_FEATURES_MAX 16
#define GUSS_NAMESPACE    "urn:3gpp:gba:GBAGUSSSchema-R9:2010-02"

struct guss_uss {
	size_t at; /* which uss of the list it is, from 0; those that were left out counted */
	char *id;  /* GSID, decimal text */
	int type;
	char *naf_group; /* NULL if absent */
	char **uids;
	size_t n_uids;
	long *flags;
	size_t n_flags;
	char *key_choice; /* NULL if absent */
};

struct guss {
	bool is_uss_list;     /* the document was a bare ussList, as on Zn: no guss for Zh */
	char *id;             /* IMPI it says it belongs to; NULL if absent */
	char *uicc_type;      /* "GBA", "GBA_U"; NULL if absent */
	bool mac_star_sha256; /* bsfInfo/Extension/macStar: what the card makes MAC* with (33.220 5.3.2) is SHA-256 */
	char **features;      /* bsfInfo/securityFeatures, one element each ("GPL_U") */
	size_t n_features;
	bool has_life_time;
	int64_t life_time_s; /* as written, unchecked */
	bool has_timestamp;
	time_t timestamp;
	struct guss_uss *uss;
	size_t n_uss;
	unsigned n_left_out; /* uss that cannot be used */
	struct err left_out; /* the first of them: what is wrong */
};

/*! One uss that cannot be used: what becomes of the document. */
enum guss_bad_uss { GUSS_BAD_USS_FAILS, GUSS_BAD_USS_LEFT_OUT };

/*! Parse a guss or a ussList document. Pure.
 *  \param[out] out new object, guss_free()
 *  \returns 0; -EBADMSG not well-formed or no guss; -E2BIG over a limit; -ENOMEM. err: reason */
int guss_parse(struct guss **out, const uint8_t *buf, size_t len, struct err *err);
void guss_free(struct guss *g);

/*! Whole guss document (HSS side, tests). */
int guss_format(char **xml, size_t *len, const struct guss *g);
