/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/ue_realm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"

#define RENEW_AGAIN_S 5   /* at the soonest, after a run that came to nothing */
#define CARD_CHECK_MS 400 /* a pulled card's keys are gone within a second */

static char *copy(const char *s)
{
	return s ? strdup(s) : NULL;
}

struct ue_realm *ue_realm_new(const char *name, const char *card_path, const char *bsf, const char *state,
			      const struct http_get_cfg *http, struct err *err)
{
	struct ue_realm *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->open = card_open;
	r->name = copy(name);
	r->card_path = copy(card_path);
	r->bsf = copy(bsf);
	r->state = copy(state);
	r->http = http_get_new(http, err);
	if (r->http && r->name && r->card_path && !r->bsf == !bsf && !r->state == !state)
		return r;
	ue_realm_free(r);
	return NULL;
}

static void close_card(struct ue_realm *r)
{
	ub_client_stop(&r->ub);
	if (r->card)
		key_store_close(&r->keys);
	card_close(r->card);
	r->card = NULL;
}

void ue_realm_free(struct ue_realm *r)
{
	if (!r)
		return;
	close_card(r);
	http_get_free(r->http);
	free(r->name);
	free(r->card_path);
	free(r->bsf);
	free(r->state);
	free(r);
}

/* The key store of the application that is chosen. */
static int open_keys(struct ue_realm *r, const struct card *card, struct err *err)
{
	char path[KEY_STORE_PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", r->state ? r->state : card->state_path, card->variant);
	return key_store_open(&r->keys, path, card->serial, &card->impi, time(NULL), err);
}

static int open_card(struct ue_realm *r, struct err *err)
{
	struct card *card;
	int rc = r->open(&card, r->card_path, err);

	/* at power-up, too: nothing that was made with a card outlives it (4.4.11) */
	if ((rc == -ENODEV || rc == -ENOENT) && r->state)
		key_store_no_card(r->state, NULL);
	if (rc < 0)
		return rc;
	rc = open_keys(r, card, err);
	if (rc < 0) {
		card_close(card);
		return rc;
	}
	snprintf(r->url, sizeof(r->url), "http://%s/", card->bsf_name);
	r->card = card;
	r->ub = (struct ub_client){ .card = card,
				    .keys = &r->keys,
				    .http = r->http,
				    .url = r->bsf ? r->bsf : r->url,
				    .bsf_name = card->bsf_name };
	r->check_at = clock_mono_ms() + CARD_CHECK_MS;
	return 0;
}

/* The card is out, or was. A disk that fails now is told by the next run, which cannot write either. */
static void card_lost(struct ue_realm *r)
{
	if (r->ub.run) {
		ub_client_stop(&r->ub);
		r->last = UE_CAUSE_local;
		err_set(&r->why, -ENODEV, "the card was taken out");
	}
	key_store_forget(&r->keys, true, NULL);
	key_store_others(r->state ? r->state : r->card->state_path, NULL);
	r->drops++;
	close_card(r);
}

int ue_realm_choose(struct ue_realm *r, enum card_wish wish, const char *name, struct err *err)
{
	int rc = card_prefer(r->card, wish, name, !r->ub.run, err);

	if (rc == -ENODEV)
		card_lost(r);
	if (rc < 0 || strcmp(r->keys.impi.s, r->card->impi.s) == 0)
		return rc;
	key_store_close(&r->keys);
	snprintf(r->url, sizeof(r->url), "http://%s/", r->card->bsf_name);
	rc = open_keys(r, r->card, err);
	if (rc < 0) { /* without a place for its keys it is no use */
		card_close(r->card);
		r->card = NULL;
	}
	return rc;
}

int ue_realm_ready(struct ue_realm *r, struct err *err)
{
	int rc = r->card ? card_check(r->card, err) : -ENODEV;

	if (rc != -ENODEV)
		return rc;
	if (r->card)
		card_lost(r);
	return open_card(r, err);
}

/* A key that is new here is made anew in its last half, however short it lives. */
static void renew_plan(struct ue_realm *r, time_t now)
{
	time_t end = r->keys.expires_at;

	if (r->renews_of == end)
		return;
	r->renews_of = end;
	r->given = false;
	r->renew_at = end - now < 2 * (time_t)r->renew_s ? now + (end - now + 1) / 2 : end - (time_t)r->renew_s;
}

static bool renew_wanted(const struct ue_realm *r)
{
	return r->renew_s && r->card && r->keys.has_ks && r->given && !r->ub.run;
}

/* Before the end, beside whoever uses the key; what comes to nothing is tried again when half of what is left is over. */
static void ue_realm_renew(struct ue_realm *r)
{
	time_t now = time(NULL), left = r->keys.expires_at - now;
	struct err why = { "" };

	renew_plan(r, now);
	if (!renew_wanted(r) || now < r->renew_at)
		return;
	r->renew_at = now + (left / 2 > RENEW_AGAIN_S ? left / 2 : RENEW_AGAIN_S);
	(void)ue_realm_start(r, &why);
}

void ue_realm_life(struct ue_realm *r)
{
	if (!r->card)
		return;
	if (r->keys.has_ks && r->keys.expires_at <= time(NULL))
		ue_realm_drop(r, false, NULL);
	ue_realm_renew(r);
	if (!(r->card->caps & CARD_CAP_REMOVAL) || clock_mono_ms() < r->check_at)
		return;
	if (card_check(r->card, NULL) == -ENODEV)
		card_lost(r);
	r->check_at = clock_mono_ms() + CARD_CHECK_MS;
}

int ue_realm_next(const struct ue_realm *r, time_t *at)
{
	uint64_t now = clock_mono_ms();

	*at = r->card && r->keys.has_ks ? r->keys.expires_at : 0;
	if (renew_wanted(r) && r->renew_at < *at)
		*at = r->renew_at;
	if (!r->card || !(r->card->caps & CARD_CAP_REMOVAL))
		return -1;
	return now < r->check_at ? (int)(r->check_at - now) : 0;
}

static enum ue_cause run_ended(struct ue_realm *r, enum ue_cause rc, const struct err *why)
{
	if (rc != UE_CAUSE_pending) {
		r->last = rc;
		r->why = *why;
		r->trail = r->ub.trail;
	}
	return rc;
}

enum ue_cause ue_realm_start(struct ue_realm *r, struct err *err)
{
	return run_ended(r, ub_client_start(&r->ub, err), err);
}

void ue_realm_step(struct ue_realm *r)
{
	struct err why = { "" };

	if (r->ub.run)
		run_ended(r, ub_client_step(&r->ub, &why), &why);
}

int ue_realm_drop(struct ue_realm *r, bool with_tmpi, struct err *err)
{
	if (!r->card)
		return r->state ? key_store_no_card(r->state, err) : -ENODEV;
	r->drops++;
	return key_store_forget(&r->keys, with_tmpi, err);
}
