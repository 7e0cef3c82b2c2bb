/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/ue_device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "ue/lib/http_url.h"
#include "ue/lib/ue_key.h"
#include "ue/lib/ue_request.h"
#include "ue/state_file.h"

#define RENEWALS    3
#define RENEWALS_S  600
#define RENEW_MAX_S 86400
#define TIMEOUT_S   15
#define WORD        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

void gba_ue_config_init(struct gba_ue_config *cfg)
{
	if (cfg)
		*cfg = (struct gba_ue_config){ .size = sizeof(*cfg) };
}

/* The reason where the caller wants it. */
static void tell_why(char *err, size_t errlen, const struct err *why)
{
	if (err && errlen)
		snprintf(err, errlen, "%s", why->text[0] ? why->text : "no memory");
}

static int watch(struct gba_ue *ue, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return fd >= 0 && epoll_ctl(ue->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

static int take_config(struct gba_ue *ue, const struct gba_ue_config *cfg, struct err *err)
{
	if (cfg->size < offsetof(struct gba_ue_config, renewals_s) + sizeof(cfg->renewals_s))
		return err_set(err, -EINVAL, "the configuration was not begun with gba_ue_config_init()");
	if (cfg->n_connect_to > UE_CONNECT_TO_MAX || cfg->timeout_s > 3600 || cfg->renewals > UE_LIMIT_PAST)
		return err_set(err, -EINVAL, "connect_to: at most %d; timeout_s: at most 3600; renewals: at most %d",
			       UE_CONNECT_TO_MAX, UE_LIMIT_PAST);
	for (size_t i = 0; i < cfg->n_connect_to; i++) {
		if (!cfg->connect_to[i] || !http_url_connect_to(cfg->connect_to[i]))
			return err_set(err, -EINVAL, "connect_to: allowed is HOST:PORT:ADDR:PORT");
		ue->connect_to[i] = strdup(cfg->connect_to[i]);
		if (!ue->connect_to[i])
			return -ENOMEM;
	}
	ue->http = (struct http_get_cfg){ .connect_to = (const char *const *)ue->connect_to,
					  .n_connect_to = cfg->n_connect_to,
					  .trace = cfg->trace,
					  .timeout_s = cfg->timeout_s ? cfg->timeout_s : TIMEOUT_S };
	ue->renewals = cfg->renewals ? cfg->renewals : RENEWALS;
	ue->renewals_s = cfg->renewals_s ? cfg->renewals_s : RENEWALS_S;
	if (cfg->size >= offsetof(struct gba_ue_config, renew_s) + sizeof(cfg->renew_s))
		ue->renew_s = cfg->renew_s;
	if (ue->renew_s > RENEW_MAX_S)
		return err_set(err, -EINVAL, "renew_s: at most %d", RENEW_MAX_S);
	ue->state_dir = cfg->state_dir ? strdup(cfg->state_dir) : NULL;
	return cfg->state_dir && !ue->state_dir ? -ENOMEM : 0;
}

static struct gba_ue *device_new(const struct gba_ue_config *cfg, struct err *err)
{
	struct gba_ue *ue = calloc(1, sizeof(*ue));

	if (!ue)
		return NULL;
	ue->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	/* the wall clock's: keys end by it, also when it is set */
	ue->clock_fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (ue->epoll_fd >= 0 && watch(ue, ue->clock_fd) == 0 && take_config(ue, cfg, err) == 0)
		return ue;
	gba_ue_free(ue);
	return NULL;
}

struct gba_ue *gba_ue_new(const struct gba_ue_config *cfg, char *err, size_t errlen)
{
	struct gba_ue_config defaults;
	struct err why = { "" };
	struct gba_ue *ue;

	gba_ue_config_init(&defaults);
	ue = device_new(cfg ? cfg : &defaults, &why);
	if (!ue)
		tell_why(err, errlen, &why);
	return ue;
}

struct gba_ue *gba_ue_new_agent(const char *path, char *err, size_t errlen)
{
	struct gba_ue *ue = path ? gba_ue_new(NULL, err, errlen) : NULL;

	if (ue)
		ue->agent = strdup(path);
	if (ue && ue->agent)
		return ue;
	tell_why(err, errlen, &(struct err){ "no path of an agent's socket" });
	gba_ue_free(ue);
	return NULL;
}

void gba_ue_free(struct gba_ue *ue)
{
	if (!ue)
		return;
	for (size_t i = 0; i < ue->n_realms; i++)
		ue_realm_free(ue->realms[i]);
	ue_watch_free(ue->watch);
	free(ue->agent);
	for (size_t i = 0; i < UE_CONNECT_TO_MAX; i++)
		free(ue->connect_to[i]);
	free(ue->state_dir);
	if (ue->clock_fd >= 0)
		close(ue->clock_fd);
	if (ue->epoll_fd >= 0)
		close(ue->epoll_fd);
	OPENSSL_cleanse(ue, sizeof(*ue));
	free(ue);
}

/* \returns NULL: none of this name */
static struct ue_realm *realm_find(const struct gba_ue *ue, const char *name)
{
	for (size_t i = 0; name && i < ue->n_realms; i++) {
		if (strcmp(ue->realms[i]->name, name) == 0)
			return ue->realms[i];
	}
	return NULL;
}

/* STATE_DIR/active has the name of the active realm; one that is not there (any more) leaves the choice to the order. */
static bool was_active(const struct gba_ue *ue, const char *name)
{
	char path[KEY_STORE_PATH_MAX], *text = NULL;
	size_t len = 0;
	bool same;

	if (!ue->state_dir)
		return false;
	snprintf(path, sizeof(path), "%s/active", ue->state_dir);
	if (state_file_read(path, &text, &len, NULL) < 0)
		return false;
	same = strcmp(text, name) == 0;
	free(text);
	return same;
}

static int realm_wrong(const struct gba_ue *ue, const char *name, const char *card, const char *bsf, struct err *err)
{
	char *host = NULL, *target = NULL;
	int rc = 0;

	if (ue->agent)
		return err_set(err, -ENOTSUP, "the realms are the agent's");
	if (!name || !name[0] || strlen(name) > GBA_UE_REALM_MAX || name[strspn(name, WORD)] || name[0] == '.' || !card)
		return err_set(err, -EINVAL,
			       "a realm needs a card, and a name of 1 to %d letters, digits, '.', '_' and '-'",
			       GBA_UE_REALM_MAX);
	if (realm_find(ue, name))
		return err_set(err, -EEXIST, "realm %s is there already", name);
	if (ue->n_realms == GBA_UE_REALMS_MAX)
		return err_set(err, -ENOSPC, "more than %d realms", GBA_UE_REALMS_MAX);
	if (bsf)
		rc = http_url_split(bsf, &host, &target, err);
	free(host);
	free(target);
	return rc < 0 ? -EINVAL : 0;
}

static int realm_add(struct gba_ue *ue, const char *name, const char *card, const char *bsf, const char *state,
		     struct err *err)
{
	char beside[KEY_STORE_PATH_MAX];
	struct ue_realm *r;
	int rc = realm_wrong(ue, name, card, bsf, err);

	if (rc < 0)
		return rc;
	if (!state && ue->state_dir) {
		snprintf(beside, sizeof(beside), "%s/%s", ue->state_dir, name);
		state = beside;
	}
	r = ue_realm_new(name, card, bsf, state, &ue->http, err);
	if (!r || watch(ue, http_get_fd(r->http)) < 0) {
		ue_realm_free(r);
		return -ENOMEM;
	}
	r->renew_s = ue->renew_s;
	ue->realms[ue->n_realms++] = r;
	if (!ue->active || was_active(ue, name))
		ue->active = r;
	ue_device_arm(ue);
	return 0;
}

int gba_ue_realm_add(struct gba_ue *ue, const char *name, const char *card, const char *bsf, const char *state,
		     char *err, size_t errlen)
{
	struct err why = { "" };
	int rc = ue ? realm_add(ue, name, card, bsf, state, &why) : -EINVAL;

	if (rc < 0)
		tell_why(err, errlen, &why);
	return rc;
}

int gba_ue_realm_use(struct gba_ue *ue, const char *name)
{
	struct ue_realm *r = ue ? realm_find(ue, name) : NULL;
	char path[KEY_STORE_PATH_MAX];

	if (!ue || ue->agent)
		return ue ? -ENOTSUP : -EINVAL;
	if (!r)
		return -ENOENT;
	if (ue->state_dir) {
		snprintf(path, sizeof(path), "%s/active", ue->state_dir);
		if (state_file_write(path, name, strlen(name), NULL) < 0)
			return -EIO;
	}
	ue->active = r;
	ue_device_arm(ue); /* what waited for the other one goes on */
	return 0;
}

const struct gba_ue_token *gba_ue_token_at(struct gba_ue *ue, size_t i)
{
	struct gba_ue_token *t = ue ? &ue->token : NULL;
	struct ue_realm *r = ue && i < ue->n_realms ? ue->realms[i] : NULL;
	const struct key_store *k = r ? &r->keys : NULL;

	if (!r)
		return NULL;
	ue->why.text[0] = '\0';
	if (ue_realm_ready(r, &ue->why) < 0 && !ue->why.text[0])
		err_set(&ue->why, 0, "no card");
	ue_realm_life(r);
	ue_device_arm(ue);
	ue->masked[0] = ue->tmpi[0] = ue->run[0] = '\0';
	if (r->card)
		impi_mask(ue->masked, k->impi.s);
	if (r->card && k->has_tmpi)
		tmpi_format(ue->tmpi, k->tmpi);
	if (r->card && k->has_ks)
		run_id(ue->run, k->rand);
	*t = (struct gba_ue_token){ .realm = r->name, .active = r == ue->active, .card = r->card, .btid = "" };
	t->why = ue->why.text;
	t->identity = ue->masked;
	t->tmpi = ue->tmpi;
	t->run = ue->run;
	if (r->card && k->has_ks) {
		t->key = true;
		t->on_card = k->on_card;
		t->btid = k->btid;
		t->expires_at = k->expires_at;
	}
	return t;
}

int gba_ue_drop(struct gba_ue *ue, const char *realm, bool with_tmpi)
{
	struct ue_realm *r = ue ? realm_find(ue, realm) : NULL;
	int rc;

	if (!ue || ue->agent)
		return ue ? -ENOTSUP : -EINVAL;
	if (!r)
		return -ENOENT;
	ue_realm_ready(r, NULL);
	rc = ue_realm_drop(r, with_tmpi, NULL);
	ue_device_arm(ue);
	return rc == 0 || rc == -ENODEV ? rc : -EIO;
}

void ue_device_watch(struct gba_ue *ue)
{
	if (!ue->watch || ue_watch_step(ue->watch))
		return;
	ue_watch_free(ue->watch);
	ue->watch = NULL;
}

/* A program that asks this holds keys for long: from now on the agent tells. */
static bool agent_holds(struct gba_ue *ue, const struct gba_ue_key *key)
{
	if (!ue->watched)
		ue->watch = ue_watch_new(ue->agent, ue->epoll_fd);
	ue->watched = true;
	ue_device_watch(ue);
	return !ue->watch || ue_watch_holds(ue->watch, key->realm, key->btid);
}

bool gba_ue_key_valid(struct gba_ue *ue, const struct gba_ue_key *key)
{
	const struct ue_realm *r = ue && key ? realm_find(ue, key->realm) : NULL;

	if (!ue || !key || key->expires_at <= (int64_t)time(NULL))
		return false;
	if (ue->agent)
		return agent_holds(ue, key);
	return r && r == ue->active && r->drops == key->drops;
}

int gba_ue_fd(const struct gba_ue *ue)
{
	return ue ? ue->epoll_fd : -1;
}

void ue_device_arm(struct gba_ue *ue)
{
	struct itimerspec when = { 0 };
	struct timespec now;
	time_t first = 0, at;
	int ms, soonest = ue_request_can_go_on(ue) ? 0 : -1;

	for (size_t i = 0; i < ue->n_realms; i++) {
		ms = ue_realm_next(ue->realms[i], &at);
		if (at && (!first || at < first))
			first = at;
		if (ms >= 0 && (soonest < 0 || ms < soonest))
			soonest = ms;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	when.it_value.tv_sec = first;
	if (soonest >= 0 && (!first || now.tv_sec + soonest / 1000 < first)) {
		long ns = now.tv_nsec + soonest % 1000 * 1000000L + 1;

		when.it_value.tv_sec = now.tv_sec + soonest / 1000 + ns / 1000000000;
		when.it_value.tv_nsec = ns % 1000000000;
	}
	timerfd_settime(ue->clock_fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL);
}
