/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/kek_job.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <osmocom/core/timer.h>
#include "common/rt/kek_json.h"
#include "common/rt/log_cat.h"

#define BREATH_US   2000 /* between steps, so that others come to the disk */
#define AGAIN_S     1    /* after a step that could not be done */
#define FOUND_S     5    /* after a pass that found some: doubled each time */
#define FOUND_MAX_S 600
#define WATCH_S     5 /* is it still the same server? */

enum phase { IDLE, LOADING, SEALING, COUNTING, ENDING, DONE };

/* What each asks for, and its name for people. */
static const struct {
	enum reseal_what what;
	const char *name;
} phases[] = {
	[IDLE] = { RESEAL_LOAD, "none" },       [LOADING] = { RESEAL_LOAD, "none" },
	[SEALING] = { RESEAL_SEAL, "sealing" }, [COUNTING] = { RESEAL_COUNT, "counting" },
	[ENDING] = { RESEAL_END, "counting" },  [DONE] = { RESEAL_LOAD, "done" },
};

/* The one of this process. */
static struct {
	const struct kek_job_keeper *keeper;
	uint8_t ids[SEAL_KEKS_MAX];
	size_t n_ids;
	struct osmo_timer_list next;
	enum phase phase;
	struct reseal_step step;
	bool works;    /* steps are asked for */
	bool asked;    /* a step is under way */
	bool unwanted; /* and was of what was ordered before */
	bool answered; /* the last step, with rc */
	int rc;
	const char *why;          /* of it; its step may be asked for again, and be another thread's */
	unsigned wait_s, found_s; /* before the next one; after a pass that found some */
	uint64_t master;          /* 0: not known yet, or this process */
	/* of this rotation */
	uint64_t sealed, lost;
	bool failed;    /* a step of this pass did not come through, and may have counted what is lost twice */
	bool only_lost; /* of the last whole pass nothing else is left */
	uint64_t counting[256], counted[256]; /* records by KEK: of the pass under way, of the last whole one */
	bool has_count;
} job;

static void soon(unsigned s)
{
	osmo_timer_schedule(&job.next, (int)s, s ? 0 : BREATH_US);
}

/* Once, as it is tried each second: that it fails, and that it no longer does. */
static void say_step(int rc)
{
	if (rc < 0 && job.rc == 0 && job.phase != LOADING)
		LOGT(DSTORE, LOGL_ERROR,
		     "kek: the rotation stands still, and is tried again each second (show kek: why)\n");
	else if (rc == 0 && job.rc < 0 && job.phase != LOADING)
		LOGT(DSTORE, LOGL_NOTICE, "kek: the rotation goes on\n");
}

void kek_job_answer(int rc)
{
	if (!job.works)
		return;
	say_step(rc);
	job.answered = !job.unwanted;
	job.asked = job.unwanted = false;
	job.rc = rc;
	job.why = job.step.came.why;
	job.failed |= rc < 0;
	soon(rc < 0 ? AGAIN_S : 0);
}

static void rotation_step(void)
{
	job.step.what = phases[job.phase].what;
	job.asked = true;
	job.keeper->ask(&job.step);
}

static void pass(enum phase phase)
{
	job.phase = phase;
	job.step.at_len = 0;
	job.lost = phase == SEALING ? 0 : job.lost;
	job.failed = phase != SEALING && job.failed;
	memset(job.counting, 0, sizeof(job.counting));
}

static uint8_t first_kek(void)
{
	return job.ids[0];
}

/* Records that the last whole pass found under others. \param[out] kek one of them */
static uint64_t others(uint8_t *kek)
{
	uint64_t n = 0;

	for (unsigned id = 1; id < 256; id++)
		if (id != first_kek() && job.counted[id]) {
			n += job.counted[id];
			*kek = (uint8_t)id;
		}
	return n;
}

static void say_found(uint64_t n, uint8_t kek)
{
	LOGT(DSTORE, LOGL_NOTICE,
	     "kek: %llu records are not under KEK %u yet, some under KEK %u: %s; all are gone over again in %u s\n",
	     (unsigned long long)n, first_kek(), kek, job.keeper->others, job.found_s);
}

static void say_only_lost(uint64_t n, uint8_t kek)
{
	LOGT(DSTORE, LOGL_ERROR,
	     "kek: %llu records, some under KEK %u, do not open under the KEK they name: they are damaged, and stay as they are until "
	     "their time is over; the rotation ends without them if the next pass finds the same\n",
	     (unsigned long long)n, kek);
}

static void say_done(void)
{
	LOGT(DSTORE, LOGL_NOTICE,
	     "kek: all %llu records are under KEK %u, counted in a pass of its own (%llu sealed anew, %llu that do not open): the other "
	     "KEKs may go\n",
	     (unsigned long long)job.counted[first_kek()], first_kek(), (unsigned long long)job.sealed,
	     (unsigned long long)job.lost);
}

/* No KEK opens them, so none is kept for them. Twice the same, as one may have gone and another one come between the two passes. */
static bool ends_without(uint64_t n, uint8_t kek)
{
	bool only = n && n == job.lost && !job.failed, again = only && job.only_lost;

	job.only_lost = only;
	if (only && !again)
		say_only_lost(n, kek);
	for (unsigned id = 1; again && id < 256; id++) /* they are told as lost */
		job.counted[id] = id == first_kek() ? job.counted[id] : 0;
	return again;
}

