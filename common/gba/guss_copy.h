/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file guss_copy.h
 *  What a BSF keeps of a GUSS beside a session: its USSs, each as the octets that a BIA carries, with an index before them, so that
 *  nothing is parsed while a NAF waits. Made once, when the document comes.
 *
 *    version 1 | flags 1 (1: timestamp, 2: facts, 4: lifeTime, 8: GBA_U, 16: SHA-256) | timestamp 8 | USSs 2 | head 2 | tail 2 |
 *    lifeTime 8, if there is one |
 *    of each USS: whole 4, bare 4, GSID 2, group 2 (ffff: none), the text of these two |
 *    head, tail | of each USS: whole, bare
 *
 *  Head and tail are the tags of the ussList around the whole ones, with the names spaces they use. No XML begins with the octet
 *  of the version, so what an older release stored is still understood: it is then made into this while the NAF waits. */
#pragma once

#include "common/gba/guss.h"

#define GUSS_COPY_MAX 131072 /* octets: GUSS_XML_MAX, and as much again for index, bare ones and escapes */

/*! Make it. Elements that are not known here stay in their uss; comments and nafGroup do not.
 *  \param[out] copy malloc'ed \param[out] facts the model, guss_free(); NULL: not wanted
 *  \param[out] odd of elements that are perhaps misspelt or in a wrong place: "line N: NAME", "; " between them; "" none; NULL: not wanted
 *  \returns 0; -EBADMSG, -E2BIG it cannot be used; -ENOMEM. err: reason */
int guss_copy_make(uint8_t **copy, size_t *len, struct guss **facts, struct err *odd, struct span xml,
		   enum guss_bad_uss rule, struct err *err);

/*! One that is being read. */
struct guss_copy {
	struct span all, head, tail;
	size_t n, index_at, texts_at;
	bool has_timestamp;
	int64_t timestamp;
	/* What a bootstrap asks of it (bsfInfo). false: it is of an older release, or a USS was left out, which has to be said each time. */
	bool has_facts, has_life_time, gba_u, mac_star_sha256;
	int64_t life_time_s;
	uint8_t *made; /* from XML */
};

/*! \param[out] c guss_copy_close(), if 0 is returned \param[in] kept a copy, or XML; lent until the close; empty: no USS
 *  \returns 0; -EBADMSG damaged; -ENOMEM */
int guss_copy_open(struct guss_copy *c, struct span kept);
void guss_copy_close(struct guss_copy *c);

/*! One of its USSs. */
struct guss_copy_uss {
	struct span whole, bare; /* bare: without uids, and without what is not known here */
};

/*! One GSID for one NAF: of those with this id the one of the NAF's group, else the one without group (33.220 4.4.6).
 *  \param[in] naf_group may be NULL. \returns is there one? */
bool guss_copy_find(const struct guss_copy *c, struct guss_copy_uss *out, struct span gsid, const char *naf_group);

/*! ussList document for Zn. \param[out] xml malloc'ed, NUL-terminated. \param[in] bare names nobody \returns 0; -ENOMEM */
int guss_copy_list(const struct guss_copy *c, char **xml, size_t *len, const struct guss_copy_uss *uss, size_t n,
		   bool bare);
