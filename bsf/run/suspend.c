/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/suspend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char **impis;
static size_t n_impis;

/* \returns n_impis: it is not */
static size_t suspended_at(const char *impi)
{
	size_t i = 0;

	while (i < n_impis && strcmp(impis[i], impi) != 0)
		i++;
	return i;
}

int suspend_add(const char *impi)
{
	char **grown, *own;

	if (suspended_at(impi) < n_impis)
		return 0;
	if (n_impis == SUSPENDED_MAX)
		return -E2BIG;
	grown = realloc(impis, (n_impis + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	impis = grown;
	own = strdup(impi);
	if (!own)
		return -ENOMEM;
	impis[n_impis++] = own;
	return 0;
}

bool suspend_del(const char *impi)
{
	size_t at = suspended_at(impi);

	if (at == n_impis)
		return false;
	free(impis[at]);
	impis[at] = impis[--n_impis];
	return true;
}

size_t suspend_count(void)
{
	return n_impis;
}

struct name_table *suspend_table(void)
{
	struct name_table *t = name_table_new();

	for (size_t i = 0; t && i < n_impis; i++) {
		if (name_table_put(t, impis[i], impis[i]) != -ENOMEM)
			continue;
		name_table_free(t);
		return NULL;
	}
	return t;
}

void suspend_free(void)
{
	for (size_t i = 0; i < n_impis; i++)
		free(impis[i]);
	free(impis);
	impis = NULL;
	n_impis = 0;
}
