/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file marks.c
 *  The set of revocation marks: a table with open addressing, behind a lock that readers share. */
#include "bsf/store/marks.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/ascii.h"

#define ROOM_MIN      64
#define MARK_NAME_CAP (BTID_MAX + 1) /* with its kind */
#define SPARE_PART    8              /* forgetting one is worth a walk over so many */

struct marks {
	size_t max;
	/* so that a set without marks costs a reader nothing more */
	_Atomic size_t of_kind[MARK_ALL + 1];
	_Atomic int64_t all_at_ms; /* of the marks for all sessions; 0: none */
	pthread_rwlock_t lock;     /* of what follows */
	struct seal_kek keys[SEAL_KEKS_MAX];
	size_t n_keys;
	struct mark *table; /* kind 0: free */
	size_t room, used;
};

struct marks *marks_new(const struct seal_kek *keys, size_t n, size_t max)
{
	struct marks *m = calloc(1, sizeof(*m));
	pthread_rwlockattr_t attr;

	if (m)
		m->table = calloc(ROOM_MIN, sizeof(*m->table));
	if (!m || !m->table) {
		free(m);
		return NULL;
	}
	for (; m->n_keys < n; m->n_keys++)
		m->keys[m->n_keys] = keys[m->n_keys];
	m->max = max;
	m->room = ROOM_MIN;
	pthread_rwlockattr_init(&attr);
	/* many ask all the time, and what is revoked shall not wait for them */
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&m->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	return m;
}

void marks_free(struct marks *m)
{
	if (!m)
		return;
	pthread_rwlock_destroy(&m->lock);
	explicit_bzero(m->keys, sizeof(m->keys));
	free(m->table);
	free(m);
}

static int tag_of(struct mark *out, const struct seal_kek *key, enum mark_kind kind, struct span name)
{
	uint8_t text[MARK_NAME_CAP] = { (uint8_t)kind }, mac[32];

	*out = (struct mark){ .kind = (uint8_t)kind, .key = key->id };
	if (name.len > sizeof(text) - 1)
		name.len = sizeof(text) - 1;
	memcpy(text + 1, name.p, name.len);
	if (seal_index(mac, &key->key, span_of(text, name.len + 1)) < 0)
		return -EIO;
	memcpy(out->tag, mac, sizeof(out->tag));
	return 0;
}

/* By the key that hashes new names. */
static int named(struct marks *m, struct mark *out, enum mark_kind kind, struct span name)
{
	int rc = -ENOTCONN;

	pthread_rwlock_rdlock(&m->lock);
	if (m->n_keys)
		rc = tag_of(out, &m->keys[0], kind, name);
	pthread_rwlock_unlock(&m->lock);
	return rc;
}

/* RAND || name in lower case. \returns of how many octets */
static size_t btid_name(uint8_t out[MARK_NAME_CAP], const uint8_t rand[BTID_RAND_LEN], const char *domain)
{
	size_t n = strlen(domain);

	memcpy(out, rand, BTID_RAND_LEN);
	ascii_lower_copy((char *)out + BTID_RAND_LEN, domain, n);
	return BTID_RAND_LEN + n;
}

static struct span fqdn_name(char out[MARK_NAME_CAP], const char *fqdn)
{
	size_t n = strnlen(fqdn, MARK_NAME_CAP - 1);

	ascii_lower_copy(out, fqdn, n);
	return span_of(out, n);
}

int marks_of_btid(struct marks *m, struct mark *out, const struct btid *id)
{
	uint8_t name[MARK_NAME_CAP];

	return named(m, out, MARK_BTID, span_of(name, btid_name(name, id->rand, id->domain)));
}

int marks_of_impi(struct marks *m, struct mark *out, const char *impi)
{
	struct impi key;

	impi_key(&key, impi);
	return named(m, out, MARK_IMPI, span_str(key.s));
}

int marks_of_naf(struct marks *m, struct mark *out, const char *fqdn)
{
	char name[MARK_NAME_CAP];

	return named(m, out, MARK_NAF, fqdn_name(name, fqdn));
}

