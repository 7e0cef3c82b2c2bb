/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_door.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "common/base/sockaddr.h"
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"

#define HOSTS 4096

struct place {
	struct dia_post post; /* first */
	atomic_bool asked;
	_Atomic(struct dia_loop *) loop; /* NULL: not there yet, or not any more */
	atomic_uint n;
	void (*give)(void *owner);
	void *owner;
};

struct dia_door {
	uint64_t key[2];
	unsigned max;
	atomic_uint all, hosts[HOSTS];
	atomic_int n_places;
	struct place places[DIA_DOOR_HUBS];
	struct dia_rate rate;
};

struct dia_door *dia_door_new(unsigned all, unsigned handshakes)
{
	struct dia_door *d = calloc(1, sizeof(*d));

	if (!d || rng_fill(d->key, sizeof(d->key)) < 0 || dia_rate_init(&d->rate, handshakes) < 0) {
		free(d);
		return NULL;
	}
	d->max = all;
	return d;
}

struct dia_rate *dia_door_rate(struct dia_door *d)
{
	return &d->rate;
}

void dia_door_free(struct dia_door *d)
{
	free(d);
}

static void door_run(struct dia_post *post, bool stopping)
{
	struct place *p = (struct place *)post;

	atomic_store(&p->asked, false);
	if (!stopping && atomic_load(&p->loop))
		p->give(p->owner);
}

int dia_door_join(struct dia_door *d, struct dia_loop *loop, void (*give)(void *owner), void *owner)
{
	int no = atomic_fetch_add(&d->n_places, 1);

	if (no >= DIA_DOOR_HUBS) {
		atomic_fetch_sub(&d->n_places, 1);
		return -ENOSPC;
	}
	d->places[no].post.run = door_run;
	d->places[no].give = give;
	d->places[no].owner = owner;
	atomic_store(&d->places[no].loop, loop);
	return no;
}

void dia_door_leave(struct dia_door *d, int place)
{
	atomic_store(&d->places[place].loop, NULL);
}

unsigned dia_door_host(const struct dia_door *d, const struct sockaddr_storage *from)
{
	return keyed_hash(d->key, sockaddr_line(from)) % HOSTS;
}

void dia_door_in(struct dia_door *d, int place, unsigned host)
{
	atomic_fetch_add(&d->all, 1);
	atomic_fetch_add(&d->hosts[host], 1);
	atomic_fetch_add(&d->places[place].n, 1);
}

void dia_door_out(struct dia_door *d, int place, unsigned host)
{
	atomic_fetch_sub(&d->all, 1);
	atomic_fetch_sub(&d->hosts[host], 1);
	atomic_fetch_sub(&d->places[place].n, 1);
}

bool dia_door_over_of(const struct dia_door *d, unsigned host)
{
	return atomic_load(&d->hosts[host]) > d->max / 2;
}

bool dia_door_over(const struct dia_door *d)
{
	return atomic_load(&d->all) > d->max;
}

bool dia_door_fullest(const struct dia_door *d, int place)
{
	unsigned here = atomic_load(&d->places[place].n);

	for (int i = 0; i < DIA_DOOR_HUBS; i++)
		if (atomic_load(&d->places[i].n) > here)
			return false;
	return true;
}

void dia_door_ask(struct dia_door *d, int place)
{
	for (int i = 0; i < DIA_DOOR_HUBS; i++) {
		struct place *p = &d->places[i];
		struct dia_loop *loop = i == place ? NULL : atomic_load(&p->loop);

		if (loop && atomic_load(&p->n) && !atomic_exchange(&p->asked, true))
			dia_loop_post(loop, &p->post);
	}
}
