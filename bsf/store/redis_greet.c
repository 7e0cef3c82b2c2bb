/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis_greet.c
 *  Before a link to Redis is used: is it the one with the password, is it fit for what is kept there, may we do what we need, what
 *  is its clock, and by which key are names hidden there. Then, once a second, the last two again, and whether it is the master still
 *  and throws nothing away. */
#include "bsf/store/redis.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <hiredis/hiredis.h>

#include "common/base/clock.h"
#include "common/crypto/rng.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

#define TICK_MS 1000

const char redis_meta_aad[] = "gba redis meta 1";
const char redis_meta_key[] = "m";
const char redis_keks_key[] = "k";
static const char other_kek[] = "what is there was made under another KEK";

#define NEED_WORDS 6

/* What we need, each on a name of its kind that is never one of ours; nothing there is left changed. Its name for people. */
static const struct need {
	const char *name, *argv[NEED_WORDS]; /* of EVAL without the text, which is that of script */
	int script;
} needs[] = {
	{ "SET on c*", { "SET", "c?", "T", "XX", "GET", "KEEPTTL" }, -1 },
	{ "SET on s*", { "SET", "s?", "T", "XX", "GET", "KEEPTTL" }, -1 },
	{ "SET on i*", { "SET", "i?", "T", "XX", "GET", "KEEPTTL" }, -1 },
	{ "SET on t*", { "SET", "t?", "T", "XX", "GET", "KEEPTTL" }, -1 },
	{ "INCR on n*", { "INCR", "n?" }, -1 },
	{ "PEXPIRE on n*", { "PEXPIRE", "n?", "1" }, -1 }, /* so it is gone again */
	{ "SET on b*", { "SET", "b?", "T", "XX", "GET", "KEEPTTL" }, -1 },
	{ "ZADD on marks", { "ZADD", "marks", "XX", "0", "?" }, -1 },
	{ "ZADD on bsfs", { "ZADD", "bsfs", "XX", "0", "?" }, -1 },
	{ "ZSCORE", { "ZSCORE", "marks", "?" }, -1 },
	{ "ZRANGE", { "ZRANGE", "marks", "0", "0" }, -1 },
	{ "ZRANGEBYSCORE", { "ZRANGEBYSCORE", "marks", "1", "0" }, -1 },
	{ "ZREMRANGEBYSCORE", { "ZREMRANGEBYSCORE", "marks", "1", "0" }, -1 },
	{ "WAIT", { "WAIT", "0", "1" }, -1 },
	{ "GET", { "GET", "s?" }, -1 },
	{ "DEL", { "DEL", "t?" }, -1 },
	{ "EVALSHA", { "EVALSHA", "0000000000000000000000000000000000000000", "1", "i?" }, -1 },
	{ "EVAL, PEXPIRETIME, EXISTS", { "EVAL", redis_script_probe, "1", "i?" }, -1 },
	/* the server knows it from now on: what ends a session is done in its turn */
	{ "EVAL", { "EVAL", NULL, "1", "s?", "D" }, REDIS_END },
};

static int greet(struct redis_part *p, size_t argc, const char *const *argv, redis_reply_fn *fn, void *owner)
{
	struct span s[REDIS_LINK_ARGS];

	for (size_t i = 0; i < argc; i++)
		s[i] = span_str(argv[i]);
	return redis_link_greet(p->link, argc, s, fn, owner);
}

static void greet_refuse(struct redis_part *p, const char *before, const char *what, const char *after)
{
	struct writer w;
	char why[REDIS_LINK_WHY];

	writer_init(&w, (uint8_t *)why, sizeof(why) - 1);
	writer_str(&w, before);
	writer_str(&w, what);
	writer_str(&w, after);
	why[w.len] = '\0';
	redis_link_refuse(p->link, why);
}

/* \returns false: it was no answer to go on with */
static bool may(struct redis_part *p, const struct redisReply *r, const char *name)
{
	size_t len = strlen(p->missing);

	if (!r)
		return false;
	if (r->type != REDIS_REPLY_ERROR)
		return true;
	if (strncmp(r->str, "NOAUTH", 6) == 0)
		greet_refuse(p,
			     "it wants a password; allowed: redis password file PATH, redis password credential NAME",
			     "", "");
	else if (strncmp(r->str, "LOADING", 7) == 0)
		greet_refuse(p, "it loads its data", "", "");
	else if ((strstr(r->str, "NOPERM") || strstr(r->str, "can't run") || strstr(r->str, "can't access")) &&
		 !strstr(p->missing, name))
		snprintf(p->missing + len, sizeof(p->missing) - len, "%s%s", len ? "; " : "", name);
	return false;
}

