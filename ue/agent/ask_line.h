/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ask_line.h
 *  What a program asks the agent: one line of words. Pure.
 *
 *      key HOST|URI [ua HEX] [app usim|isim] [label LABEL] [impi IMPI] [force] [refused BTID]
 *      list | watch | renew | use REALM | drop REALM [tmpi] */
#pragma once

#include <gba/ue.h>
#include "common/base/err.h"
#include "common/gba/impi.h"
#include "common/gba/naf_id.h"

#define ASK_LINE_MAX 2048 /* octets, with the line end */

enum ask_verb { ASK_KEY, ASK_LIST, ASK_RENEW, ASK_USE, ASK_DROP, ASK_WATCH };

struct ask_line {
	enum ask_verb verb;
	struct naf_id naf; /* of key */
	enum gba_ue_app app;
	char label[33], impi[IMPI_MAX + 1]; /* of one application; "" not told */
	bool force, tmpi;
	char refused[256]; /* "" not told */
	char realm[GBA_UE_REALM_MAX + 1];
};

/*! \param[in,out] line NUL-terminated, attacker-controlled, without line end; cut into words
 *  \returns 0; -EINVAL and what is allowed. out is untouched on error */
int ask_line_parse(struct ask_line *out, char *line, struct err *err);
