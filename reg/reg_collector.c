/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_collector.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/base/clock.h"
#include "common/base/ctl_client.h"
#include "common/rt/log_cat.h"
#include "reg/reg_cfg.h"
#include "reg/reg_usage.h"

#define ANSWER_S   5
#define CURSOR_MAX 64

struct reg_collector {
	struct reg_used now; /* first: data of the order under way */
	struct reg_db *db;
	struct reg_work *writer;
	pthread_t thread;
	sem_t stop, kept;
	atomic_bool stopping;
	bool silent[REG_TARGETS_MAX]; /* the last look at it failed: said once */
	int rc;                       /* of the writer */
};

/* --- one look */

static int ask_bsf(const struct reg_target *t, const char *cursor, json_t **out, struct err *err)
{
	struct ctl_client client;
	char command[CURSOR_MAX + 8], *answer = NULL;
	int rc = ctl_client_open(&client, t->socket, ANSWER_S, err);

	if (rc < 0)
		return rc;
	snprintf(command, sizeof(command), "usage%s%s", cursor ? " " : "", cursor ? cursor : "");
	rc = ctl_client_ask(&client, command, span_of(NULL, 0), &answer, err);
	if (rc == 1)
		rc = err_set(err, -EPROTO, "%s", answer);
	else if (rc == 0)
		*out = json_loads(answer, 0, NULL);
	free(answer);
	ctl_client_close(&client);
	if (rc == 0 && !json_is_string(json_object_get(*out, "cursor")))
		rc = err_set(err, -EPROTO, "an answer without cursor");
	return rc;
}

static void answer_kept(struct reg_order *o)
{
	struct reg_collector *c = o->data;

	c->rc = o->rc;
	sem_post(&c->kept);
	reg_order_free(o);
}

static int have_it_kept(struct reg_collector *c, const struct reg_target *t, const json_t *answer)
{
	int rc;

	c->now = (struct reg_used){ .target = t->name, .answer = answer };
	rc = reg_work_tell(c->writer, reg_usage_keep, c, answer_kept);
	if (rc < 0)
		return rc;
	while (sem_wait(&c->kept) < 0)
		;
	return c->rc;
}

static void say_what_is_lost(const struct reg_target *t, const char *cursor, const json_t *answer)
{
	json_int_t lost = json_integer_value(json_object_get(answer, "lost"));

	if (cursor && !reg_usage_same_run(cursor, json_string_value(json_object_get(answer, "cursor"))))
		LOGT(DRT, LOGL_NOTICE,
		     "target %s has been started anew: who used a token between the last look and its end is not known\n",
		     t->name);
	if (lost)
		LOGT(DRT, LOGL_ERROR, "target %s: %" PRId64 " uses of tokens are lost: looked for too late\n", t->name,
		     (int64_t)lost);
}

/* \returns 1 there is more; 0; -errno and why */
static int collect_of(struct reg_collector *c, const struct reg_target *t, struct err *err)
{
	char *cursor = NULL;
	json_t *answer = NULL;
	int rc = reg_usage_cursor(c->db, &cursor, t->name);

	if (rc >= 0)
		rc = ask_bsf(t, cursor, &answer, err);
	if (rc == 0)
		rc = have_it_kept(c, t, answer);
	if (rc == 0)
		say_what_is_lost(t, cursor, answer);
	if (rc == 0)
		rc = json_is_true(json_object_get(answer, "more"));
	json_decref(answer);
	free(cursor);
	return rc;
}

/* --- again and again */

static void collect_all(struct reg_collector *c)
{
	for (size_t i = 0; i < reg_cfg.n_targets && !c->stopping; i++) {
		const struct reg_target *t = &reg_cfg.targets[i];
		struct err err = { "the database" };
		int rc = 1;

		if (t->is_hss)
			continue;
		while (rc > 0 && !c->stopping)
			rc = collect_of(c, t, &err);
		if (rc < 0 && !c->silent[i])
			LOGT(DRT, LOGL_NOTICE, "target %s: who used which token is asked for again later: %s\n",
			     t->name, err.text);
		c->silent[i] = rc < 0;
	}
}

static void *collector_main(void *arg)
{
	struct reg_collector *c = arg;

	while (!c->stopping) {
		collect_all(c);
		clock_sem_wait(&c->stop, (uint64_t)reg_cfg.usage.interval_s * 1000);
	}
	return NULL;
}

static void free_collector(struct reg_collector *c)
{
	reg_db_close(c->db);
	sem_destroy(&c->stop);
	sem_destroy(&c->kept);
	free(c);
}

struct reg_collector *reg_collector_start(struct reg_db *db, struct reg_work *writer, struct err *err)
{
	struct reg_collector *c = calloc(1, sizeof(*c));

	if (!c) {
		reg_db_close(db);
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	c->db = db;
	c->writer = writer;
	sem_init(&c->stop, 0, 0);
	sem_init(&c->kept, 0, 0);
	if (pthread_create(&c->thread, NULL, collector_main, c) == 0)
		return c;
	err_set(err, -ENOMEM, "no thread to collect usage");
	free_collector(c);
	return NULL;
}

void reg_collector_stop(struct reg_collector *c)
{
	if (!c)
		return;
	atomic_store(&c->stopping, true);
	sem_post(&c->stop);
	pthread_join(c->thread, NULL);
	free_collector(c);
}