void marks_of_all(struct mark *out)
{
	*out = (struct mark){ .kind = MARK_ALL };
}

static bool same_name(const struct mark *a, const struct mark *b)
{
	return a->kind == b->kind && a->key == b->key && !memcmp(a->tag, b->tag, MARK_TAG_LEN);
}

/* Where it is, or a free place; there always is one. */
static struct mark *mark_place(struct mark *table, size_t room, const struct mark *mark)
{
	size_t at = be64_get(mark->tag) % room;

	while (table[at].kind && !same_name(&table[at], mark))
		at = (at + 1) % room;
	return &table[at];
}

/* All that were not over by now_ms, in a table with this room. \returns false: no memory, all is as it was */
static bool rebuild(struct marks *m, size_t room, int64_t now_ms)
{
	struct mark *table = calloc(room, sizeof(*table));

	if (!table)
		return false;
	for (size_t i = 0; i < m->room; i++)
		if (m->table[i].kind && m->table[i].until_ms > now_ms)
			*mark_place(table, room, &m->table[i]) = m->table[i];
	free(m->table);
	m->table = table;
	m->room = room;
	return true;
}

static bool key_known(const struct marks *m, const struct mark *mark)
{
	for (size_t i = 0; i < m->n_keys; i++)
		if (m->keys[i].id == mark->key)
			return true;
	return false;
}

static bool for_all(const struct marks *m, const struct mark *mark)
{
	return mark->kind == MARK_ALL || !key_known(m, mark);
}

/* It is in the table: what readers look at first. */
static void counted(struct marks *m, const struct mark *mark, bool new)
{
	m->used += new;
	atomic_fetch_add(&m->of_kind[mark->kind], new);
	if (for_all(m, mark) && mark->at_ms > atomic_load(&m->all_at_ms))
		atomic_store(&m->all_at_ms, mark->at_ms);
}

/* \param[in] p where it is, or would be */
static int merge(const struct marks *m, const struct mark *p, struct mark *mark)
{
	bool later = !p->kind || mark->at_ms > p->at_ms || mark->until_ms > p->until_ms;

	if (!p->kind)
		return mark->kind == MARK_ALL || m->used < m->max ? 0 : -ENOSPC;
	if (p->at_ms > mark->at_ms)
		mark->at_ms = p->at_ms;
	if (p->until_ms > mark->until_ms)
		mark->until_ms = p->until_ms;
	return later ? 0 : -EALREADY;
}

int marks_would(struct marks *m, struct mark *mark)
{
	int rc;

	pthread_rwlock_rdlock(&m->lock);
	rc = merge(m, mark_place(m->table, m->room, mark), mark);
	pthread_rwlock_unlock(&m->lock);
	return rc;
}

static int marks_take(struct marks *m, struct mark *mark)
{
	struct mark *p = mark_place(m->table, m->room, mark);
	bool new = !p->kind;
	int rc = merge(m, p, mark);

	if (rc < 0)
		return rc;
	if (new && (m->used + 1) * 2 > m->room) {
		if (!rebuild(m, m->room * 2, INT64_MIN))
			return -ENOSPC;
		p = mark_place(m->table, m->room, mark);
	}
	*p = *mark;
	counted(m, p, new);
	return 0;
}

int marks_add(struct marks *m, struct mark *mark)
{
	int rc;

	pthread_rwlock_wrlock(&m->lock);
	rc = mark->kind < MARK_BTID || mark->kind > MARK_ALL ? -EALREADY : marks_take(m, mark);
	pthread_rwlock_unlock(&m->lock);
	return rc;
}

/* Is there one of this name, at or after made_ms? */
static bool fits(struct marks *m, enum mark_kind kind, struct span name, int64_t made_ms)
{
	bool fit = false;

	pthread_rwlock_rdlock(&m->lock);
	for (size_t i = 0; i < m->n_keys && !fit; i++) {
		struct mark mark, *p;

		fit = tag_of(&mark, &m->keys[i], kind, name) < 0; /* nobody can tell */
		p = mark_place(m->table, m->room, &mark);
		fit = fit || (p->kind && p->at_ms >= made_ms);
	}
	pthread_rwlock_unlock(&m->lock);
	return fit;
}