static void count_over(void)
{
	uint8_t kek = 0;
	uint64_t n;

	memcpy(job.counted, job.counting, sizeof(job.counted));
	job.has_count = true;
	n = others(&kek);
	if (n == 0 || ends_without(n, kek)) {
		pass(ENDING);
		return;
	}
	job.found_s = job.found_s ? job.found_s * 2 : FOUND_S;
	if (job.found_s > FOUND_MAX_S)
		job.found_s = FOUND_MAX_S;
	say_found(n, kek);
	pass(SEALING);
	job.wait_s = job.found_s;
}

static void sealed(const struct reseal_came *came)
{
	job.sealed += came->sealed;
	job.lost += came->lost;
	if (came->over)
		pass(COUNTING);
}

static void step_counted(const struct reseal_came *came)
{
	for (unsigned id = 1; id < 256; id++)
		job.counting[id] += came->under[id];
	if (came->over)
		count_over();
}

/* Nothing more is asked of the store. */
static void stand(enum phase phase)
{
	job.phase = phase;
	job.asked = job.unwanted = false;
	if (job.works && job.keeper->rest)
		job.keeper->rest();
	job.works = false;
}

static void loaded(const struct reseal_came *came)
{
	if (!came->begun) {
		stand(IDLE);
		return;
	}
	if (came->anew)
		LOGT(DSTORE, LOGL_NOTICE, "kek: another KEK stands first now, KEK %u: a rotation begins\n",
		     first_kek());
	else
		LOGT(DSTORE, LOGL_NOTICE, "kek: the rotation that was begun goes on\n");
	pass(SEALING);
	memcpy(job.step.at, came->at, came->at_len);
	job.step.at_len = came->at_len;
}

/* One in this process cannot become another. */
static void rotation_ended(const struct reseal_came *came)
{
	if (job.phase == ENDING)
		say_done();
	job.phase = DONE;
	job.wait_s = WATCH_S;
	if (came->master == 0)
		stand(DONE);
}

static void step_take(const struct reseal_came *came)
{
	bool other = job.master && came->master != job.master;

	job.master = came->master;
	if (job.phase != LOADING && other) {
		LOGT(DSTORE, LOGL_NOTICE,
		     "kek: Redis is another server now, or was started again: from the beginning\n");
		pass(SEALING);
		return;
	}
	memcpy(job.step.at, came->at, came->at_len);
	job.step.at_len = came->at_len;
	switch (job.phase) {
	case LOADING:
		loaded(came);
		break;
	case SEALING:
		sealed(came);
		break;
	case COUNTING:
		step_counted(came);
		break;
	default:
		rotation_ended(came);
	}
}

/* From the loop, so nothing of the store is on the stack, and it may be freed. */
static void go_on(void *unused)
{
	if (job.answered && job.rc == 0) {
		const struct reseal_came came = job.step.came;

		step_take(&came);
	}
	job.answered = false;
	if (!job.works || job.asked)
		return;
	if (job.wait_s)
		soon(job.wait_s);
	else
		rotation_step();
	job.wait_s = 0;
}

static int work(void)
{
	int rc = job.works || !job.keeper->begin ? 0 : job.keeper->begin();

	job.works |= rc == 0;
	return rc;
}

void kek_job_init(const struct kek_job_keeper *k, const uint8_t *ids, size_t n)
{
	osmo_timer_setup(&job.next, go_on, NULL);
	job.keeper = k;
	job.n_ids = n < sizeof(job.ids) ? n : sizeof(job.ids);
	memcpy(job.ids, ids, job.n_ids);
	if (!k->ask || work() < 0)
		return;
	job.phase = LOADING;
	soon(0);
}

void kek_job_end(void)
{
	if (!job.keeper)
		return;
	osmo_timer_del(&job.next);
	stand(IDLE);
	job.keeper = NULL;
}

int kek_job_begin(void)
{
	int rc;

	if (!job.keeper || !job.keeper->ask)
		return -ENOTSUP;
	if (job.phase == SEALING || job.phase == COUNTING || job.phase == ENDING)
		return 0;
	rc = work();
	if (rc < 0)
		return rc;
	job.master = job.sealed = job.found_s = job.wait_s = 0;
	job.has_count = job.answered = job.only_lost = false;
	job.unwanted = job.asked; /* it would be taken for one of these */
	pass(SEALING);
	soon(0);
	return 0;
}

const char *kek_job_words(int rc)
{
	return rc == -ENOTSUP ? "nothing is sealed here" : job.keeper->words(rc);
}

json_t *kek_job_json(void)
{
	json_t *out = json_pack("{sssI}", "rotation", phases[job.phase].name, "sealed", (json_int_t)job.sealed);

	json_object_set_new(out, "lost", json_integer((json_int_t)job.lost));
	if (job.rc < 0 && job.works)
		json_object_set_new(out, "why", json_string(job.why ? job.why : kek_job_words(job.rc)));
	json_object_set_new(out, "keks",
			    kek_json(job.ids, job.n_ids, job.has_count ? job.counted : NULL, job.phase == DONE));
	return out;
}
