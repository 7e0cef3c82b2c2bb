/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/naf_load.h"

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <osmocom/core/timer.h>
#include "bsf/run/cfg.h"
#include "bsf/run/withdrawn.h"
#include "common/base/clock.h"
#include "common/rt/cfg_file.h"
#include "common/rt/daemon.h"
#include "common/rt/inbox_thread.h"
#include "common/rt/log_cat.h"

#define WAIT_S     30   /* of who types */
#define WAIT_STEP  20   /* ms */
#define SWEEP_MS   500  /* until former tables can go */
#define LINES_MAX  20   /* of the log, for one reading */
#define ORDERS_MAX 1024 /* in the inboxes */

struct naf_load_state naf_load;

static struct {
	struct inbox_thread *thread;
	struct inbox *back;
	bool reading, again;
	struct ctl_request *waiting[CTL_CONNECTIONS_MAX]; /* each connection has one in work */
	size_t n_waiting, n_of_this; /* of these so many asked before the reading that is going on began */
	struct osmo_timer_list every, sweep;
	uint64_t done; /* readings */
	sem_t came;    /* one is in the inbox: for who waits there without the loop */
} loader;

/* One reading, on its way to the thread and back. */
struct reading {
	struct inbox_item item; /* first */
	char *path;
	struct naf_dir *former, *out;
	int rc;
	struct err err;
};

static void reading_free(struct reading *r)
{
	naf_dir_drop(r->former);
	naf_dir_drop(r->out);
	free(r->path);
	free(r);
}

/* --- what came of it */

/* What was not so before. */
static void say_problems(const struct policy *now, const struct policy *before)
{
	size_t said = 0, more = 0;

	for (size_t i = 0; i < now->problems.n; i++) {
		if (before && names_has(&before->problems, span_str(now->problems.s[i])))
			continue;
		if (said++ < LINES_MAX)
			LOGT(DCFG, LOGL_NOTICE, "policy: %s\n", now->problems.s[i]);
		else
			more++;
	}
	if (more)
		LOGT(DCFG, LOGL_NOTICE, "policy: and %zu more; show policy\n", more);
}

static void say_read(const struct naf_dir *d)
{
	LOGT(DCFG, LOGL_NOTICE,
	     "policy: %zu files are good, %zu bad, %zu have vanished, %zu are ignored; %zu read in %u ms\n",
	     d->in_state[NAF_FILE_GOOD], d->in_state[NAF_FILE_BAD], d->in_state[NAF_FILE_GONE],
	     d->in_state[NAF_FILE_IGNORED], d->read, d->took_ms);
}

static void on_sweep(void *unused)
{
	if (policy_sweep())
		osmo_timer_schedule(&loader.sweep, SWEEP_MS / 1000, SWEEP_MS % 1000 * 1000);
}

/* Who watches is told of each that was admitted and is not any more. */
static void say_withdrawn(const struct naf_dir *d, const struct naf_dir *former)
{
	for (size_t i = 0; former && ctl_watched() && i < former->n; i++) {
		const struct naf_file *was = former->files[i], *is = naf_dir_find(d, was->name);

		if (was->state == NAF_FILE_GOOD && (!is || is->state != NAF_FILE_GOOD))
			withdrawn_naf(was->naf.identity);
	}
}

/* \param[in] d held, taken \returns 0; -ENOMEM: the former stays */
static int use(struct naf_dir *d)
{
	struct naf_dir *former = naf_load.dir;
	bool same = naf_dir_same(d, former);
	int rc = 0;

	naf_load.dir = d;
	if (!same)
		rc = naf_cfg_publish_saying(bsf_cfg, say_problems);
	if (rc < 0) {
		naf_load.dir = former;
		naf_dir_drop(d);
		return rc;
	}
	say_withdrawn(d, former);
	naf_dir_drop(former);
	if (!same)
		say_read(d);
	osmo_timer_schedule(&loader.sweep, SWEEP_MS / 1000, SWEEP_MS % 1000 * 1000);
	return 0;
}

static void say_failed(const char *why)
{
	if (strcmp(naf_load.failed, why) != 0)
		LOGT(DCFG, LOGL_ERROR, "policy: not read, the former table stays: %s\n", why);
	snprintf(naf_load.failed, sizeof(naf_load.failed), "%s", why);
}

