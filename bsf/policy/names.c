/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/policy/names.h"

#include <errno.h>
#include <stdlib.h>

/* \returns l->n: not there */
static size_t names_at(const struct names *l, struct span name)
{
	size_t i = 0;

	while (i < l->n && !span_ieq(span_str(l->s[i]), name))
		i++;
	return i;
}

bool names_has(const struct names *l, struct span name)
{
	return names_at(l, name) < l->n;
}

int names_add(struct names *l, struct span name, size_t max)
{
	char **grown, *own;

	for (size_t i = 0; i < l->n; i++)
		if (span_eq(span_str(l->s[i]), name))
			return 0;
	if (l->n >= max)
		return -E2BIG;
	grown = realloc(l->s, (l->n + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	l->s = grown;
	own = malloc(name.len + 1);
	if (!own)
		return -ENOMEM;
	memcpy(own, name.p, name.len);
	own[name.len] = '\0';
	l->s[l->n++] = own;
	return 0;
}

int names_del(struct names *l, struct span name)
{
	size_t at = names_at(l, name);

	if (at == l->n)
		return -ENOENT;
	free(l->s[at]);
	memmove(&l->s[at], &l->s[at + 1], (--l->n - at) * sizeof(*l->s));
	return 0;
}

void names_clear(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->s[i]);
	free(l->s);
	*l = (struct names){ 0 };
}

int names_copy(struct names *out, const struct names *l)
{
	*out = (struct names){ 0 };
	if (l->n && !(out->s = calloc(l->n, sizeof(*out->s))))
		return -ENOMEM;
	for (; out->n < l->n; out->n++) {
		out->s[out->n] = strdup(l->s[out->n]);
		if (!out->s[out->n]) {
			names_clear(out);
			return -ENOMEM;
		}
	}
	return 0;
}
