/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/provision.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/rt/inbox_thread.h"

#define ORDERS_MAX CTL_CONNECTIONS_MAX /* each connection has one in work */

struct provision {
	struct inbox_thread *thread;
	struct inbox *back;
	struct subscriber_db *db;
	struct subscriber_cache *cache;
	const struct subscriber_rules *rules;
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
static void tell_cache(const struct provision_order *o)
{
	if (o->rc == 0 && o->touched)
		subscriber_cache_forget(o->p->cache, o->ask.whose);
}

static void order_end(void *owner, struct inbox_item *item, bool stopping)
{
	struct provision_order *o = (struct provision_order *)item;

	if (!stopping)
		tell_cache(o);
	if (o->ask.ended) {
		if (!stopping)
			o->ask.ended(o->ask.data, o->rc);
	} else if (o->rc < 0) {
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
		o->rc = o->ask.work(o, p->db);
		if (o->rc < 0)
			subscriber_db_rollback(p->db);
		else
			o->rc = subscriber_db_commit(p->db);
	}
	if (o->rc < 0)
		database_failed(o, o->rc, p->db);
	o->item.run = order_end;
	if (o->q || o->ask.ended)
		inbox_post_always(p->back, &o->item); /* which outlives us */
	else
		sem_post(&o->done);
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
	p->thread = inbox_thread_start("changes", ORDERS_MAX, p, NULL, err);
	if (p->thread)
		return p;
	subscriber_db_close(db);
	free(p);
	return NULL;
}

static void order_make(struct provision *p, struct provision_order *o, const struct provision_ask *ask)
{
	*o = (struct provision_order){ .p = p, .ask = *ask, .q = o->q, .done = o->done, .rules = p->rules };
	o->item.run = order_work;
}

static int order_post(struct provision *p, struct provision_order *o, const struct provision_ask *ask)
{
	order_make(p, o, ask);
	return inbox_post(inbox_thread_inbox(p->thread), &o->item);
}

void provision_give(struct provision *p, struct ctl_request *q, const struct provision_ask *ask)
{
	struct provision_order *o = calloc(1, sizeof(*o));

	if (!o) {
		ctl_fail(q, CTL_FAILED, "no memory");
		return;
	}
	o->q = q;
	if (order_post(p, o, ask) == 0)
		return;
	free(o);
	ctl_fail(q, CTL_BUSY, "too many orders wait");
}

int provision_tell(struct provision *p, const struct provision_ask *ask)
{
	struct provision_order *o = calloc(1, sizeof(*o));
	int rc;

	if (!o)
		return -ENOMEM;
	order_make(p, o, ask);
	rc = inbox_post_always(inbox_thread_inbox(p->thread), &o->item);
	if (rc < 0)
		free(o);
	return rc;
}

int provision_wait(struct provision *p, const struct provision_ask *ask, json_t **answer, struct err *err)
{
	struct provision_order o = { .q = NULL };
	int rc;

	sem_init(&o.done, 0, 0);
	rc = order_post(p, &o, ask);
	if (rc < 0) {
		sem_destroy(&o.done);
		return err_set(err, rc, "too many orders wait");
	}
	while (sem_wait(&o.done) < 0)
		;
	sem_destroy(&o.done);
	tell_cache(&o);
	*answer = o.rc < 0 ? NULL : o.answer ? o.answer : json_object();
	if (o.rc < 0)
		json_decref(o.answer);
	return o.rc < 0 ? err_set(err, o.rc, "%s", o.err.text) : 0;
}

void provision_stop(struct provision *p)
{
	if (!p)
		return;
	inbox_thread_stop(p->thread);
	subscriber_db_close(p->db);
	free(p);
}
