/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/vectors/gsup_client.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <talloc.h>
#include "bsf/vectors/gsup_guss.h"
#include "common/base/owner_of.h"

#define MARGIN_MS 1000 /* between the end of our patience and that of who asked */
#define THE_HLR   1    /* zh_result.hss: there is but one */

struct gsup_client {
	struct zh_client client; /* first */
	struct gsup_client_cfg cfg;
};

/* From the shard to the link and back. */
struct gsup_run {
	struct gsup_question q; /* first */
	struct gsup_client_cfg back;
	uint64_t txn;
	struct impi impi;
	struct zh_result r;
};

/* --- which IMSI */

int gsup_client_imsi(char out[GSUP_IMSI_MAX + 1], const struct gsup_client_cfg *cfg, const char *impi)
{
	size_t digits = strspn(impi, "0123456789");
	char imsi[GSUP_IMSI_MAX + 1];
	struct impi made;

	for (size_t i = 0; i < cfg->n_identities; i++) {
		if (impi_same(cfg->identities[i].impi.s, impi)) {
			strcpy(out, cfg->identities[i].imsi);
			return 0;
		}
	}
	if (digits > GSUP_IMSI_MAX || impi[digits] != '@')
		return -ENOENT;
	memcpy(imsi, impi, digits);
	imsi[digits] = '\0';
	for (int mnc_len = 2; mnc_len <= 3; mnc_len++) {
		if (impi_from_imsi(&made, imsi, mnc_len) == 0 && impi_same(made.s, impi)) {
			strcpy(out, imsi);
			return 0;
		}
	}
	return -ENOENT;
}

/* --- the way back */

static void gsup_run_free(struct gsup_run *run)
{
	zh_vector_clear(&run->r.vector);
	guss_blob_put(run->r.guss);
	free(run);
}

static void gsup_run_end(struct gsup_run *run)
{
	const struct gsup_client_cfg *c = &run->back;

	if (run->r.rc == 0 && run->r.vector.kind == ZH_VECTOR_AKA && c->guss_dir)
		run->r.rc = gsup_guss_read(&run->r.guss, c->guss_dir, run->impi.s);
	c->done(c->owner, run->txn, &run->r);
	gsup_run_free(run);
}

static void gsup_run_came_back(void *owner, struct inbox_item *item, bool stopping)
{
	struct gsup_run *run = (struct gsup_run *)item;

	if (stopping)
		gsup_run_free(run);
	else
		gsup_run_end(run);
}

static void post_back(struct gsup_run *run)
{
	run->q.item.run = gsup_run_came_back;
	if (inbox_post_always(run->back.inbox, &run->q.item) < 0)
		gsup_run_free(run);
}

/* In the numbers of 29.109, as whoever decides knows them. An HLR that does not find the MAC-S of an AUTS right says the same
 * as of an unknown IMSI. */
static struct result refusal(const struct gsup_answer *a, bool resync)
{
	if (resync)
		return (struct result){ .code = RESULT_UNABLE_TO_COMPLY };
	switch (a->cause) {
	case GSUP_CAUSE_IMSI_UNKNOWN:
		return (struct result){ RESULT_X_IDENTITY_UNKNOWN, true, RESULT_VENDOR_3GPP, 0, 0 };
	case GSUP_CAUSE_CONGESTION:
		return (struct result){ .code = RESULT_TOO_BUSY };
	default:
		return (struct result){ .code = RESULT_UNABLE_TO_COMPLY };
	}
}

static void read_gsup(struct gsup_run *run, const struct gsup_answer *a)
{
	if (a->refused) {
		run->r.result = refusal(a, run->q.ask.has_resync);
		snprintf(run->r.said.error, sizeof(run->r.said.error), "GSUP cause 0x%02x", a->cause);
		return;
	}
	run->r.result.code = RESULT_SUCCESS;
	if (!a->has_vector)
		return;
	run->r.vector.kind = ZH_VECTOR_AKA;
	run->r.vector.aka = a->vector;
}

/* On the link's thread. */
static void gsup_run_answered(struct gsup_question *q, int rc, const struct gsup_answer *a)
{
	struct gsup_run *run = (struct gsup_run *)q;

	if (rc == -ESHUTDOWN)
		return gsup_run_free(run);
	run->r.rc = rc;
	if (rc == 0)
		read_gsup(run, a);
	post_back(run);
}

/* --- the way there */

static struct gsup_run *gsup_run_new(const struct gsup_client *c, const struct zh_ask *ask, uint64_t txn)
{
	struct gsup_run *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->back = c->cfg;
	run->txn = txn;
	run->impi = *ask->impi;
	run->r.hss = THE_HLR;
	snprintf(run->r.said.origin, sizeof(run->r.said.origin), "%s", c->cfg.label);
	run->q.answered = gsup_run_answered;
	run->q.patience_ms = atomic_load(c->cfg.timeout_s) * 1000;
	if (ask->auts) {
		run->q.ask.has_resync = true;
		memcpy(run->q.ask.rand, ask->rand, sizeof(run->q.ask.rand));
		memcpy(run->q.ask.auts, ask->auts, sizeof(run->q.ask.auts));
	}
	return run;
}

/* Whom the HLR cannot know; answered as if it had said so. */
static int nobody(struct gsup_run *run)
{
	run->r.result = (struct result){ RESULT_X_IDENTITY_UNKNOWN, true, RESULT_VENDOR_3GPP, 0, 0 };
	snprintf(run->r.said.error, sizeof(run->r.said.error), "no IMSI known for this IMPI, not asked");
	post_back(run);
	return 0;
}

static int gsup_client_ask(struct zh_client *zc, const struct zh_ask *ask, uint64_t txn, uint32_t *timeout_ms,
			   char *session_id)
{
	struct gsup_client *c = (struct gsup_client *)zc;
	struct gsup_run *run = gsup_run_new(c, ask, txn);
	uint32_t session;
	int rc;

	if (!run)
		return -ENOMEM;
	*timeout_ms = run->q.patience_ms + MARGIN_MS;
	snprintf(session_id, ZH_SESSION_ID_MAX + 1, "%s", "");
	if (gsup_client_imsi(run->q.ask.imsi, &c->cfg, ask->impi->s) < 0)
		return nobody(run);
	rc = gsup_link_ask(c->cfg.link, &run->q, &session);
	if (rc < 0)
		gsup_run_free(run);
	else
		snprintf(session_id, ZH_SESSION_ID_MAX + 1, "%.100s;%u", c->cfg.label, session);
	return rc;
}

static const char *gsup_client_asked(const struct zh_client *zc)
{
	return ((const struct gsup_client *)zc)->cfg.label;
}

struct zh_client *gsup_client_new(void *ctx, const struct gsup_client_cfg *cfg)
{
	static const struct zh_client_ops ops = { gsup_client_ask, gsup_client_asked };
	struct gsup_client *c = talloc_zero(ctx, struct gsup_client);

	if (!c)
		return NULL;
	c->client.ops = &ops;
	c->cfg = *cfg;
	return &c->client;
}
