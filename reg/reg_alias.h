/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_alias.h
 *  Names that others gave: to an application (url, ip, onem2m, gs1) and to a company (lei, cin, vat, duns). They are for
 *  finding it, never for deciding what it may. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define REG_ALIAS_MAX 255 /* characters of any of them */

enum reg_alias_of { REG_OF_APP, REG_OF_ASP };

struct reg_alias_scheme {
	const char *name;
	enum reg_alias_of of;
	/* Is it one? As it is kept, so that two ways of writing one are one, to out: REG_ALIAS_MAX + 1. */
	bool (*parse)(char *out, const char *value);
	const char *allowed;
};

/*! \returns NULL: there is no such scheme for those */
const struct reg_alias_scheme *reg_alias_scheme(const char *name, enum reg_alias_of of);

/*! \param[out] out REG_ALIAS_MAX + 1, untouched if it is none \returns NULL: it is one; else what is allowed */
const char *reg_alias_parse(char *out, const struct reg_alias_scheme *scheme, const char *value);
