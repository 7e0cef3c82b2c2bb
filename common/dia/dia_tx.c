/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_tx.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include "common/dia/dia_node.h"
#include "common/base/clock.h"
#include "common/base/signals.h"

/* Requests that wait for an answer, in a ring by number. The library drops some answers without a word, so nothing
 * tells when an entry is done with: it is overwritten when PENDING newer requests were sent. */
#define PENDING 131072u
#define PATIENCES \
	10 /* a request is forgotten after so many times what its sender waits: until then an answer is late */

struct sr_list;

struct pending {
	uintptr_t id; /* 0: free */
	dia_answer_fn *fn;
	void *owner;
	uint64_t txn;
	uint64_t forget_ms;
	/* where the library keeps the request, once it is sent */
	struct sr_list *list;
	uint32_t hop_by_hop;
};

struct item {
	struct msg *msg;
	uintptr_t id; /* 0: an answer of ours */
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool running, stopping;
	struct item *queue; /* ring of bound */
	size_t bound, head, n;
	struct pending *pending;
	uintptr_t last_id, swept_id; /* newest made, newest looked at by forget_old() */
} tx = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };

/* \returns false: unknown, answered before, or too old */
static bool take_pending(uintptr_t id, struct pending *out)
{
	struct pending *p;
	bool found = false;

	pthread_mutex_lock(&tx.lock);
	p = tx.pending ? &tx.pending[id % PENDING] : NULL;
	if (p && id && p->id == id) {
		*out = *p;
		p->id = 0;
		found = true;
	}
	pthread_mutex_unlock(&tx.lock);
	return found;
}

/* data is a number, so nothing can dangle however late an answer comes. */
static void dia_tx_on_answer(void *data, struct msg **answer)
{
	struct pending p;

	if (take_pending((uintptr_t)data, &p))
		p.fn(p.owner, p.txn, *answer);
	else
		fd_msg_free(*answer);
	*answer = NULL;
}

/* The library keeps a request until its answer comes or the connection ends, and looks through all of them for each answer.
 * It has a time limit, but by the wall clock: one step of that, and all that is under way would be lost. So what nobody waits
 * for any more is taken out by the same function that finds the request of an answer. */
typedef int store_fn(struct sr_list *list, struct msg **req, uint32_t *hop_by_hop, uint32_t before);

store_fn fd_p_sr_store; /* exported by libfdcore, in none of its public headers */
int fd_p_sr_fetch(struct sr_list *list, uint32_t hop_by_hop, struct msg **req);

static store_fn *library_store;

static void note_sent(uintptr_t id, struct sr_list *list, uint32_t hop_by_hop)
{
	struct pending *p;

	pthread_mutex_lock(&tx.lock);
	p = tx.pending ? &tx.pending[id % PENDING] : NULL;
	if (p && p->id == id) {
		p->list = list;
		p->hop_by_hop = hop_by_hop;
	}
	pthread_mutex_unlock(&tx.lock);
}

/* The oldest request of all, if it is to be forgotten. \returns false: none is */
static bool take_old(struct pending *out)
{
	bool found = false;

	pthread_mutex_lock(&tx.lock);
	for (; tx.pending && tx.swept_id < tx.last_id && !found; tx.swept_id++) {
		struct pending *p = &tx.pending[(tx.swept_id + 1) % PENDING];

		if (p->id != tx.swept_id + 1)
			continue; /* answered */
		if (p->forget_ms > clock_mono_ms())
			break;
		*out = *p;
		p->id = 0;
		found = true;
	}
	pthread_mutex_unlock(&tx.lock);
	return found;
}

static void forget_old(void)
{
	struct msg *m = NULL;
	struct pending p;

	while (take_old(&p))
		if (p.list && !fd_p_sr_fetch(p.list, p.hop_by_hop, &m) && m)
			fd_msg_free(m);
}

/* Takes the place of the library's in a program. */
int fd_p_sr_store(struct sr_list *list, struct msg **req, uint32_t *hop_by_hop, uint32_t before)
{
	void (*answered)(void *, struct msg **) = NULL;
	uint32_t number = *hop_by_hop;
	void *id = NULL;
	int rc;

	if (!library_store)
		return EINVAL;
	if (fd_msg_anscb_get(*req, &answered, NULL, &id) || answered != dia_tx_on_answer)
		id = NULL;
	forget_old(); /* not after: this one may be old, too, and the library still holds it */
	rc = library_store(list, req, hop_by_hop, before);
	if (rc || !id)
		return rc;
	note_sent((uintptr_t)id, list, number);
	return 0;
}

