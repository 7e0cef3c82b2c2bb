/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/auc.h"

#include <errno.h>
#include "common/crypto/milenage.h"
#include "common/crypto/rng.h"

void auc_counter_init(struct auc_counter *c, uint64_t mark, int ind_fixed)
{
	/* IND runs in step with SEQ, so it needs no place on the disk (33.102 C.3.2). */
	*c = (struct auc_counter){
		.home = { .seq = mark, .ind_fixed = ind_fixed, .ind = mark & SQN_IND_MAX },
		.mark = mark,
		.asked = mark,
	};
}

int auc_counter_next(struct auc_counter *c, uint64_t *sqn)
{
	if (c->home.seq >= SQN_SEQ_MAX)
		return -ERANGE;
	if (c->home.seq >= c->mark)
		return -EAGAIN;
	return sqn_home_next(&c->home, sqn);
}

bool auc_counter_ask(struct auc_counter *c, uint64_t *mark)
{
	uint64_t known = c->asked > c->mark ? c->asked : c->mark;
	uint64_t want = c->home.seq + AUC_MARK_STEP;

	if (c->home.seq + AUC_MARK_AHEAD <= known)
		return false;
	if (want > SQN_SEQ_MAX)
		want = SQN_SEQ_MAX;
	if (want <= known)
		return false;
	c->asked = want;
	*mark = want;
	return true;
}

void auc_counter_moved(struct auc_counter *c, uint64_t mark, bool ok)
{
	if (ok && mark > c->mark)
		c->mark = mark;
	if (!ok)
		c->asked = c->mark;
}

enum auc_auts auc_auts_check(const struct auc_counter *c, const struct aka_cred *cred, const uint8_t rand[AKA_RAND_LEN],
			     const uint8_t auts[AKA_AUTS_LEN], uint64_t *sqn_ms)
{
	uint64_t ms = 0;
	bool mac_ok = false;

	if (milenage_auts_open(&ms, &mac_ok, cred, rand, auts) < 0)
		return AUC_AUTS_FAILED;
	/* Before MAC-S: an old AUTS, replayed, must not move anything, however right it once was. */
	if (sqn_home_next_fits(&c->home, ms))
		return AUC_AUTS_KEEP;
	if (!mac_ok)
		return AUC_AUTS_REFUSED;
	*sqn_ms = ms;
	return AUC_AUTS_SET;
}

void auc_counter_resync(struct auc_counter *c, uint64_t sqn_ms)
{
	sqn_home_resync(&c->home, sqn_ms);
}

int auc_vector(struct aka_vector *out, const struct aka_cred *cred, uint64_t sqn)
{
	uint8_t rand[AKA_RAND_LEN];

	if (rng_fill(rand, sizeof(rand)) < 0 || milenage_vector(out, cred, rand, sqn) < 0)
		return -EIO;
	return 0;
}

const char *auc_amf_wrong(const uint8_t amf[AKA_AMF_LEN])
{
	if (amf[0] & 0x80)
		return "the separation bit (8000) belongs to EPS and 5G";
	if (amf[0] & 0x7f)
		return "bits 1 to 7 (7f00) are reserved";
	return NULL;
}
