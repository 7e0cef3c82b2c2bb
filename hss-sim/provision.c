/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/provision.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <osmocom/core/select.h>
#include <osmocom/core/utils.h>
#include <talloc.h>

#define ORDERS_MAX CTL_CONNECTIONS_MAX /* each connection has one in work */

struct provision {
	pthread_t thread;
	sem_t up;
	int rc; /* of the thread's start */
	struct inbox *in, *back;
	struct subscriber_db *db;
	struct subscriber_cache *cache;
	const struct subscriber_rules *rules;
	bool stopping;
};

int provision_refuse(struct provision_order *o, int rc, enum ctl_word word, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->err.text, sizeof(o->err.text), fmt, ap);
	va_end(ap);
	o->word = word;
	return rc;
}

/* On the main thread again. */
static void order_end(void *owner, struct inbox_item *item, bool stopping)
{
	struct provision_order *o = (struct provision_order *)item;

	if (!stopping && o->rc == 0 && o->touched)
		subscriber_cache_forget(o->p->cache, o->whose);
	if (o->rc < 0) {
		json_decref(o->answer);
		ctl_fail(o->q, o->word, "%s", o->err.text);
	} else {
		ctl_ok(o->q, o->answer);
	}
	free(o);
}

static int database_failed(struct provision_order *o, int rc, struct subscriber_db *db)
{
	if (o->err.text[0])
		return rc;
	return provision_refuse(o, rc, CTL_FAILED, "database: %s",
				rc == -ENOSPC ? "disk full" : subscriber_db_errmsg(db));
}

static void order_work(void *owner, struct inbox_item *item, bool stopping)
{
	struct provision *p = owner;
	struct provision_order *o = (struct provision_order *)item;

	o->rc = subscriber_db_begin(p->db);
	if (o->rc == 0) {
		o->rc = o->work(o, p->db);
		if (o->rc < 0)
			subscriber_db_rollback(p->db);
		else
			o->rc = subscriber_db_commit(p->db);
	}
	if (o->rc < 0)
		database_failed(o, o->rc, p->db);
	o->item.run = order_end;
	inbox_post_always(p->back, &o->item); /* which outlives us */
}

static void thread_stop(void *owner, struct inbox_item *item, bool stopping)
{
	struct provision *p = owner;

	p->stopping = true;
	free(item);
}

static void *provision_main(void *arg)
{
	struct provision *p = arg;

	osmo_ctx_init("provision");
	osmo_select_init();
	p->rc = inbox_attach(p->in);
	p->stopping = p->rc < 0;
	sem_post(&p->up);
	while (!p->stopping)
		osmo_select_main(0);
	inbox_close(p->in);
	talloc_free(osmo_ctx); /* of this thread, the library keeps it for ever */
	osmo_ctx = NULL;
	return NULL;
}

static void provision_free(struct provision *p)
{
	inbox_free(p->in);
	subscriber_db_close(p->db);
	sem_destroy(&p->up);
	free(p);
}

struct provision *provision_start(struct subscriber_db *db, struct inbox *back, struct subscriber_cache *cache,
				  const struct subscriber_rules *rules, struct err *err)
{
	struct provision *p = calloc(1, sizeof(*p));

	if (!p) {
		subscriber_db_close(db);
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	*p = (struct provision){ .db = db, .back = back, .cache = cache, .rules = rules };
	sem_init(&p->up, 0, 0);
	p->in = inbox_new(ORDERS_MAX, p);
	if (!p->in || pthread_create(&p->thread, NULL, provision_main, p) != 0) {
		err_set(err, -ENOMEM, "no thread for changes");
		provision_free(p);
		return NULL;
	}
	while (sem_wait(&p->up) < 0)
		;
	if (p->rc == 0)
		return p;
	err_set(err, p->rc, "the thread for changes does not start");
	pthread_join(p->thread, NULL);
	provision_free(p);
	return NULL;
}

void provision_give(struct provision *p, struct ctl_request *q,
		    int (*work)(struct provision_order *o, struct subscriber_db *db), const char *whose)
{
	struct provision_order *o = calloc(1, sizeof(*o));

	if (!o) {
		ctl_fail(q, CTL_FAILED, "no memory");
		return;
	}
	*o = (struct provision_order){ .p = p, .q = q, .work = work, .rules = p->rules, .whose = whose };
	o->item.run = order_work;
	if (inbox_post(p->in, &o->item) == 0)
		return;
	free(o);
	ctl_fail(q, CTL_BUSY, "too many orders wait");
}

void provision_stop(struct provision *p)
{
	struct inbox_item *stop;

	if (!p)
		return;
	stop = calloc(1, sizeof(*stop));
	if (!stop)
		return; /* no memory to stop with: the process ends anyway, what is durable is durable */
	stop->run = thread_stop;
	if (inbox_post_always(p->in, stop) < 0)
		free(stop);
	pthread_join(p->thread, NULL);
	provision_free(p);
}
