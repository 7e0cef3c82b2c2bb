/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reseal.h
 *  A step of a pass over everything that KEKs have sealed, whoever keeps it; kek_job.h puts the steps together. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum reseal_what {
	RESEAL_LOAD,  /* was a pass begun that has not ended, and where was it? */
	RESEAL_SEAL,  /* what another KEK than the first has sealed, sealed anew; where it got to is kept beside it */
	RESEAL_COUNT, /* records by KEK; nothing is changed */
	RESEAL_END,   /* proven: nothing is to be continued, and the other KEKs are no more needed */
};

#define RESEAL_AT_MAX 288

/*! The caller's, lent until it is answered; in: what, at. */
struct reseal_step {
	enum reseal_what what;
	uint8_t at[RESEAL_AT_MAX]; /* where it begins */
	size_t at_len;             /* 0: with the first record */
	/* What came of it, each time from the start. */
	struct reseal_came {
		uint8_t at[RESEAL_AT_MAX]; /* where the next one begins */
		size_t at_len;
		bool begun;          /* LOAD */
		bool anew;           /* LOAD: by this start, as another KEK stands first */
		bool over;           /* it was the last of its pass */
		uint64_t master;     /* the server that was asked, as long as it runs; 0: this process */
		uint64_t sealed;     /* SEAL */
		uint64_t lost;       /* do not open under the KEK they name; left as they are */
		uint64_t under[256]; /* COUNT; [0] is not used */
		const char *why;     /* rc < 0: more words, or NULL */
	} came;
};
