/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/vectors/zh_client_fd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include "bsf/run/cfg.h"
#include "common/dia/dia_core.h"
#include "common/dia/dia_msg.h"
#include "common/dia/dia_tx.h"
#include "common/dia/zh_codec.h"

struct zh_client {
	struct inbox *inbox;
	zh_done_fn *done;
	void *owner;
};

/* An answer on its way from freeDiameter's thread to the shard. */
struct zh_item {
	struct inbox_item item;
	const struct zh_client *zc;
	uint64_t txn;
	struct zh_result r;
};

struct zh_client *zh_client_fd_new(void *ctx, struct inbox *inbox, zh_done_fn *done, void *owner)
{
	struct zh_client *zc = talloc_zero(ctx, struct zh_client);

	if (!zc)
		return NULL;
	zc->inbox = inbox;
	zc->done = done;
	zc->owner = owner;
	return zc;
}

static void item_free(struct zh_item *it)
{
	zh_vector_clear(&it->r.vector);
	guss_blob_put(it->r.guss);
	free(it);
}

static void item_run(void *owner, struct inbox_item *item, bool stopping)
{
	struct zh_item *it = (struct zh_item *)item;

	if (!stopping)
		it->zc->done(it->zc->owner, it->txn, &it->r);
	item_free(it);
}

/* The library answers in the place of a peer that is gone, without naming one. */
static bool made_here(struct msg *m, const struct result *r)
{
	char peer[256];

	dia_msg_peer(m, peer);
	return r->code == RESULT_UNABLE_TO_DELIVER && !r->experimental &&
	       (!peer[0] || !strcasecmp(peer, bsf_cfg->identity));
}

/* For the log: its beginning will do, and what is no text is left out. */
static void read_text(char *out, size_t cap, struct msg *m, uint32_t code)
{
	struct avp_cursor c;
	struct span s;

	out[0] = '\0';
	if (!avp_find(&c, m, code, 0) || avp_octets(&c, &s) < 0)
		return;
	if (s.len >= cap)
		s.len = cap - 1;
	if (span_to_str(out, cap, s) < 0)
		out[0] = '\0';
}

static void result_of(struct zh_result *out, struct msg *m)
{
	struct zh_maa maa = { 0 };

	if (!m) {
		out->rc = -ENOTCONN;
		return;
	}
	read_text(out->said.origin, sizeof(out->said.origin), m, 264);
	read_text(out->said.error, sizeof(out->said.error), m, 281);
	out->rc = zh_maa_decode(&maa, m);
	if (out->rc < 0)
		return;
	out->result = maa.result;
	if (made_here(m, &maa.result))
		out->rc = -ENOTCONN;
	out->vector = maa.vector;
	if (maa.guss.len) {
		out->guss = guss_blob_new(maa.guss);
		if (!out->guss)
			out->rc = -ENOMEM;
	}
	zh_maa_clear(&maa);
}

/* On a thread of freeDiameter. */
static void zh_client_fd_on_answer(void *owner, uint64_t txn, struct msg *answer)
{
	struct zh_client *zc = owner;
	struct zh_item *it = calloc(1, sizeof(*it));

	if (it) {
		it->item.run = item_run;
		it->zc = zc;
		it->txn = txn;
		result_of(&it->r, answer);
		if (inbox_post_always(zc->inbox, &it->item) < 0)
			item_free(it);
	}
	if (answer)
		fd_msg_free(answer);
}

static struct bsf_hss *hss_open(void)
{
	for (size_t i = 0; i < bsf_cfg->n_hss; i++) {
		if (dia_peer_is_open(bsf_cfg->hss[i].identity))
			return &bsf_cfg->hss[i];
	}
	return NULL;
}

static void session_id_of(struct msg *m, char *out)
{
	char sid[DIA_SESSION_ID_MAX + 1];

	dia_msg_session(m, sid);
	snprintf(out, ZH_SESSION_ID_MAX + 1, "%.*s", ZH_SESSION_ID_MAX, sid);
}

int zh_client_ask(struct zh_client *zc, const struct zh_ask *ask, uint64_t txn, uint32_t *timeout_ms, char *session_id)
{
	struct bsf_hss *hss = hss_open();
	struct zh_mar mar = { .impi = *ask->impi };
	uint32_t patience_ms;
	struct msg *m;
	int rc;

	if (!hss)
		return -ENOTCONN;
	patience_ms = atomic_load(&hss->timeout_s) * 1000;
	snprintf(mar.scheme, sizeof(mar.scheme), "%s", ask->scheme);
	if (ask->auts) {
		mar.has_resync = true;
		memcpy(mar.rand, ask->rand, sizeof(mar.rand));
		memcpy(mar.auts, ask->auts, sizeof(mar.auts));
	}
	rc = zh_mar_encode(&m, &mar, hss->realm, hss->identity);
	if (rc < 0)
		return rc;
	session_id_of(m, session_id);
	rc = dia_tx_request(&m, zh_client_fd_on_answer, zc, txn, patience_ms);
	if (rc < 0) {
		fd_msg_free(m);
		return rc;
	}
	*timeout_ms = patience_ms;
	return 0;
}
