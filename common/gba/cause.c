/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/gba/cause.h"

static const struct {
	const char *name, *where, *notes;
} table[CAUSE_COUNT] = {
#define CAUSE(name, where, answer, notes) [CAUSE_##name] = { #name, where, notes },
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

const char *cause_notes(enum cause c)
{
	return (unsigned)c < CAUSE_COUNT ? table[c].notes : "?";
}
