/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tools/zn_ask.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/dia/dia_addr.h"
#include "common/dia/dia_tx.h"
#include "dict/dict_gba.h"

#define SLICE_MS 5

/* The library's threads write here, the one that asks waits. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool answered;
	int rc;
	struct zn_bia bia;
	void (*log)(const char *text);
	char refused[400]; /* what the CEA says, if it refuses us */
	char trouble[400]; /* the first thing that went wrong on the way to a connection */
} state = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static void tell(const char *what, const char *peer, const char *detail)
{
	char text[512];
	struct writer w;

	writer_init(&w, text, sizeof(text));
	writer_printf(&w, "%s%s%s%s", what, peer, *detail ? ": " : "", detail);
	if (state.log && writer_end(&w) > 0)
		state.log(text);
}

static void zn_ask_on_log(void *owner, enum dia_log_level level, const char *text)
{
	if (level < DIA_LOG_INFO)
		return;
	pthread_mutex_lock(&state.lock);
	if (!*state.trouble && strstr(text, "CEA"))
		span_to_str(state.trouble, sizeof(state.trouble), span_str(text));
	pthread_mutex_unlock(&state.lock);
	tell("diameter", "", text);
}

static void zn_ask_on_event(void *owner, enum dia_event ev, const char *peer, const char *detail)
{
	tell(ev == DIA_EV_PEER_OPEN ? "connected to " : "diameter: ", peer, detail);
	pthread_mutex_lock(&state.lock);
	if (ev == DIA_EV_REFUSED)
		span_to_str(state.refused, sizeof(state.refused), span_str(detail));
	pthread_cond_broadcast(&state.changed);
	pthread_mutex_unlock(&state.lock);
}

static void zn_ask_on_answer(void *owner, uint64_t txn, struct msg *answer)
{
	struct zn_bia bia = { 0 };
	int rc = answer ? zn_bia_decode(&bia, answer) : -EHOSTDOWN;

	if (answer)
		fd_msg_free(answer);
	pthread_mutex_lock(&state.lock);
	state.rc = rc;
	state.bia = bia;
	state.answered = true;
	pthread_cond_broadcast(&state.changed);
	pthread_mutex_unlock(&state.lock);
	OPENSSL_cleanse(&bia, sizeof(bia));
}

/*! Until done() or the time is over. Events wake it; the slices are for what the library tells slightly too early. */
static bool wait_until(bool (*done)(const struct zn_ask *ask), const struct zn_ask *ask)
{
	uint64_t end = clock_mono_ms() + ask->timeout_ms;
	struct timespec slice;

	while (!done(ask)) {
		if (clock_mono_ms() >= end)
			return false;
		clock_gettime(CLOCK_REALTIME, &slice);
		slice.tv_nsec += SLICE_MS * 1000000;
		slice.tv_sec += slice.tv_nsec / 1000000000;
		slice.tv_nsec %= 1000000000;
		pthread_mutex_lock(&state.lock);
		if (!state.answered)
			pthread_cond_timedwait(&state.changed, &state.lock, &slice);
		pthread_mutex_unlock(&state.lock);
	}
	return true;
}

/* A refusal stays one until somebody mends it: no more tries. */
static bool is_settled(const struct zn_ask *ask)
{
	bool refused;

	pthread_mutex_lock(&state.lock);
	refused = *state.refused;
	pthread_mutex_unlock(&state.lock);
	return refused || dia_peer_is_open(ask->bsf_identity);
}

static bool is_answered(const struct zn_ask *ask)
{
	bool yes;

	pthread_mutex_lock(&state.lock);
	yes = state.answered;
	pthread_mutex_unlock(&state.lock);
	return yes;
}

static int node_up(const struct zn_ask *ask, struct err *err)
{
	struct dia_cfg cfg = {
		.identity = ask->identity,
		.realm = ask->realm,
		.n_peers = 1,
		.cb = { .log = zn_ask_on_log, .event = zn_ask_on_event },
	};
	int rc = dia_addr_resolve(&cfg.peers[0].addr, ask->bsf_address, err);

	if (rc < 0)
		return rc;
	/* its realm stays empty: every request goes to this one peer, also one for the domain of a B-TID */
	if (span_to_str(cfg.peers[0].identity, sizeof(cfg.peers[0].identity), span_str(ask->bsf_identity)) < 0)
		return err_set(err, -EINVAL, "Diameter identity of the BSF: at most %zu characters",
			       sizeof(cfg.peers[0].identity) - 1);
	state.log = ask->log;
	rc = dia_core_init(&cfg, err);
	if (rc == 0 && (dia_client(GBA_APP_ZN) < 0 || dia_tx_start(4) < 0))
		rc = err_set(err, -EIO, "the Diameter node does not start");
	return rc < 0 ? rc : dia_core_start(err);
}

static int not_connected(const struct zn_ask *ask, struct err *err)
{
	int rc = err_set(err, -EHOSTDOWN, "no connection to %s at %s within %u ms", ask->bsf_identity, ask->bsf_address,
			 ask->timeout_ms);

	pthread_mutex_lock(&state.lock);
	if (*state.refused)
		err_set(err, rc, "%s at %s refuses us: %s", ask->bsf_identity, ask->bsf_address, state.refused);
	else if (*state.trouble)
		err_set(err, rc, "the node at %s refuses us as %s, or is not called %s (%s)", ask->bsf_address,
			ask->identity, ask->bsf_identity, state.trouble);
	pthread_mutex_unlock(&state.lock);
	return rc;
}

static int ask_and_wait(struct zn_bia *out, const struct zn_ask *ask, struct err *err)
{
	struct msg *m = NULL;
	int rc;

	if (!wait_until(is_settled, ask) || !dia_peer_is_open(ask->bsf_identity))
		return not_connected(ask, err);
	rc = zn_bir_encode(&m, span_str(ask->btid), &ask->naf_id, (const char(*)[ZN_GSID_MAX + 1]) ask->gsids,
			   ask->n_gsids, ask->gba_u_aware, ask->dest_realm ? ask->dest_realm : ask->bsf_realm,
			   ask->dest_realm ? NULL : ask->bsf_identity);
	if (rc == 0)
		rc = dia_tx_request(&m, zn_ask_on_answer, NULL, 1, ask->timeout_ms);
	if (rc < 0)
		return err_set(err, -EIO, "the request cannot be sent");
	if (!wait_until(is_answered, ask))
		return err_set(err, -ETIMEDOUT, "no answer of %s within %u ms", ask->bsf_identity, ask->timeout_ms);
	pthread_mutex_lock(&state.lock);
	rc = state.rc;
	*out = state.bia;
	OPENSSL_cleanse(&state.bia, sizeof(state.bia));
	pthread_mutex_unlock(&state.lock);
	return rc < 0 ? err_set(err, rc, "the answer of %s cannot be read", ask->bsf_identity) : 0;
}

int zn_ask(struct zn_bia *out, const struct zn_ask *ask, struct err *err)
{
	int rc = node_up(ask, err);

	if (rc < 0)
		return rc;
	rc = ask_and_wait(out, ask, err);
	dia_tx_stop();
	dia_core_stop();
	return rc;
}
