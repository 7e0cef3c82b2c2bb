/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/store/uses.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include "common/base/ascii.h"
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"

#define STRIPES 64 /* each with a lock; powers of two */
#define BUCKETS 1024

/* A wall clock that is put back does not make a session live whose uses were forgotten. */
#define KEEP_S 3600

struct use {
	struct use *next;
	uint8_t rand[AKA_RAND_LEN];
	uint64_t name; /* of both, hashed; names that agree by chance are counted together */
	int64_t until_s;
	uint32_t n;
};

struct stripe {
	pthread_mutex_t lock;
	struct use *of[BUCKETS];
};

struct uses {
	uint64_t key[2];
	int64_t began_ms;
	struct stripe stripe[STRIPES];
};

struct uses *uses_new(int64_t began_ms)
{
	struct uses *u = calloc(1, sizeof(*u));

	if (!u || rng_fill(u->key, sizeof(u->key)) < 0) {
		free(u);
		return NULL;
	}
	u->began_ms = began_ms;
	for (size_t i = 0; i < STRIPES; i++)
		pthread_mutex_init(&u->stripe[i].lock, NULL);
	return u;
}

static void use_drop(struct use **at)
{
	struct use *gone = *at;

	*at = gone->next;
	free(gone);
}

void uses_free(struct uses *u)
{
	for (size_t i = 0; u && i < STRIPES; i++) {
		for (size_t k = 0; k < BUCKETS; k++) {
			while (u->stripe[i].of[k])
				use_drop(&u->stripe[i].of[k]);
		}
		pthread_mutex_destroy(&u->stripe[i].lock);
	}
	free(u);
}

struct span uses_name(uint8_t *out, const struct gba_session *s, const char *naf)
{
	size_t n = strnlen(naf, FQDN_MAX);

	memcpy(out, "use", 4); /* with its NUL, which is in no name of a subscriber */
	memcpy(out + 4, s->rand, AKA_RAND_LEN);
	ascii_lower_copy(out + 4 + AKA_RAND_LEN, naf, n);
	return span_of(out, 4 + AKA_RAND_LEN + n);
}

/* Its place, NULL in it if there is none; what is over goes on the way. */
static struct use **use_find(struct use **at, uint64_t name, const uint8_t *rand, int64_t now_s)
{
	while (*at) {
		if ((*at)->until_s <= now_s)
			use_drop(at);
		else if ((*at)->name == name && memcmp((*at)->rand, rand, AKA_RAND_LEN) == 0)
			break;
		else
			at = &(*at)->next;
	}
	return at;
}

static struct use *use_new(const struct gba_session *s, uint64_t name)
{
	struct use *new = calloc(1, sizeof(*new));

	if (!new)
		return NULL;
	memcpy(new->rand, s->rand, AKA_RAND_LEN);
	new->name = name;
	new->until_s = s->expires_at + KEEP_S;
	return new;
}

static uint32_t uses_next(struct uses *u, const struct gba_session *s, const char *naf, int64_t clock_ms, int64_t now_s,
			  bool look)
{
	uint8_t buf[USES_NAME_MAX];
	uint64_t name = keyed_hash(u->key, uses_name(buf, s, naf));
	struct stripe *in = &u->stripe[name & (STRIPES - 1)];
	struct use **at;
	uint32_t n = look;

	if (s->made_ms < u->began_ms || s->made_ms > clock_ms)
		return USES_UNKNOWN;
	pthread_mutex_lock(&in->lock);
	at = use_find(&in->of[name / STRIPES & (BUCKETS - 1)], name, s->rand, now_s);
	if (!*at && !look)
		*at = use_new(s, name); /* where it was looked for: at the end */
	if (*at)
		n = (*at)->n + 1;
	if (*at && !look)
		(*at)->n = n;
	pthread_mutex_unlock(&in->lock);
	return n;
}

uint32_t uses_count(struct uses *u, const struct gba_session *s, const char *naf, int64_t clock_ms, int64_t now_s)
{
	return uses_next(u, s, naf, clock_ms, now_s, false);
}

uint32_t uses_look(struct uses *u, const struct gba_session *s, const char *naf, int64_t clock_ms, int64_t now_s)
{
	return uses_next(u, s, naf, clock_ms, now_s, true);
}
