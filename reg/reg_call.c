/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const int errnos[] = {
	[CTL_SYNTAX] = -EINVAL,   [CTL_INVALID] = -EINVAL, [CTL_UNKNOWN] = -ENOENT,
	[CTL_EXISTS] = -EEXIST,   [CTL_BUSY] = -EBUSY,     [CTL_FAILED] = -EIO,
	[CTL_FORBIDDEN] = -EPERM, [CTL_CHANGED] = -ESTALE, [CTL_CONFLICT] = -EPERM,
};

struct reg_order *reg_order_new(int (*work)(struct reg_order *o, struct reg_db *db), json_t *in)
{
	struct reg_order *o = calloc(1, sizeof(*o));

	if (!o) {
		json_decref(in);
		return NULL;
	}
	*o = (struct reg_order){ .work = work, .in = in, .if_match = REG_MATCH_NONE };
	return o;
}

void reg_order_free(struct reg_order *o)
{
	if (!o)
		return;
	json_decref(o->in);
	json_decref(o->answer);
	free(o);
}

int reg_refuse(struct reg_order *o, enum ctl_word word, const char *field, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->err.text, sizeof(o->err.text), fmt, ap);
	va_end(ap);
	o->word = word;
	o->field = field;
	return errnos[word];
}

const char *reg_in(const struct reg_order *o, const char *name)
{
	return json_string_value(json_object_get(o->in, name));
}