static void server_said(void *part, const struct redisReply *r)
{
	struct redis_part *p = part;
	char version[32];

	if (!may(p, r, "INFO"))
		return;
	redis_info(version, sizeof(version), r, "redis_version:");
	if (atoi(version) < 7)
		greet_refuse(p, "it is Redis ", version, "; allowed: 7.0 or later");
	redis_info(p->run_id, sizeof(p->run_id), r, "run_id:");
}

static void policy_refuse(struct redis_part *p, const char *policy)
{
	greet_refuse(p, "its maxmemory-policy is ", policy, ", which throws away what must stay; allowed: noeviction");
}

static void memory_said(void *part, const struct redisReply *r)
{
	struct redis_part *p = part;
	char policy[64];

	if (!may(p, r, "INFO"))
		return;
	redis_info(policy, sizeof(policy), r, "maxmemory_policy:");
	if (strcmp(policy, "noeviction") != 0)
		policy_refuse(p, policy);
}

static void replication_said(void *part, const struct redisReply *r)
{
	struct redis_part *p = part;
	char role[32], replicas[16], good[16], reign[REDIS_RUN_ID + 1];

	if (!may(p, r, "INFO"))
		return;
	redis_info(role, sizeof(role), r, "role:");
	redis_info(replicas, sizeof(replicas), r, "connected_slaves:");
	redis_info(good, sizeof(good), r, "min_slaves_good_slaves:");
	/* it may be the master once more, with the data of another one between: that is another run; where it does not say so it stays the same */
	redis_info(reign, sizeof(reign), r, "master_replid:");
	if (reign[0])
		memcpy(p->run_id, reign, sizeof(reign));
	if (strcmp(role, "master") != 0)
		greet_refuse(p, "its role is ", role, "; allowed: master");
	p->replicas = atoi(replicas) > 0;
	p->replicas_wanted = good[0] != '\0';
}

static void need_said(void *need, const struct redisReply *r);

/* What a reply of needs[] comes back to. */
struct needed {
	struct redis_part *p;
	const struct need *need;
};

static void ask_need(struct redis_part *p, const struct need *need)
{
	struct needed *n = calloc(1, sizeof(*n));
	const char *argv[NEED_WORDS];
	size_t argc = 0;

	memcpy(argv, need->argv, sizeof(argv));
	if (need->script >= 0)
		argv[1] = redis_script_texts[need->script];
	while (argc < NEED_WORDS && argv[argc])
		argc++;
	if (n)
		*n = (struct needed){ p, need };
	if (!n || greet(p, argc, argv, need_said, n) < 0)
		free(n);
}

static void need_said(void *needed, const struct redisReply *r)
{
	struct needed *n = needed;

	(void)may(n->p, r, n->need->name);
	free(n);
}

static void time_said(void *part, const struct redisReply *r)
{
	if (!may(part, r, "TIME") || r->type != REDIS_REPLY_ARRAY || r->elements != 2)
		return;
	redis_clock_take(part, strtoll(r->element[0]->str, NULL, 10) * 1000000 + strtoll(r->element[1]->str, NULL, 10));
}

static void ask_time(struct redis_part *p, redis_reply_fn *fn)
{
	(void)greet(p, 1, (const char *const[]){ "TIME" }, fn, p);
}

/* What we would put, if there is none. \returns 0; -EIO */
static int meta_make(struct redis_part *p)
{
	if (p->keys.index_key.len)
		return 0;
	if (rng_fill(p->keys.index_key.b, RECORD_INDEX_LEN) < 0 ||
	    record_index_seal(&p->meta, &p->keys, redis_meta_aad) < 0)
		return -EIO;
	p->keys.index_key.len = RECORD_INDEX_LEN;
	return 0;
}

/* \returns false: it is not sealed by one of our KEKs */
static bool meta_take(struct redis_part *p, struct span value)
{
	return record_index_open(&p->keys, value, redis_meta_aad) == 0 && record_index_take(&p->meta, value);
}

/* \returns 0, also where the link has gone; -EIO */
static int meta_ask(struct redis_part *p, redis_reply_fn *fn)
{
	if (meta_make(p) < 0)
		return -EIO;
	(void)redis_link_greet(p->link, 5,
			       (struct span[]){ span_str("SET"), span_str(redis_meta_key), record_index_span(&p->meta),
						span_str("NX"), span_str("GET") },
			       fn, p);
	return 0;
}

