/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_fake.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/crypto.h>

#include "naf-lib/naf_fork.h"
#include "naf-lib/naf_sized.h"

struct known {
	struct known *next;
	char btid[BTID_MAX + 1];
	struct gba_naf_key key;
};

struct gba_naf_fake {
	_Atomic uint64_t holder; /* the process whose thread is within; 0: nobody */
	struct known *first;
	enum gba_naf_fake_mood mood;
	unsigned asked;
};

/*! A lock that a child does not find held: who has it is another process then. The list is whole at any moment. */
static void fake_enter(struct gba_naf_fake *f)
{
	uint64_t us = naf_fork_process(), holder = 0;

	while (!atomic_compare_exchange_weak(&f->holder, &holder, us))
		if (holder == us) {
			sched_yield();
			holder = 0;
		}
}

static void fake_leave(struct gba_naf_fake *f)
{
	atomic_store(&f->holder, 0);
}

struct gba_naf_fake *gba_naf_fake_new(void)
{
	struct gba_naf_fake *f = naf_fork_init() < 0 ? NULL : calloc(1, sizeof(*f));

	return f;
}

static void known_free(struct known *k)
{
	naf_key_clear(&k->key);
	free(k);
}

void gba_naf_fake_free(struct gba_naf_fake *f)
{
	if (!f)
		return;
	for (struct known *k = f->first, *next; k; k = next) {
		next = k->next;
		known_free(k);
	}
	free(f);
}

/*! Where it hangs, or would. Under the lock. */
static struct known **naf_fake_find(struct gba_naf_fake *f, const char *btid)
{
	struct known **at = &f->first;

	while (*at && strcmp((*at)->btid, btid) != 0)
		at = &(*at)->next;
	return at;
}

int gba_naf_fake_remove(struct gba_naf_fake *f, const char *btid)
{
	struct known **at, *k;

	if (!f || !btid)
		return -EINVAL;
	fake_enter(f);
	at = naf_fake_find(f, btid);
	k = *at;
	if (k)
		*at = k->next;
	fake_leave(f);
	if (!k)
		return -ENOENT;
	known_free(k);
	return 0;
}

static struct known *known_new(const char *btid, const struct gba_naf_key *key)
{
	struct known *k = calloc(1, sizeof(*k));

	if (!k || naf_key_copy(&k->key, key) < 0) {
		free(k);
		return NULL;
	}
	memcpy(k->btid, btid, strlen(btid) + 1);
	k->key.size = 0; /* a BSF does not know our structs */
	return k;
}

int gba_naf_fake_add(struct gba_naf_fake *f, const char *btid, const struct gba_naf_key *key)
{
	struct gba_naf_key known;
	struct btid parsed;
	struct known *k;
	int rc;

	if (!f || !btid || btid_parse(&parsed, (const uint8_t *)btid, strlen(btid)) < 0)
		return -EINVAL;
	rc = naf_sized_read(&known, sizeof(known), key, NAF_SIZED_TO(struct gba_naf_key, uss_list_len));
	if (rc < 0)
		return rc;
	k = known_new(btid, &known);
	OPENSSL_cleanse(&known, sizeof(known)); /* its uss_list is the caller's */
	if (!k)
		return -ENOMEM;
	gba_naf_fake_remove(f, btid);
	fake_enter(f);
	k->next = f->first;
	f->first = k;
	fake_leave(f);
	return 0;
}

void gba_naf_fake_set(struct gba_naf_fake *f, enum gba_naf_fake_mood mood)
{
	if (!f)
		return;
	fake_enter(f);
	f->mood = mood;
	fake_leave(f);
}

unsigned gba_naf_fake_asked(struct gba_naf_fake *f)
{
	unsigned n;

	if (!f)
		return 0;
	fake_enter(f);
	n = f->asked;
	fake_leave(f);
	return n;
}

/*! As a BSF: what is over is unknown. Under the lock. */
static int look_up(struct gba_naf_fake *f, const char *btid, struct gba_naf_key *out)
{
	struct known *k = *naf_fake_find(f, btid);
	int rc = !k || k->key.expires_at <= time(NULL) ? -ENOENT : naf_key_copy(out, &k->key);

	if (rc == 0 && !out->created_at)
		out->created_at = NAF_TIME_NONE;
	return rc;
}

static int naf_fake_start(void *self, const struct naf_question *q)
{
	struct gba_naf_fake *f = self;
	struct gba_naf_key key = { 0 };
	enum gba_naf_fake_mood mood;
	int rc = 0;

	fake_enter(f);
	mood = f->mood;
	if (mood != GBA_NAF_FAKE_DOWN)
		f->asked++;
	if (mood == GBA_NAF_FAKE_NORMAL)
		rc = look_up(f, q->btid, &key);
	fake_leave(f);
	if (mood == GBA_NAF_FAKE_DOWN)
		return -EHOSTDOWN;
	if (mood == GBA_NAF_FAKE_REFUSE)
		rc = -EPERM;
	else if (mood == GBA_NAF_FAKE_BROKEN)
		rc = -EPROTO;
	if (mood != GBA_NAF_FAKE_SILENT)
		naf_zn_answer(q->zn, q->txn, rc, rc == 0 ? &key : NULL);
	return 0;
}

static bool connected(void *self)
{
	struct gba_naf_fake *f = self;
	bool yes;

	fake_enter(f);
	yes = f->mood != GBA_NAF_FAKE_DOWN;
	fake_leave(f);
	return yes;
}

static void close_nothing(void *self, struct naf_zn *zn)
{
}

void naf_fake_transport(struct gba_naf_fake *fake, struct naf_transport *out)
{
	*out = (struct naf_transport){
		.start = naf_fake_start, .connected = connected, .close = close_nothing, .self = fake
	};
}