bool marks_fit(struct marks *m, const struct gba_session *s)
{
	int64_t all_ms = atomic_load(&m->all_at_ms);
	uint8_t name[MARK_NAME_CAP];
	struct impi key;

	if (all_ms && all_ms >= s->made_ms)
		return true;
	if (atomic_load(&m->of_kind[MARK_BTID]) &&
	    fits(m, MARK_BTID, span_of(name, btid_name(name, s->rand, s->bsf_name)), INT64_MIN))
		return true;
	if (!atomic_load(&m->of_kind[MARK_IMPI]))
		return false;
	impi_key(&key, s->impi.s);
	return fits(m, MARK_IMPI, span_str(key.s), s->made_ms);
}

bool marks_fit_naf(struct marks *m, const char *fqdn, int64_t made_ms)
{
	char name[MARK_NAME_CAP];

	return atomic_load(&m->of_kind[MARK_NAF]) && fits(m, MARK_NAF, fqdn_name(name, fqdn), made_ms);
}

size_t marks_each(struct marks *m, size_t from, bool (*fn)(void *owner, const struct mark *mark), void *owner)
{
	size_t behind = 0;

	pthread_rwlock_rdlock(&m->lock);
	for (size_t i = from; i < m->room && !behind; i++)
		if (m->table[i].kind && !fn(owner, &m->table[i]))
			behind = i + 1;
	pthread_rwlock_unlock(&m->lock);
	return behind;
}

/* What is counted of those that are left. */
static void recount(struct marks *m)
{
	size_t of_kind[MARK_ALL + 1] = { 0 };
	int64_t all_ms = 0;

	m->used = 0;
	for (size_t i = 0; i < m->room; i++) {
		const struct mark *p = &m->table[i];

		if (!p->kind)
			continue;
		m->used++;
		of_kind[p->kind]++;
		if (for_all(m, p) && p->at_ms > all_ms)
			all_ms = p->at_ms;
	}
	for (size_t i = 0; i <= MARK_ALL; i++)
		atomic_store(&m->of_kind[i], of_kind[i]);
	atomic_store(&m->all_at_ms, all_ms);
}

void marks_learn(struct marks *m, const struct secret *key)
{
	struct seal_kek k = { .key = *key };
	uint8_t mac[32];

	if (seal_index(mac, key, span_str("gba marks 1")) < 0)
		return;
	k.id = mac[0];
	pthread_rwlock_wrlock(&m->lock);
	if (!m->n_keys || !secret_equal(&m->keys[0].key, key)) {
		m->n_keys = m->n_keys < SEAL_KEKS_MAX ? m->n_keys + 1 : SEAL_KEKS_MAX;
		memmove(&m->keys[1], &m->keys[0], (m->n_keys - 1) * sizeof(k));
		m->keys[0] = k;
		recount(m);
	}
	pthread_rwlock_unlock(&m->lock);
	secret_clear(&k.key);
}

size_t marks_expire(struct marks *m, int64_t now_ms)
{
	size_t over = 0;

	pthread_rwlock_wrlock(&m->lock);
	for (size_t i = 0; i < m->room; i++)
		over += m->table[i].kind && m->table[i].until_ms <= now_ms;
	if (over * SPARE_PART < m->used || !over || !rebuild(m, m->room, now_ms))
		over = 0;
	else
		recount(m);
	pthread_rwlock_unlock(&m->lock);
	return over;
}

void marks_figures(struct marks *m, struct marks_figures *out)
{
	*out = (struct marks_figures){ 0 };
	if (!m)
		return;
	pthread_rwlock_rdlock(&m->lock);
	*out = (struct marks_figures){ .marks = m->used, .max = m->max, .octets = m->room * sizeof(*m->table) };
	pthread_rwlock_unlock(&m->lock);
}