/* The same index key, sealed anew. */
static bool meta_renewed(struct redis_part *p, struct span value)
{
	SECRET_AUTO before = p->keys.index_key;

	return meta_take(p, value) && secret_equal(&p->keys.index_key, &before);
}

static void tick(void *part);

/* Said once, not for each request, and not once a thread. */
static void full_take(struct redis_part *p, bool full)
{
	struct log_line l;

	if (atomic_exchange(&p->shared->full, full) == full)
		return;
	if (!full)
		LOGT(DSTORE, LOGL_NOTICE, "store: Redis at %s has room again\n", p->label);
	else if (log_line_begin(&l, DSTORE, LOGL_ERROR, CAUSE_store_full)) {
		log_line_str(&l, "redis", p->label);
		log_line_str(&l, "reason", "it is at maxmemory: new bootstraps are refused");
		log_line_end(&l);
	}
}

static void tick_meta(void *part, const struct redisReply *r)
{
	struct redis_part *p = part;
	int rc = redis_errno(r);

	if (rc == 0 || rc == -ENOSPC)
		full_take(p, rc == -ENOSPC);
	if (rc < 0)
		return;
	if (r->type == REDIS_REPLY_NIL)
		LOGT(DSTORE, LOGL_NOTICE, "store: Redis at %s was emptied: its sessions are gone\n", p->label);
	else if (!span_eq(redis_string(r), record_index_span(&p->meta)) && !meta_renewed(p, redis_string(r)))
		redis_link_refuse(p->link, "its data have become others");
}

/* Is it the master still? In between it may have had what another master has: of uses that were counted meanwhile, say, it knows nothing.
 * And its maxmemory-policy may have been set since we met it. */
static void tick_info(void *part, const struct redisReply *r)
{
	struct redis_part *p = part;
	char role[32], reign[REDIS_RUN_ID + 1], policy[64];

	if (redis_errno(r) < 0)
		return;
	redis_info(role, sizeof(role), r, "role:");
	redis_info(reign, sizeof(reign), r, "master_replid:");
	redis_info(policy, sizeof(policy), r, "maxmemory_policy:");
	if ((role[0] && strcmp(role, "master") != 0) || (reign[0] && strcmp(reign, p->run_id) != 0))
		redis_link_refuse(p->link, "it is a replica, or its replication ID is another one now");
	else if (policy[0] && strcmp(policy, "noeviction") != 0)
		policy_refuse(p, policy);
}

static void tick(void *part)
{
	struct redis_part *p = part;

	deadline_start(p->deadlines, &p->tick, TICK_MS, tick, p);
	if (!p->is_up)
		return;
	ask_time(p, time_said);
	(void)greet(p, 3, (const char *const[]){ "INFO", "replication", "memory" }, tick_info, p);
	(void)meta_ask(p, tick_meta);
}

struct span redis_keks(const struct redis_part *p, uint8_t *ids)
{
	return span_of(ids, seal_keks(p->keys.seal, ids));
}

/* The last reply of the greeting. What is there can be opened, or nothing is. */
static void keks_said(void *part, const struct redisReply *r)
{
	struct redis_part *p = part;
	struct span there = redis_string(r);
	char why[REDIS_LINK_WHY];

	if (!may(p, r, "SET on k")) {
		if (r && r->type == REDIS_REPLY_ERROR)
			greet_refuse(p, r->str, "", "");
		return;
	}
	for (size_t i = 0; i < there.len; i++) {
		if (seal_knows(p->keys.seal, there.p[i]))
			continue;
		snprintf(why, sizeof(why), "what is there is sealed under KEK %u, too, which is not configured",
			 there.p[i]);
		redis_link_refuse(p->link, why);
		return;
	}
	marks_learn(p->shared->sh.marks, &p->keys.index_key);
	redis_link_up(p->link);
}

static void keks_ask(struct redis_part *p, redis_reply_fn *fn)
{
	const char *text = redis_script_texts[REDIS_KEKS];
	uint8_t ids[SEAL_KEKS_MAX];

	redis_uses_ask(p);
	ask_time(p, time_said); /* once more: what is challenged from now on is not before that */
	(void)redis_link_greet(p->link, 6,
			       (struct span[]){ span_str("EVAL"), span_str(text), span_str("1"),
						span_str(redis_keks_key), redis_keks(p, ids), span_str("") },
			       fn, p);
}