static void answer_one(struct ctl_request *q)
{
	if (naf_load.failed[0])
		ctl_fail(q, CTL_FAILED, "not read, the former table stays: %s", naf_load.failed);
	else
		ctl_ok(q, naf_load_json(false));
}

/* Those who asked before it began. */
static void answer_all(void)
{
	struct ctl_request *of_this[CTL_CONNECTIONS_MAX];
	size_t n = loader.n_of_this;

	memcpy(of_this, loader.waiting, n * sizeof(of_this[0]));
	loader.n_waiting -= n;
	memmove(loader.waiting, loader.waiting + n, loader.n_waiting * sizeof(of_this[0]));
	loader.n_of_this = 0;
	for (size_t i = 0; i < n; i++)
		answer_one(of_this[i]);
}

static int begin_reading(void);

static void take_result(struct reading *r)
{
	int rc = r->rc;

	/* another directory was written meanwhile: of this one nothing counts */
	if (!naf_load.path || strcmp(naf_load.path, r->path) != 0)
		return;
	if (rc == 0) {
		rc = use(r->out);
		r->out = NULL;
		err_set(&r->err, rc, "no memory");
	}
	if (rc < 0)
		say_failed(r->err.text);
	else
		naf_load.failed[0] = '\0';
}

static void on_read(void *owner, struct inbox_item *item, bool stopping)
{
	struct reading *r = (struct reading *)item;

	loader.reading = false;
	loader.done++;
	if (!stopping)
		take_result(r);
	reading_free(r);
	if (stopping)
		return;
	answer_all();
	if (loader.again && begin_reading() < 0)
		answer_all();
}

/* --- a reading */

static void run_reading(void *owner, struct inbox_item *item, bool stopping)
{
	struct reading *r = (struct reading *)item;

	r->rc = stopping ? -ESHUTDOWN : naf_dir_read(&r->out, r->path, r->former, &r->err);
	r->item.run = on_read;
	if (inbox_post_always(loader.back, &r->item) < 0)
		reading_free(r);
	sem_post(&loader.came);
}

static struct reading *reading_new(void)
{
	struct reading *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->item.run = run_reading;
	r->path = strdup(naf_load.path);
	if (naf_load.dir && strcmp(naf_load.dir->path, naf_load.path) == 0)
		r->former = naf_dir_hold(naf_load.dir);
	if (r->path)
		return r;
	reading_free(r);
	return NULL;
}

/* \returns 0: it goes on; -errno */
static int begin_reading(void)
{
	struct reading *r = naf_load.path && loader.thread ? reading_new() : NULL;

	loader.again = false;
	loader.n_of_this = loader.n_waiting;
	if (!r || inbox_post_always(inbox_thread_inbox(loader.thread), &r->item) < 0) {
		if (r)
			reading_free(r);
		say_failed(naf_load.path ? "no memory"
					 : "there is no policy directory; allowed: policy directory PATH");
		return -ENOMEM;
	}
	loader.reading = true;
	return 0;
}

/* What has changed since the one that goes on began is not in it for sure, so there is another one behind it. */
static int ask_for_one(void)
{
	if (!loader.reading)
		return begin_reading();
	loader.again = true;
	return 0;
}

void naf_load_soon(void)
{
	if (naf_load.path)
		(void)ask_for_one();
}

void naf_load_for(struct ctl_request *q)
{
	if (loader.n_waiting == CTL_CONNECTIONS_MAX) {
		ctl_fail(q, CTL_BUSY, "too many wait for it");
		return;
	}
	loader.waiting[loader.n_waiting++] = q;
	if (ask_for_one() < 0)
		answer_all();
}

int naf_load_now(struct err *err)
{
	uint64_t end = clock_mono_ms() + WAIT_S * 1000, want = loader.done + 1 + loader.reading;

	if (ask_for_one() < 0)
		return err_set(err, -ENOMEM, "%s", naf_load.failed);
	while (loader.done < want && clock_mono_ms() < end) {
		if (clock_sem_wait(&loader.came, WAIT_STEP))
			inbox_run(loader.back);
		log_relay_run();
	}
	if (loader.done < want)
		return err_set(err, -ETIMEDOUT, "it takes longer than %d s, and goes on; show policy", WAIT_S);
	return naf_load.failed[0] ? err_set(err, -EIO, "%s", naf_load.failed) : 0;
}

