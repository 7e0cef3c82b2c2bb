/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/cause.h"

static const struct {
	const char *name, *where;
} table[CAUSE_COUNT] = {
#define CAUSE(name, where) [CAUSE_##name] = { #name, where },
#include "common/gba/cause_list.h"
#undef CAUSE
};

const char *cause_name(enum cause c)
{
	return (unsigned)c < CAUSE_COUNT ? table[c].name : "?";
}

const char *cause_where(enum cause c)
{
	return (unsigned)c < CAUSE_COUNT ? table[c].where : "?";
}
