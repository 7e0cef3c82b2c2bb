/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/kek_rotate.h"

#include <errno.h>
#include "bsf/run/cfg.h"
#include "common/rt/daemon.h"
#include "common/rt/kek_cfg.h"
#include "common/rt/kek_job.h"

static struct store_shared *shared;
static struct store *access_; /* NULL: nothing is asked for */

static void resealed(void *owner, uint64_t txn, const struct store_answer *a)
{
	kek_job_answer(a->rc);
}

static int access_open(void)
{
	access_ = store_new(rt_ctx(), shared, resealed, NULL);
	return access_ ? 0 : -EBUSY;
}

static void access_close(void)
{
	talloc_free(access_);
	access_ = NULL;
}

static void reseal_ask(struct reseal_step *step)
{
	const struct store_answer *a = store_reseal(access_, step, 0);

	if (a)
		kek_job_answer(a->rc);
}

static const struct kek_job_keeper in_store = {
	.ask = reseal_ask,
	.begin = access_open,
	.rest = access_close,
	.words = store_words,
	.others = "a challenge ends by itself, and another BSF may still seal by it",
};
static const struct kek_job_keeper in_memory = { .words = store_words };

void kek_rotate_init(struct store_shared *sh)
{
	uint8_t ids[SEAL_KEKS_MAX];

	shared = sh;
	kek_job_init(bsf_cfg->store == BSF_STORE_MEMORY ? &in_memory : &in_store, ids, kek_cfg_ids(ids));
}
