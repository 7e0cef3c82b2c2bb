/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file redis.c
 *  The store on Redis: what a process has of it, what a shard has of it, and which step begins a call. */
#include "bsf/store/redis.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <hiredis/hiredis.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#include "common/base/clock.h"
#include "common/base/sockaddr.h"
#include "common/crypto/rng.h"

#define MARKS_SLACK_MS (3600ll * 1000)

struct span redis_key(uint8_t *key, char kind, struct span name)
{
	size_t n = name.len < REDIS_KEY_LEN - 1 ? name.len : REDIS_KEY_LEN - 1;

	key[0] = (uint8_t)kind;
	memcpy(key + 1, name.p, n);
	return span_of(key, n + 1);
}

/* One nonce may be the beginning of another. */
struct span redis_key_challenge(uint8_t *key, struct span nonce)
{
	uint8_t md[SHA256_DIGEST_LENGTH];

	SHA256(nonce.p, nonce.len, md);
	return redis_key(key, 'c', span_of(md, sizeof(md)));
}

struct span redis_key_session(uint8_t *key, const uint8_t rand[AKA_RAND_LEN])
{
	return redis_key(key, 's', span_of(rand, AKA_RAND_LEN));
}

struct span redis_key_subscriber(uint8_t *key, const uint8_t tag[RECORD_IMPI_TAG_LEN])
{
	return redis_key(key, 'i', span_of(tag, RECORD_IMPI_TAG_LEN));
}

int redis_ask_key(struct redis_part *p, struct span key, redis_reply_fn *fn, void *owner)
{
	return redis_link_call(p->link, 2, (struct span[]){ span_str("GET"), key }, fn, owner);
}

int redis_errno(const struct redisReply *r)
{
	if (!r)
		return -EIO;
	if (r->type != REDIS_REPLY_ERROR)
		return 0;
	/* whatever else it says (it loads, is a replica, has none, may not write), it has not done it */
	return strncmp(r->str, "OOM", 3) == 0 ? -ENOSPC : -ENOTCONN;
}

struct span redis_string(const struct redisReply *r)
{
	return r && r->type == REDIS_REPLY_STRING ? span_of(r->str, r->len) : span_of(NULL, 0);
}

void redis_info(char *out, size_t cap, const struct redisReply *r, const char *name)
{
	const char *at = r->type == REDIS_REPLY_STRING ? strstr(r->str, name) : NULL;

	out[0] = '\0';
	if (at)
		snprintf(out, cap, "%.*s", (int)strcspn(at + strlen(name), "\r\n"), at + strlen(name));
}

void redis_end(struct store_req *r, int rc)
{
	r->rc = rc;
	store_reply_here(r);
}

void redis_step_end(struct store_req *r, int rc)
{
	if (rc < 0 && r->rc == 0)
		r->rc = rc;
	if (--r->waiting == 0)
		redis_end(r, r->rc);
}

int redis_steps_begin(struct store_req *r, int rc, const struct redis_subscriber *who,
		      int (*begin)(struct redis_part *p, struct store_req *r, const uint8_t *entry))
{
	r->waiting = 1;
	for (size_t at = 0; rc == 0 && at + who->entry_len <= who->list.len; at += who->entry_len)
		rc = begin(r->st->part, r, who->list.p + at);
	return rc;
}

static void part_is_at(struct redis_part *p, const struct sockaddr_storage *at, unsigned agree)
{
	p->label[0] = '\0';
	p->at = at ? *at : (struct sockaddr_storage){ .ss_family = AF_UNSPEC };
	if (at)
		sockaddr_text(p->label, at);
	pthread_mutex_lock(&p->shared->lock);
	memcpy(p->shared->at, p->label, sizeof(p->label));
	p->shared->agree = agree;
	pthread_mutex_unlock(&p->shared->lock);
}

/* What the Sentinels say. The former master is left before the new one is asked anything. */
static void part_named(void *part, const struct sockaddr_storage *master, unsigned agree, const char *why)
{
	struct redis_part *p = part;
	struct sockaddr_storage was = p->at;
	char words[REDIS_LINK_WHY] = "";

	if (master && p->label[0])
		snprintf(words, sizeof(words), "the Sentinels name it in the place of %s", p->label);
	part_is_at(p, master, agree);
	if (!master || !redis_same_server(&was, master))
		redis_link_aim(p->link, master, master ? words : why);
}