static void send_item(struct item *it)
{
	struct pending p;
	int rc;

	rc = fd_msg_send(&it->msg, it->id ? dia_tx_on_answer : NULL, it->id ? (void *)it->id : NULL);
	if (rc && it->msg && !it->id)
		dia_unsent(it->msg, "the library does not take it");
	if (rc && it->msg)
		fd_msg_free(it->msg);
	if (rc && it->id && take_pending(it->id, &p))
		p.fn(p.owner, p.txn, NULL);
}

static void *tx_thread(void *arg)
{
	struct item it;

	for (;;) {
		pthread_mutex_lock(&tx.lock);
		while (!tx.n && !tx.stopping)
			pthread_cond_wait(&tx.wake, &tx.lock);
		if (!tx.n) {
			pthread_mutex_unlock(&tx.lock);
			return NULL;
		}
		it = tx.queue[tx.head];
		tx.head = (tx.head + 1) % tx.bound;
		tx.n--;
		pthread_mutex_unlock(&tx.lock);
		send_item(&it);
	}
}

int dia_tx_start(size_t bound)
{
	sigset_t before;
	int rc;

	if (tx.running)
		return -EALREADY;
	tx.queue = calloc(bound, sizeof(*tx.queue));
	tx.pending = calloc(PENDING, sizeof(*tx.pending));
	if (!tx.queue || !tx.pending)
		goto fail;
	library_store = (store_fn *)dlsym(RTLD_NEXT, "fd_p_sr_store");
	tx.bound = bound;
	tx.stopping = false;
	tx.head = tx.n = 0;
	signals_block(&before);
	rc = pthread_create(&tx.thread, NULL, tx_thread, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		goto fail;
	tx.running = true;
	return 0;
fail:
	free(tx.queue);
	free(tx.pending);
	tx.queue = NULL;
	tx.pending = NULL;
	return -ENOMEM;
}

void dia_tx_stop(void)
{
	if (!tx.running)
		return;
	pthread_mutex_lock(&tx.lock);
	tx.stopping = true;
	pthread_cond_signal(&tx.wake);
	pthread_mutex_unlock(&tx.lock);
	pthread_join(tx.thread, NULL);
	pthread_mutex_lock(&tx.lock);
	free(tx.queue);
	free(tx.pending);
	tx.queue = NULL;
	tx.pending = NULL;
	tx.running = false;
	pthread_mutex_unlock(&tx.lock);
}

/* Under the lock. */
static int enqueue(struct msg *m, uintptr_t id)
{
	if (!tx.queue || tx.stopping || tx.n == tx.bound)
		return -EBUSY;
	tx.queue[(tx.head + tx.n) % tx.bound] = (struct item){ .msg = m, .id = id };
	tx.n++;
	return 0;
}

/* Signalled without the lock, which the thread would only wait for. */
static int unlock_and_wake(int rc)
{
	pthread_mutex_unlock(&tx.lock);
	if (!rc)
		pthread_cond_signal(&tx.wake);
	return rc;
}

int dia_tx_answer(struct msg **m)
{
	int rc;

	pthread_mutex_lock(&tx.lock);
	rc = enqueue(*m, 0);
	if (!rc)
		*m = NULL;
	unlock_and_wake(rc);
	if (rc)
		dia_unsent(*m, "too much waits to be sent");
	return rc;
}

int dia_tx_request(struct msg **m, dia_answer_fn *fn, void *owner, uint64_t txn, uint32_t patience_ms)
{
	uintptr_t id;
	int rc;

	pthread_mutex_lock(&tx.lock);
	id = tx.last_id + 1 ? tx.last_id + 1 : 1;
	rc = enqueue(*m, id);
	if (!rc) {
		tx.pending[id % PENDING] =
			(struct pending){ .id = id,
					  .fn = fn,
					  .owner = owner,
					  .txn = txn,
					  .forget_ms = clock_mono_ms() + (uint64_t)patience_ms * PATIENCES };
		tx.last_id = id;
		*m = NULL;
	}
	return unlock_and_wake(rc);
}