/* Where it is full a SET is refused whether there is a key or not; keys are given all the same. */
static void full_meta_said(void *part, const struct redisReply *r)
{
	struct redis_part *p = part;

	if (!may(p, r, "GET on m"))
		return;
	if (r->type == REDIS_REPLY_NIL)
		greet_refuse(p, "it is at maxmemory, and nothing of ours is there", "", "");
	else if (!meta_take(p, redis_string(r)))
		greet_refuse(p, other_kek, "", "");
	else
		keks_ask(p, keks_said);
	full_take(p, true);
}

/* Nothing was there, so whoever comes has missed nothing. */
static void founded(struct redis_part *p)
{
	(void)greet(p, 3, (const char *const[]){ "SET", redis_whole_key, p->run_id }, NULL, NULL);
}

static void meta_said(void *part, const struct redisReply *r)
{
	struct redis_part *p = part;

	if (redis_errno(r) == -ENOSPC) {
		(void)greet(p, 2, (const char *const[]){ "GET", redis_meta_key }, full_meta_said, p);
		return;
	}
	if (!may(p, r, "SET on m")) {
		if (r && r->type == REDIS_REPLY_ERROR)
			greet_refuse(p, r->str, "", "");
		return;
	}
	if (r->type == REDIS_REPLY_NIL)
		founded(p);
	if (r->type != REDIS_REPLY_NIL && !meta_take(p, redis_string(r)))
		greet_refuse(p, other_kek, "", "");
	else
		keks_ask(p, keks_said);
}

/* All else was said: it is fit, so something may be put there. */
static void greet_time_said(void *part, const struct redisReply *r)
{
	struct redis_part *p = part;

	time_said(p, r);
	if (p->missing[0])
		greet_refuse(p, "its user may not: ", p->missing, "");
	if (r && meta_ask(p, meta_said) < 0)
		redis_link_refuse(p->link, "no random numbers");
}

void redis_greet(void *part)
{
	struct redis_part *p = part;

	p->missing[0] = '\0';
	(void)greet(p, 2, (const char *const[]){ "INFO", "server" }, server_said, p);
	(void)greet(p, 2, (const char *const[]){ "INFO", "memory" }, memory_said, p);
	(void)greet(p, 2, (const char *const[]){ "INFO", "replication" }, replication_said, p);
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		ask_need(p, &needs[i]);
	ask_time(p, greet_time_said);
}

static void on_greet(void *part)
{
	redis_auth_begin(&((struct redis_part *)part)->auth);
}

/* For people once, not once a thread. */
static void say_up(struct redis_part *p)
{
	LOGT(DSTORE, LOGL_NOTICE, "store: Redis at %s is there\n", p->label);
	if (p->replicas && !p->replicas_wanted)
		LOGT(DSTORE, LOGL_NOTICE,
		     "store: Redis at %s has replicas but no min-replicas-to-write: after a failover the former master goes on "
		     "taking writes that are lost\n",
		     p->label);
}

static void say_down(struct redis_part *p, const char *why)
{
	struct log_line l;

	if (!log_rate_ok(DSTORE) || !log_line_begin(&l, DSTORE, LOGL_ERROR, CAUSE_store_away))
		return;
	log_line_str(&l, "redis", p->label);
	log_line_str(&l, "reason", why);
	log_line_end(&l);
}

/* \param[in] why NUL-terminated; empty: it has only begun, and is up soon or says why not
 * \returns is it news? */
static bool state_take(struct redis_part *p, bool up, const char *why)
{
	struct store_redis *s = p->shared;
	bool news;

	pthread_mutex_lock(&s->lock);
	if (p->marks) { /* it is not one of the links of shards, which say the same of the server */
		news = !up && why[0] && s->up > 0;
	} else {
		s->up += (unsigned)up - (unsigned)p->is_up;
		news = up ? s->up == 1 : why[0] && strcmp(s->why, why) != 0;
		snprintf(s->why, sizeof(s->why), "%s", why);
	}
	pthread_mutex_unlock(&s->lock);
	p->is_up = up;
	return news;
}

static void on_state(void *part, bool up, const char *why)
{
	struct redis_part *p = part;
	bool news = state_take(p, up, why);

	if (up && !p->tick.set)
		deadline_start(p->deadlines, &p->tick, TICK_MS, tick, p);
	if (news && up)
		say_up(p);
	else if (news)
		say_down(p, why);
	if (p->marks)
		redis_marks_link(p->marks, up);
	if (up)
		redis_held_go(p);
	else if (!redis_link_soon(p->link))
		redis_held_end(p);
}

const struct redis_link_ops redis_link_greets = { .greet = on_greet, .state = on_state };
