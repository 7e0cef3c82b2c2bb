/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/suspend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/gba/impi.h"

static char **impis; /* as impi_key() has them */
static size_t n_impis;

/* \returns n_impis: it is not */
static size_t suspended_at(const struct impi *key)
{
	size_t i = 0;

	while (i < n_impis && strcmp(impis[i], key->s) != 0)
		i++;
	return i;
}

int suspend_add(const char *impi)
{
	char **grown, *own;
	struct impi key;

	impi_key(&key, impi);
	if (suspended_at(&key) < n_impis)
		return 0;
	if (n_impis == SUSPENDED_MAX)
		return -E2BIG;
	grown = realloc(impis, (n_impis + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	impis = grown;
	own = strdup(key.s);
	if (!own)
		return -ENOMEM;
	impis[n_impis++] = own;
	return 0;
}

bool suspend_del(const char *impi)
{
	struct impi key;
	size_t at;

	impi_key(&key, impi);
	at = suspended_at(&key);
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
	return name_table_of(impis, n_impis, true);
}

void suspend_free(void)
{
	for (size_t i = 0; i < n_impis; i++)
		free(impis[i]);
	free(impis);
	impis = NULL;
	n_impis = 0;
}
