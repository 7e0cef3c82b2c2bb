/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A USIM in software: TS 31.102 7.1.1.1 and TS 33.102 6.3.3, C.2. The array of accepted numbers is on disk before RES
 * leaves, so a crash never lets a vector be used twice. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/crypto/milenage.h"
#include "common/crypto/sqn.h"
#include "ue/state_file.h"
#include "ue/usim.h"
#include "ue/usim_cfg.h"

#define HEAD "gba-ue usim state v1\n"

struct usim_soft {
	struct usim base;
	struct aka_cred cred;
	struct sqn_card sqn;
	int lock_fd;
};

static int usim_load(struct usim_soft *card, struct err *err)
{
	char *text, *p;
	size_t len;
	int rc = state_file_read(card->base.state_path, &text, &len, err);

	if (rc == -ENOENT)
		return 0; /* a new card: all numbers zero */
	if (rc < 0)
		return rc;
	p = text;
	if (strncmp(p, HEAD, strlen(HEAD)) != 0)
		rc = -EBADMSG;
	else
		p += strlen(HEAD);
	for (unsigned i = 0; i <= SQN_IND_MAX && rc == 0; i++) {
		char *end;

		errno = 0;
		card->sqn.seq[i] = strtoull(p, &end, 10);
		if (end == p || *end != '\n' || errno || card->sqn.seq[i] > SQN_SEQ_MAX)
			rc = -EBADMSG;
		else
			p = end + 1;
	}
	free(text);
	if (rc < 0)
		return err_set(err, rc, "%s: is no state of a soft USIM; move it away to start with a new card",
			       card->base.state_path);
	return 0;
}

static int save(const struct usim_soft *card, struct err *err)
{
	char text[sizeof(HEAD) + (SQN_IND_MAX + 1) * 21];
	size_t n = (size_t)snprintf(text, sizeof(text), HEAD);

	for (unsigned i = 0; i <= SQN_IND_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%" PRIu64 "\n", card->sqn.seq[i]);
	return state_file_write(card->base.state_path, text, n, err);
}

static int authenticate(struct usim *base, struct usim_answer *out, const uint8_t rand[AKA_RAND_LEN],
			const uint8_t autn[AKA_AUTN_LEN], struct err *err)
{
	struct usim_soft *card = (struct usim_soft *)base;
	struct sqn_card before = card->sqn;
	struct usim_answer a = { 0 };
	uint64_t sqn;
	int rc = milenage_autn_open(&sqn, &card->cred, rand, autn);

	if (rc == -EBADMSG) {
		*out = (struct usim_answer){ .outcome = USIM_MAC_FAILURE };
		return 0;
	}
	if (rc < 0)
		return err_set(err, rc, "Milenage failed");
	if (sqn_card_accept(&card->sqn, sqn) < 0) {
		a.outcome = USIM_SYNC_FAILURE;
		rc = milenage_auts_make(a.auts, &card->cred, rand, sqn_card_highest(&card->sqn));
	} else {
		a.outcome = USIM_OK;
		rc = milenage_f2345(&a.res, &a.ck, &a.ik, NULL, NULL, &card->cred, rand);
		if (rc == 0)
			rc = save(card, err);
		if (rc < 0)
			card->sqn = before;
	}
	if (rc == 0)
		*out = a;
	usim_answer_clear(&a);
	return rc;
}

static void soft_close(struct usim *base)
{
	struct usim_soft *card = (struct usim_soft *)base;

	if (card->lock_fd >= 0)
		close(card->lock_fd);
	free(card->base.state_path);
	OPENSSL_cleanse(card, sizeof(*card));
	free(card);
}

static const struct usim_ops soft_ops = { authenticate, soft_close };

int usim_soft_open(struct usim **out, const char *path, struct err *err)
{
	struct usim_soft *card = calloc(1, sizeof(*card));
	struct usim_cfg cfg;
	int rc;

	if (!card)
		return -ENOMEM;
	card->base.ops = &soft_ops;
	card->lock_fd = -1;
	rc = usim_cfg_read(&cfg, path, err);
	if (rc == 0) {
		memcpy(card->base.imsi, cfg.imsi, sizeof(cfg.imsi));
		card->base.mnc_len = cfg.mnc_len;
		card->cred = cfg.cred;
		card->base.state_path = strdup(cfg.state_file);
		usim_cfg_clear(&cfg);
		rc = card->base.state_path ? state_file_lock(card->base.state_path, err) : -ENOMEM;
		card->lock_fd = rc;
		if (rc >= 0)
			rc = usim_load(card, err);
	}
	if (rc < 0) {
		soft_close(&card->base);
		return rc;
	}
	*out = &card->base;
	return 0;
}