static struct redis_link *part_link(struct redis_part *p)
{
	const struct store_redis_cfg *c = &p->shared->cfg;
	struct redis_link_cfg cfg = { .addr = c->addr,
				      .timeout_ms = c->timeout_ms + (p->marks ? REDIS_PATIENCE_MS : 0),
				      .tls = c->tls_name[0] ? c->tls : NULL,
				      .tls_name = c->tls_name,
				      .deadlines = p->deadlines,
				      .ops = &redis_link_greets,
				      .owner = p };

	return redis_link_new(&cfg);
}

static void part_free(struct redis_part *p)
{
	redis_sentinels_free(p->sentinels);
	redis_link_free(p->link);
	secret_clear(&p->keys.index_key);
	free(p);
}

static int part_open(struct store *st)
{
	static const struct redis_sentinels_ops ops = { .named = part_named };
	struct store_redis *s = (struct store_redis *)st->sh;
	struct redis_part *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->shared = s;
	p->st = st;
	if (st->done == redis_marks_none)
		p->marks = st->owner;
	p->keys.seal = s->seal;
	p->deadlines = deadline_set_new(st);
	p->link = p->deadlines ? part_link(p) : NULL;
	p->auth = (struct redis_auth){ p->link, s->cfg.user, &s->cfg.password, redis_greet, p };
	if (p->link && s->cfg.n_sentinels)
		p->sentinels = redis_sentinels_new(&s->cfg, p->deadlines, &ops, p);
	if (!p->link || (s->cfg.n_sentinels && !p->sentinels)) {
		part_free(p);
		return -ENOMEM;
	}
	st->part = p;
	part_is_at(p, s->cfg.n_sentinels ? NULL : &s->cfg.addr, 0);
	pthread_mutex_lock(&s->lock);
	s->links += !p->marks;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static void part_close(struct store *st)
{
	struct redis_part *p = st->part;

	redis_held_end(p);
	redis_marks_leave(p->shared->marks, st);
	deadline_stop(&p->tick);
	pthread_mutex_lock(&p->shared->lock);
	p->shared->links -= !p->marks;
	p->shared->up -= p->is_up && !p->marks;
	pthread_mutex_unlock(&p->shared->lock);
	part_free(p);
}

/* What was revoked is not known for too long to begin this. */
static bool is_too_late(const struct store_shared *sh, enum store_op op)
{
	switch (op) {
	case STORE_GET:
	case STORE_USE:
		return store_grace_over(sh);
	case STORE_CHALLENGE_PUT:
	case STORE_CHALLENGE_TAKE:
	case STORE_PUT:
		return store_lease_over(sh);
	default:
		return false;
	}
}

int redis_begin(struct redis_part *p, struct store_req *r)
{
	static int (*const begin[])(struct redis_part * p, struct store_req * r) = {
		[STORE_CHALLENGE_PUT] = redis_challenge_put,
		[STORE_CHALLENGE_TAKE] = redis_challenge_take,
		[STORE_PUT] = redis_put,
		[STORE_GET] = redis_get,
		[STORE_USE] = redis_use,
		[STORE_FIND_TMPI] = redis_find_tmpi,
		[STORE_FIND_GUSS] = redis_guss,
		[STORE_REVOKE_IMPI] = redis_revoke,
		[STORE_REVOKE_BTID] = redis_revoke,
		[STORE_REVOKE_NAF] = redis_revoke,
		[STORE_REVOKE_ALL] = redis_revoke,
		[STORE_GUSS] = redis_guss,
		[STORE_RESEAL] = redis_reseal,
	};
	/* before that there is no key to make names with */
	int rc = !p->is_up ? -ENOTCONN : is_too_late(&p->shared->sh, r->op) ? -ESTALE : begin[r->op](p, r);

	return rc == -ENOMEM ? -EBUSY : rc;
}

static bool redis_submit(struct store_shared *sh, struct store_req *r)
{
	struct redis_part *p = r->st->part;
	int rc;

	if (redis_hold(p, r))
		return false;
	rc = redis_begin(p, r);
	if (rc < 0) /* else it may be another thread's by now */
		r->rc = rc;
	return rc < 0;
}

static int64_t redis_clock_ms(struct store *st)
{
	return (int64_t)clock_mono_ms() + ((struct redis_part *)st->part)->clock_ms;
}

static int64_t redis_wall_ms(struct store *st)
{
	return ((struct redis_part *)st->part)->clock_ms ? redis_clock_ms(st) : 0;
}

static void redis_figures(struct store_shared *sh, struct store_figures *out)
{
	struct store_redis *s = (struct store_redis *)sh;

	out->commits = out->committed_records = atomic_load(&s->puts);
	out->corrupt = atomic_load(&s->corrupt);
}

static void redis_free(struct store_shared *sh)
{
	struct store_redis *s = (struct store_redis *)sh;

	redis_marks_stop(s->marks);
	marks_file_free(s->file);
	pthread_mutex_destroy(&s->lock);
	marks_free(s->sh.marks);
	guss_pushes_free(s->sh.pushes);
	seal_free(s->seal);
	secret_clear(&s->cfg.password);
	secret_clear(&s->cfg.sentinel_password);
	SSL_CTX_free(s->cfg.tls);
	free(s);
}

static const struct store_backend redis_backend = {
	.open = part_open,
	.close = part_close,
	.submit = redis_submit,
	.count = redis_count_key,
	.clock_ms = redis_clock_ms,
	.wall_ms = redis_wall_ms,
	.figures = redis_figures,
	.free = redis_free,
};

static unsigned grace_left_ms(const struct store_shared *sh)
{
	uint64_t until_ms = atomic_load(&sh->lease_until_ms), now_ms = clock_mono_ms();

	return until_ms && until_ms <= now_ms && now_ms < until_ms + sh->grace_ms
		       ? (unsigned)(until_ms + sh->grace_ms - now_ms)
		       : 0;
}

bool store_shared_links(struct store_shared *sh, struct store_links *out)
{
	struct store_redis *s = (struct store_redis *)sh;

	if (sh->be != &redis_backend)
		return false;
	pthread_mutex_lock(&s->lock);
	*out = (struct store_links){
		.up = s->up,
		.of = s->links,
		.clock_off_ms = atomic_load(&s->off_ms),
		.full = atomic_load(&s->full),
		.lease = !store_lease_over(&s->sh),
		.grace_left_ms = grace_left_ms(&s->sh),
		.graces_ms = atomic_load(&s->sh.graces_ms),
		.agree = s->agree,
		.sentinels = (unsigned)s->cfg.n_sentinels,
	};
	memcpy(out->at, s->at, sizeof(out->at));
	snprintf(out->why, sizeof(out->why), "%s", s->why);
	pthread_mutex_unlock(&s->lock);
	return true;
}

/* Its clock is not known yet; ours is off by less than what is allowed for. */
static bool file_open(struct store_redis *s, struct err *err)
{
	if (!s->cfg.marks_dir)
		return true;
	s->file =
		marks_file_open(s->cfg.marks_dir, s->seal, s->sh.marks, (int64_t)clock_wall_ms() - MARKS_SLACK_MS, err);
	return s->file;
}

struct store_shared *store_shared_redis_new(const struct store_redis_cfg *cfg, struct err *err)
{
	struct store_redis *s = calloc(1, sizeof(*s));

	err_set(err, -ENOMEM, "store: no memory");
	if (!s)
		return NULL;
	s->sh.be = &redis_backend;
	pthread_mutex_init(&s->lock, NULL);
	s->cfg = *cfg;
	s->cfg.keks = NULL;
	s->sh.pushes = guss_pushes_new();
	s->sh.marks = marks_new(NULL, 0, cfg->marks_max ? cfg->marks_max : MARKS_MAX);
	s->sh.has_lease = true;
	s->sh.grace_ms = cfg->grace_ms;
	atomic_init(&s->sh.graces_ms, cfg->grace_ms);
	(void)rng_fill((uint8_t *)&s->sh.maker, sizeof(s->sh.maker));
	s->seal = s->sh.pushes && s->sh.marks ? seal_new(cfg->keks, cfg->n_keks, err) : NULL;
	if (s->seal)
		seal_learnt(s->seal); /* no former release kept anything in Redis under a KEK in a token */
	s->sh.beside = s->seal;
	s->marks = s->seal && file_open(s, err) ? redis_marks_start(s) : NULL;
	if (s->marks)
		return &s->sh;
	s->cfg.tls = NULL; /* still the caller's */
	redis_free(&s->sh);
	return NULL;
}
