/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/hss_keks.h"

#include "common/rt/kek_cfg.h"
#include "common/rt/kek_job.h"
#include "common/rt/sql_keks.h"
#include "hss-sim/subscriber_keks.h"

static struct provision *changes;

static int step_work(struct provision_order *o, struct subscriber_db *db)
{
	return subscriber_keks_step(db, o->ask.data);
}

static void step_ended(void *step, int rc)
{
	kek_job_answer(rc);
}

static void step_ask(struct reseal_step *step)
{
	int rc = provision_tell(changes,
				&(struct provision_ask){ .work = step_work, .data = step, .ended = step_ended });

	if (rc < 0)
		kek_job_answer(rc);
}

static const struct kek_job_keeper subscribers = {
	.ask = step_ask,
	.words = sql_keks_words,
	.others = "an import may have sealed by it",
};

void hss_keks_init(struct provision *p)
{
	uint8_t ids[SEAL_KEKS_MAX];

	changes = p;
	kek_job_init(&subscribers, ids, kek_cfg_ids(ids));
}
