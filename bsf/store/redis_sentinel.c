/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_sentinel.c
 *  Which server is the master, by what the Sentinels say. */
#include "bsf/store/redis_sentinel.h"

#include <stdio.h>
#include <stdlib.h>
#include <hiredis/hiredis.h>

#include "bsf/store/redis_auth.h"
#include "common/base/clock.h"
#include "common/base/sockaddr.h"
#include "common/rt/log_cat.h"

#define ASK_MS    1000
#define ANSWER_MS 1000

struct sentinel {
	struct redis_sentinels *all;
	struct redis_auth auth;
	struct sockaddr_storage master; /* what it has named */
	uint64_t said_ms;               /* when; 0: never */
	char why[REDIS_LINK_WHY];       /* it is not asked */
};

struct redis_sentinels {
	const struct store_redis_cfg *cfg;
	struct deadline_set *deadlines;
	const struct redis_sentinels_ops *ops;
	void *owner;
	struct deadline tick;
	struct sentinel each[STORE_SENTINELS_MAX];
};

bool redis_same_server(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	return sockaddr_same_host(a, b) && sockaddr_port(a) == sockaddr_port(b);
}

static bool says(const struct sentinel *s, const struct sockaddr_storage *master)
{
	return s->said_ms && s->said_ms + REDIS_TRUST_MS > clock_mono_ms() &&
	       (!master || redis_same_server(&s->master, master));
}

static unsigned how_many(const struct redis_sentinels *a, const struct sockaddr_storage *master)
{
	unsigned n = 0;

	for (size_t i = 0; i < a->cfg->n_sentinels; i++)
		n += says(&a->each[i], master);
	return n;
}

static const char no_answer_yet[] = "no answer yet"; /* until its connection is up, or has failed once */

/* Of one that is not asked it is known why. */
static void sentinels_judge_nobody(struct redis_sentinels *a)
{
	unsigned heard = how_many(a, NULL), of = (unsigned)a->cfg->n_sentinels, untried = 0;
	const char *why = "they do not agree";
	char words[REDIS_LINK_WHY];

	for (size_t i = 0; i < of; i++)
		if (!says(&a->each[i], NULL)) {
			why = a->each[i].why[0] ? a->each[i].why : "no answer";
			untried += strcmp(why, no_answer_yet) == 0;
		}
	snprintf(words, sizeof(words), "no master that most of %u Sentinels name: %u have answered, %.80s", of, heard,
		 why);
	if (untried && heard + untried > of / 2)
		words[0] = '\0'; /* too early to say that something is wrong */
	a->ops->named(a->owner, NULL, 0, words);
}

static void sentinels_judge(struct redis_sentinels *a)
{
	for (size_t i = 0; i < a->cfg->n_sentinels; i++) {
		unsigned agree = says(&a->each[i], NULL) ? how_many(a, &a->each[i].master) : 0;

		if (agree > a->cfg->n_sentinels / 2) {
			a->ops->named(a->owner, &a->each[i].master, agree, "");
			return;
		}
	}
	sentinels_judge_nobody(a);
}

/* \returns NULL; what is wrong with its answer */
static const char *answer_take(struct sentinel *s, const struct redisReply *r)
{
	if (r->type == REDIS_REPLY_ERROR)
		return strstr(r->str, "unknown command") ? "it is no Sentinel" : r->str;
	if (r->type == REDIS_REPLY_NIL || (r->type == REDIS_REPLY_ARRAY && !r->elements))
		return "it knows no master of that name";
	if (r->type != REDIS_REPLY_ARRAY || r->elements != 2 || r->element[0]->type != REDIS_REPLY_STRING ||
	    r->element[1]->type != REDIS_REPLY_STRING)
		return "it is no Sentinel";
	if (sockaddr_parse(&s->master, r->element[0]->str, r->element[1]->str) < 0)
		return "it names a host, not an address; allowed: resolve-hostnames no";
	s->said_ms = clock_mono_ms();
	return NULL;
}

static void named_said(void *sentinel, const struct redisReply *r)
{
	struct sentinel *s = sentinel;
	const char *why = r ? answer_take(s, r) : NULL;

	if (why)
		redis_link_refuse(s->auth.link, why);
	else if (r && s->why[0])
		redis_link_up(s->auth.link);
	if (r)
		sentinels_judge(s->all);
}

static void name_ask(void *sentinel)
{
	struct sentinel *s = sentinel;

	(void)redis_link_greet(s->auth.link, 3,
			       (struct span[]){ span_str("SENTINEL"), span_str("get-master-addr-by-name"),
						span_str(s->all->cfg->sentinel_name) },
			       named_said, s);
}

static void sentinels_tick(void *sentinels)
{
	struct redis_sentinels *a = sentinels;

	deadline_start(a->deadlines, &a->tick, ASK_MS, sentinels_tick, a);
	for (size_t i = 0; i < a->cfg->n_sentinels; i++)
		if (!a->each[i].why[0])
			name_ask(&a->each[i]);
	sentinels_judge(a);
}

static void on_greet(void *sentinel)
{
	redis_auth_begin(&((struct sentinel *)sentinel)->auth);
}

static void on_state(void *sentinel, bool up, const char *why)
{
	struct sentinel *s = sentinel;

	snprintf(s->why, sizeof(s->why), "%s", why);
}

static const struct redis_link_ops sentinel_ops = { .greet = on_greet, .state = on_state };

static struct redis_link *sentinel_link(struct redis_sentinels *a, size_t i)
{
	struct redis_link_cfg cfg = { .addr = a->cfg->sentinels[i],
				      .timeout_ms = ANSWER_MS,
				      .tls = a->cfg->sentinel_tls_name[0] ? a->cfg->tls : NULL,
				      .tls_name = a->cfg->sentinel_tls_name,
				      .deadlines = a->deadlines,
				      .ops = &sentinel_ops,
				      .owner = &a->each[i] };

	return redis_link_new(&cfg);
}

struct redis_sentinels *redis_sentinels_new(const struct store_redis_cfg *cfg, struct deadline_set *deadlines,
					    const struct redis_sentinels_ops *ops, void *owner)
{
	struct redis_sentinels *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->cfg = cfg;
	a->deadlines = deadlines;
	a->ops = ops;
	a->owner = owner;
	for (size_t i = 0; i < cfg->n_sentinels; i++) {
		struct sentinel *s = &a->each[i];

		s->all = a;
		snprintf(s->why, sizeof(s->why), "%s", no_answer_yet);
		s->auth = (struct redis_auth){
			.user = cfg->sentinel_user, .password = &cfg->sentinel_password, .then = name_ask, .owner = s
		};
		s->auth.link = sentinel_link(a, i);
		if (!s->auth.link) {
			redis_sentinels_free(a);
			return NULL;
		}
	}
	deadline_start(deadlines, &a->tick, ASK_MS, sentinels_tick, a);
	return a;
}

void redis_sentinels_free(struct redis_sentinels *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->cfg->n_sentinels; i++)
		redis_link_free(a->each[i].auth.link);
	deadline_stop(&a->tick);
	free(a);
}
