/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file kek_job.h
 *  "kek rotate", the same in each daemon: whatever another KEK than the first has sealed is sealed anew by the first, in small steps beside
 *  all else, then all is counted: only when nothing is under another one any more is the operator told that it may go. Where it got to is
 *  kept beside what is sealed, so that it goes on after a start. One of a process, all on its main thread. */
#pragma once

#include <jansson.h>
#include "common/crypto/seal.h"
#include "common/rt/reseal.h"

/*! Who keeps what is sealed. */
struct kek_job_keeper {
	/*! Take a step; kek_job_answer() says what came of it, perhaps before this returns. NULL: nothing is sealed here */
	void (*ask)(struct reseal_step *step);
	/*! Steps will be asked for. \returns 0; -errno. NULL: nothing to be done */
	int (*begin)(void);
	/*! Nothing more is asked for until begin(). NULL: nothing to be done */
	void (*rest)(void);
	/*! Of an error of begin() or of a step. */
	const char *(*words)(int rc);
	const char *others; /* who may have sealed by another KEK after the pass: "another BSF may still seal by it" */
};

/*! Goes on with what was begun. \param[in] k lent until kek_job_end() \param[in] ids of the KEKs, the first seals */
void kek_job_init(const struct kek_job_keeper *k, const uint8_t *ids, size_t n);
void kek_job_end(void);

/*! \param[in] rc 0 or -errno; the step asked for last says the rest */
void kek_job_answer(int rc);

/*! "kek rotate". \returns 0: it is under way, or was; -ENOTSUP nothing is sealed; as the keeper's begin() */
int kek_job_begin(void);
/*! Why not. */
const char *kek_job_words(int rc);
/*! "show kek". \returns new object */
json_t *kek_job_json(void);

struct ctl_request;
/*! The two on the control socket. */
void kek_ctl_show(struct ctl_request *q);
void kek_ctl_rotate(struct ctl_request *q);
#define KEK_CTL_COMMANDS \
	{ .words = "show kek", \
	  .args = "", \
	  .help = "Keys that seal and open what is stored, how far a rotation is, and which may go", \
	  .run = kek_ctl_show }, \
	{ \
		.words = "kek rotate", .args = "", \
		.help = "Seal all that is stored anew by the first key; show kek says when the others may go", \
		.changes = true, .run = kek_ctl_rotate \
	}
/*! And on the VTY, once it is there. */
void kek_vty_init(void);
