/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/vectors/redirects.h"

#include <stdlib.h>
#include "common/base/ascii.h"
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"

#define WAYS   4 /* places a user can have */
#define ALL    8 /* SLFs that speak for all users */
#define GROUPS 64

/* Users share what they are told: SLFs name few HSSs. */
struct group {
	unsigned users; /* places that point here */
	struct zh_redirect hosts;
};

struct place {
	uint64_t key[2];   /* of SLF and IMPI */
	uint64_t until_ms; /* 0: free */
	uint8_t group;
};

struct redirects {
	uint64_t secret[2][2];
	struct place users[REDIRECTS_USERS];
	struct place all[ALL];
	struct group groups[GROUPS];
};

struct redirects *redirects_new(void)
{
	struct redirects *r = calloc(1, sizeof(*r));

	if (r && rng_fill(r->secret, sizeof(r->secret)) == 0)
		return r;
	free(r);
	return NULL;
}

void redirects_free(struct redirects *r)
{
	free(r);
}

static void key_of(const struct redirects *r, uint64_t key[2], uint32_t from, const char *impi)
{
	char text[IMPI_MAX + 1 + sizeof(from)];
	size_t len = strlen(impi);

	len = len < IMPI_MAX ? len : IMPI_MAX;
	memcpy(text, &from, sizeof(from));
	ascii_lower_copy(text + sizeof(from), impi, len);
	for (size_t i = 0; i < 2; i++)
		key[i] = keyed_hash(r->secret[i], span_of(text, sizeof(from) + len));
}

static void place_drop(struct redirects *r, struct place *p)
{
	if (p->until_ms)
		r->groups[p->group].users--;
	p->until_ms = 0;
}

/* The place of this key, or the one it may have: the one that ends first. */
static struct place *place_for(struct place *at, size_t n, const uint64_t key[2])
{
	struct place *best = at;

	for (size_t i = 0; i < n; i++) {
		if (at[i].until_ms && memcmp(at[i].key, key, sizeof(at[i].key)) == 0)
			return &at[i];
		if (at[i].until_ms < best->until_ms)
			best = &at[i];
	}
	return best;
}

static struct place *places(struct redirects *r, const char *impi, const uint64_t key[2], size_t *n)
{
	*n = impi[0] ? WAYS : ALL;
	return impi[0] ? &r->users[key[0] % (REDIRECTS_USERS / WAYS) * WAYS] : r->all;
}

static bool same_hosts(const struct zh_redirect *a, const struct zh_redirect *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcasecmp(a->hosts[i], b->hosts[i]) != 0)
			return false;
	return true;
}

/* \returns GROUPS: no more room */
static unsigned group_for(struct redirects *r, const struct zh_redirect *said)
{
	unsigned unused = GROUPS;

	for (unsigned i = 0; i < GROUPS; i++) {
		if (r->groups[i].users && same_hosts(&r->groups[i].hosts, said))
			return i;
		if (!r->groups[i].users)
			unused = i;
	}
	if (unused < GROUPS)
		r->groups[unused].hosts = *said;
	return unused;
}

void redirects_put(struct redirects *r, uint32_t from, const char *impi, const struct zh_redirect *said,
		   uint64_t now_ms)
{
	uint64_t s = said->cache_s < REDIRECTS_S_MAX ? said->cache_s : REDIRECTS_S_MAX, key[2];
	const char *whose = said->usage == ZH_REDIRECT_USER ? impi : "";
	struct place *p;
	unsigned group;
	size_t n;

	if (!s || said->usage < ZH_REDIRECT_REALM || said->usage > ZH_REDIRECT_USER)
		return; /* a run has its own session, so what holds for one is used up */
	key_of(r, key, from, whose);
	p = places(r, whose, key, &n);
	p = place_for(p, n, key);
	place_drop(r, p);
	group = group_for(r, said);
	if (group == GROUPS)
		return;
	r->groups[group].users++;
	*p = (struct place){ { key[0], key[1] }, now_ms + s * 1000, (uint8_t)group };
}

static struct place *redirects_find(struct redirects *r, uint32_t from, const char *impi)
{
	struct place *p;
	uint64_t key[2];
	size_t n;

	key_of(r, key, from, impi);
	p = places(r, impi, key, &n);
	p = place_for(p, n, key);
	return p->until_ms && memcmp(p->key, key, sizeof(key)) == 0 ? p : NULL;
}

const struct zh_redirect *redirects_get(struct redirects *r, uint32_t from, const char *impi, uint64_t now_ms)
{
	const char *const whose[] = { impi, "" };

	for (size_t i = 0; i < 2; i++) {
		struct place *p = redirects_find(r, from, whose[i]);

		if (p && now_ms < p->until_ms)
			return &r->groups[p->group].hosts;
		if (p)
			place_drop(r, p);
	}
	return NULL;
}

void redirects_forget(struct redirects *r, uint32_t from, const char *impi)
{
	const char *const whose[] = { impi, "" };

	for (size_t i = 0; r && i < 2; i++) {
		struct place *p = redirects_find(r, from, whose[i]);

		if (p) {
			place_drop(r, p);
			return;
		}
	}
}
