/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/auc.h"

#include <errno.h>
#include "common/crypto/rng.h"

/* How far a mark lies ahead, and when the next one is asked for, in numbers: an hour and half an hour where they follow a
 * clock, so that few vectors wait for the disk. */
static const struct {
	uint64_t step, ahead;
} marks[SQN_PROFILES] = {
	[SQN_COUNTER] = { AUC_MARK_STEP, AUC_MARK_AHEAD },
	[SQN_PART_TIME] = { 3600, 1800 },
	[SQN_TIME] = { 36000, 18000 },
};

void auc_counter_init(struct auc_counter *c, uint64_t mark, const struct sqn_scheme *scheme, uint64_t now_ms)
{
	*c = (struct auc_counter){ .mark = mark, .asked = mark };
	sqn_home_init(&c->home, scheme, mark, now_ms);
}

int auc_counter_next(struct auc_counter *c, uint64_t now_ms, uint64_t *sqn)
{
	uint64_t seq = sqn_home_peek(&c->home, now_ms);

	if (seq > sqn_seq_max(c->home.scheme.ind_bits))
		return -ERANGE;
	if (seq > c->mark)
		return -EAGAIN;
	return sqn_home_next(&c->home, now_ms, sqn);
}

bool auc_counter_ask(struct auc_counter *c, uint64_t now_ms, uint64_t *mark)
{
	const enum sqn_profile p = c->home.scheme.profile;
	uint64_t known = c->asked > c->mark ? c->asked : c->mark, max = sqn_seq_max(c->home.scheme.ind_bits);
	uint64_t used = sqn_home_peek(&c->home, now_ms) - 1, want = used + marks[p].step;

	if (used + marks[p].ahead <= known)
		return false;
	if (want > max)
		want = max;
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

enum auc_auts auc_auts_check(const struct auc_counter *c, const struct aka_cred *cred, uint64_t now_ms,
			     const uint8_t rand[AKA_RAND_LEN], const uint8_t auts[AKA_AUTS_LEN], uint64_t *sqn_ms)
{
	uint64_t ms = 0;
	bool mac_ok = false;

	if (aka_auts_open(&ms, &mac_ok, cred, rand, auts) < 0)
		return AUC_AUTS_FAILED;
	/* Before MAC-S: an old AUTS, replayed, must not move anything, however right it once was. */
	if (sqn_home_next_fits(&c->home, now_ms, ms))
		return AUC_AUTS_KEEP;
	if (!mac_ok)
		return AUC_AUTS_REFUSED;
	*sqn_ms = ms;
	return AUC_AUTS_SET;
}

void auc_counter_resync(struct auc_counter *c, uint64_t now_ms, uint64_t sqn_ms)
{
	sqn_home_resync(&c->home, now_ms, sqn_ms);
}

int auc_vector(struct aka_vector *out, const struct aka_cred *cred, uint64_t sqn)
{
	uint8_t rand[AKA_RAND_LEN];

	if (rng_fill(rand, sizeof(rand)) < 0 || aka_vector_make(out, cred, rand, sqn) < 0)
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
