/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/slf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DIGITS_MAX 15

static const char *const usages[] = {
	[ZH_REDIRECT_ONCE] = "dont-cache",
	[ZH_REDIRECT_SESSION] = "all-session",
	[ZH_REDIRECT_REALM] = "all-realm",
	[ZH_REDIRECT_REALM_APPLICATION] = "realm-and-application",
	[ZH_REDIRECT_APPLICATION] = "all-application",
	[ZH_REDIRECT_HOST] = "all-host",
	[ZH_REDIRECT_USER] = "all-user",
};

#define USAGES (sizeof(usages) / sizeof(usages[0]))

const char *slf_usage_name(uint32_t usage)
{
	return usage < USAGES ? usages[usage] : NULL;
}

int slf_usage_find(const char *name)
{
	for (size_t i = 0; i < USAGES; i++)
		if (strcmp(usages[i], name) == 0)
			return (int)i;
	return -ENOENT;
}

/* FROM-TO: \returns digits of each; 0: it is no range */
static size_t range_digits(const char *who)
{
	size_t n = strspn(who, "0123456789");

	return n && n <= DIGITS_MAX && who[n] == '-' && strspn(who + n + 1, "0123456789") == n && !who[2 * n + 1] ? n
														  : 0;
}

bool slf_who_valid(const char *who)
{
	size_t n = range_digits(who);
	struct impi impi;

	if (strcmp(who, SLF_ALL) == 0 || impi_parse(&impi, (const uint8_t *)who, strlen(who)) == 0)
		return true;
	return n && strncmp(who, who + n + 1, n) <= 0;
}

static bool in_range(const char *who, const char *impi)
{
	size_t n = range_digits(who);

	return n && strspn(impi, "0123456789") == n && impi[n] == '@' && strncmp(who, impi, n) <= 0 &&
	       strncmp(impi, who + n + 1, n) <= 0;
}

static bool same_who(const char *a, const char *b)
{
	return strchr(a, '@') ? impi_same(a, b) : strcmp(a, b) == 0;
}

int slf_add(struct slf *s, const char *who, const char *host)
{
	size_t hosts = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (!same_who(s->e[i].who, who))
			continue;
		if (strcasecmp(s->e[i].host, host) == 0)
			return -EEXIST;
		hosts++;
	}
	if (hosts == ZH_REDIRECT_HOSTS)
		return -E2BIG;
	if (s->n == SLF_MAX)
		return -ENOSPC;
	snprintf(s->e[s->n].who, sizeof(s->e[s->n].who), "%s", who);
	snprintf(s->e[s->n].host, sizeof(s->e[s->n].host), "%s", host);
	s->n++;
	return 0;
}

size_t slf_del(struct slf *s, const char *who)
{
	size_t kept = 0, n = s->n;

	for (size_t i = 0; i < n; i++)
		if (!same_who(s->e[i].who, who))
			s->e[kept++] = s->e[i];
	s->n = kept;
	return n - kept;
}

/* How close an entry is to this one; 0: it is not about it. */
static int closeness(const struct slf_entry *e, const char *impi)
{
	if (strcmp(e->who, SLF_ALL) == 0)
		return 1;
	if (in_range(e->who, impi))
		return 2;
	return strchr(e->who, '@') && impi_same(e->who, impi) ? 3 : 0;
}

bool slf_find(struct zh_redirect *out, const struct slf *s, const char *impi)
{
	const struct slf_entry *best = NULL;
	int most = 0;

	for (size_t i = 0; i < s->n; i++) {
		int c = closeness(&s->e[i], impi);

		if (c > most) {
			most = c;
			best = &s->e[i];
		}
	}
	if (!best)
		return false;
	*out = (struct zh_redirect){ .usage = s->usage, .cache_s = s->cache_s };
	for (size_t i = 0; i < s->n && out->n < ZH_REDIRECT_HOSTS; i++)
		if (same_who(s->e[i].who, best->who))
			strcpy(out->hosts[out->n++], s->e[i].host);
	return true;
}