/* --- start and end */

int naf_load_first(struct err *err)
{
	struct err why;
	int rc;

	if (!naf_load.path)
		return 0;
	rc = naf_dir_read(&naf_load.dir, naf_load.path, NULL, &why);
	return rc < 0 ? cfg_error(err, rc, naf_load.line, "policy directory: %s", why.text) : 0;
}

void naf_load_remarks(void)
{
	struct policy *p = naf_load.dir ? naf_cfg_policy(bsf_cfg) : NULL;

	for (size_t i = 0; p && i < p->problems.n && i < LINES_MAX; i++)
		rt_fatal("policy: %s", p->problems.s[i]);
	if (p && p->n_problems > LINES_MAX)
		rt_fatal("policy: and %zu more", p->n_problems - LINES_MAX);
	policy_free(p);
}

static void on_every(void *unused)
{
	naf_load_soon();
	naf_load_every();
}

void naf_load_every(void)
{
	osmo_timer_del(&loader.every);
	if (naf_load.every_s && loader.thread)
		osmo_timer_schedule(&loader.every, (int)naf_load.every_s, 0);
}

int naf_load_begin(void *ctx, struct err *err)
{
	const struct policy *now = policy_current();

	if (naf_load.dir) {
		say_problems(now, NULL);
		say_read(naf_load.dir);
	}
	sem_init(&loader.came, 0, 0);
	loader.back = inbox_new(ORDERS_MAX, NULL);
	if (!loader.back || inbox_attach(loader.back) < 0)
		return err_set(err, -ENOMEM, "no memory or descriptors for the policy directory");
	loader.thread = inbox_thread_start("policy", ORDERS_MAX, NULL, NULL, err);
	if (!loader.thread)
		return -EAGAIN;
	osmo_timer_setup(&loader.every, on_every, NULL);
	osmo_timer_setup(&loader.sweep, on_sweep, NULL);
	rt_on_hangup(naf_load_soon);
	naf_load_every();
	return 0;
}

void naf_load_end(void)
{
	osmo_timer_del(&loader.every);
	osmo_timer_del(&loader.sweep);
	inbox_thread_stop(loader.thread);
	loader.thread = NULL;
	while (loader.n_waiting)
		ctl_fail(loader.waiting[--loader.n_waiting], CTL_BUSY, "the daemon ends");
	inbox_free(loader.back);
	loader.back = NULL;
}

void naf_load_free(void)
{
	naf_dir_drop(naf_load.dir);
	naf_load.dir = NULL;
}

/* --- what is known */

unsigned naf_load_connections(void)
{
	unsigned n = 0;

	for (size_t i = 0; naf_load.dir && i < naf_load.dir->n; i++)
		if (naf_load.dir->files[i]->peer)
			n += naf_load.dir->files[i]->peer->connections;
	return n;
}

static json_t *problems_json(const struct policy *p)
{
	json_t *list = json_array();

	for (size_t i = 0; i < p->problems.n; i++)
		json_array_append_new(list, json_string(p->problems.s[i]));
	return list;
}

json_t *naf_load_json(bool problems)
{
	const struct naf_dir *d = naf_load.dir;
	const struct policy *p = policy_current();
	json_t *o = json_object();

	if (naf_load.path)
		json_object_set_new(o, "directory", json_string(naf_load.path));
	if (naf_load.failed[0])
		json_object_set_new(o, "failed", json_string(naf_load.failed));
	if (d) {
		json_object_set_new(o, "good", json_integer((json_int_t)d->in_state[NAF_FILE_GOOD]));
		json_object_set_new(o, "bad", json_integer((json_int_t)d->in_state[NAF_FILE_BAD]));
		json_object_set_new(o, "vanished", json_integer((json_int_t)d->in_state[NAF_FILE_GONE]));
		json_object_set_new(o, "ignored", json_integer((json_int_t)d->in_state[NAF_FILE_IGNORED]));
		json_object_set_new(o, "read", json_integer((json_int_t)d->read));
		json_object_set_new(o, "ms", json_integer((json_int_t)d->took_ms));
	}
	if (p)
		json_object_set_new(o, "problems",
				    problems ? problems_json(p) : json_integer((json_int_t)p->n_problems));
	return o;
}
