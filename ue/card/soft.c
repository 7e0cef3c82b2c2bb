/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A USIM in software. What it has accepted, and its Ks of GBA_U, is on disk before RES leaves, so a crash never lets a
 * vector be used twice. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ue/card/card_ops.h"
#include "ue/card/sim_cfg.h"
#include "ue/card/sim_state.h"
#include "ue/state_file.h"

#define HEAD "gba-ue usim state v1\n"

struct soft {
	struct card base;
	struct sim sim;
	int lock_fd;
};

static int soft_load(struct soft *card, struct err *err)
{
	const char *p;
	char *text;
	size_t len;
	int rc = state_file_read(card->base.state_path, &text, &len, err);

	if (rc == -ENOENT)
		return 0; /* a new card: all numbers zero */
	if (rc < 0)
		return rc;
	p = text;
	if (strncmp(p, HEAD, strlen(HEAD)) != 0) {
		rc = -EBADMSG;
	} else {
		p += strlen(HEAD);
		rc = sim_state_get(&card->sim, &p);
	}
	OPENSSL_cleanse(text, len);
	free(text);
	if (rc < 0)
		return err_set(err, rc, "%s: is no state of a soft USIM; move it away to start with a new card",
			       card->base.state_path);
	return 0;
}

static int soft_save(const struct soft *card, struct err *err)
{
	char text[sizeof(HEAD) + SIM_STATE_MAX];
	struct writer w;
	int rc;

	writer_init(&w, text, sizeof(text));
	writer_str(&w, HEAD);
	sim_state_put(&w, &card->sim);
	rc = writer_end(&w);
	if (rc >= 0)
		rc = state_file_write(card->base.state_path, text, w.len, err);
	OPENSSL_cleanse(text, sizeof(text));
	return rc;
}

static int soft_authenticate(struct card *base, struct card_answer *out, enum card_context context,
			     const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN], struct err *err)
{
	struct soft *card = (struct soft *)base;
	struct sim before = card->sim;
	struct card_answer a = { 0 };
	int rc = context == CARD_CONTEXT_GBA ? sim_gba(&card->sim, &a, rand, autn) : sim_3g(&card->sim, &a, rand, autn);

	if (rc < 0)
		err_set(err, rc, "the soft USIM's algorithm failed");
	else if (a.outcome == CARD_OK)
		rc = soft_save(card, err);
	if (rc == 0)
		*out = a;
	else
		card->sim = before;
	card_answer_clear(&a);
	sim_clear(&before);
	return rc;
}

static int soft_derive(struct card *base, struct secret *ks_ext_naf, struct span naf_id, struct span impi,
		       struct err *err)
{
	struct soft *card = (struct soft *)base;
	SECRET_AUTO in = { 0 }; /* nothing on this card uses it */
	int rc = sim_derive(&card->sim, ks_ext_naf, &in, naf_id, impi);

	return rc < 0 ? err_set(err, rc, rc == -ENOKEY ? "the card has no Ks" : "the key cannot be derived") : 0;
}

static int soft_gbabp_read(struct card *base, struct card_gbabp *out, struct err *err)
{
	*out = ((struct soft *)base)->sim.gbabp;
	return 0;
}

static int soft_gbabp_write(struct card *base, const char *btid, const char *lifetime, struct err *err)
{
	struct soft *card = (struct soft *)base;
	const struct card_gbabp before = card->sim.gbabp;
	struct card_gbabp *bp = &card->sim.gbabp;
	int rc;

	if (strlen(btid) >= sizeof(bp->btid) || strlen(lifetime) >= sizeof(bp->lifetime))
		return err_set(err, -ENOSPC, "EF_GBABP is too short for this B-TID and lifetime");
	strcpy(bp->btid, btid);
	strcpy(bp->lifetime, lifetime);
	rc = soft_save(card, err);
	if (rc < 0)
		*bp = before;
	return rc;
}

static void soft_close(struct card *base)
{
	struct soft *card = (struct soft *)base;

	if (card->lock_fd >= 0)
		close(card->lock_fd);
	free(card->base.state_path);
	OPENSSL_cleanse(card, sizeof(*card));
	free(card);
}

static const struct card_ops soft_ops = {
	.authenticate = soft_authenticate,
	.derive = soft_derive,
	.gbabp_read = soft_gbabp_read,
	.gbabp_write = soft_gbabp_write,
	.close = soft_close,
};

static int soft_take_cfg(struct soft *card, const struct sim_cfg *cfg, struct err *err)
{
	card->base.caps = CARD_CAP_3G | (cfg->gba_u ? CARD_CAP_GBA | CARD_CAP_FILES : 0);
	card->sim.cred = cfg->cred;
	card->sim.mac_star = cfg->mac_star;
	card->sim.sqn.limits = cfg->limits;
	snprintf(card->base.serial, sizeof(card->base.serial), "%s", cfg->imsi);
	card->base.state_path = strdup(cfg->state_file);
	return card->base.state_path ? card_set_usim(&card->base, cfg->imsi, cfg->mnc_len, err) : -ENOMEM;
}

int card_soft_open(struct card **out, const char *path, struct err *err)
{
	struct soft *card = calloc(1, sizeof(*card));
	struct sim_cfg cfg;
	int rc;

	if (!card)
		return -ENOMEM;
	card->base.ops = &soft_ops;
	card->lock_fd = -1;
	rc = sim_cfg_read(&cfg, path, err);
	if (rc == 0) {
		rc = soft_take_cfg(card, &cfg, err);
		sim_cfg_clear(&cfg);
		if (rc == 0)
			rc = card->lock_fd = state_file_lock(card->base.state_path, err);
		if (rc >= 0)
			rc = soft_load(card, err);
	}
	if (rc < 0) {
		soft_close(&card->base);
		return rc;
	}
	*out = &card->base;
	return 0;
}
