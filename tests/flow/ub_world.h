/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ub_world.h
 *  The real flow and the real store in memory, with an HSS and a device of the test. */
#pragma once

#include "bsf/run/cfg.h"
#include "bsf/ub/flow.h"
#include "tests/flow/zh_fake.h"
#include "tests/store/way.h"
#include "tests/unit/suite.h"

#define IMPI  "234150999999999@ims.mnc015.mcc234.3gppnetwork.org"
#define OTHER "234150999999998@ims.mnc015.mcc234.3gppnetwork.org"
#define NAME  "bsf.mnc015.mcc234.pub.3gppnetwork.org"

extern struct ub_world {
	void *ctx;
	struct bsf_cfg cfg;
	struct deadline_set *deadlines;
	struct way store; /* memory, behind it */
	struct ub_flow_env env;
	struct ub_flow *flow;
	struct zh_fake hss;
	unsigned answers; /* runs that ended after ub_flow_begin() had returned */
	uint64_t before[CAUSE_COUNT];
} w;

/* Fixtures of each test: two BSF names, all limits at their defaults; the store answers within the call, or later. At the end
 * nothing may be under way. */
void world_open(void);
void world_open_later(void);
void world_close(void);
/*! Each test in both worlds. \returns the exit status of the program */
int world_run(const char *name, const TTest *const *tests, size_t n);

#define WORLD_SUITE(name, ...) \
	int main(void) \
	{ \
		const TTest *const tests[] = { __VA_ARGS__ }; \
\
		return world_run(name, tests, sizeof(tests) / sizeof(tests[0])); \
	}

/*! How often since world_open(). */
uint64_t counted(enum cause c);

/*! A device and its request. */
struct ue {
	struct ub_run run;
	const char *user, *agent, *from, *body;
	const char *put_in; /* body that goes out instead of the signed one */
	char nonce[64], opaque[64], authorization[1024];
};

void ue_init(struct ue *ue, const char *user);
/*! Send what is in authorization; the run may still wait for the HSS or the store afterwards. */
void ue_send(struct ue *ue);
/*! Turn the loop until the run has ended or waits for the HSS. */
void turn(struct ue *ue);
/*! First request, until the HSS is asked. */
void ue_first(struct ue *ue);
/*! Nonce and opaque of the 401, for the answer. */
void ue_take_challenge(struct ue *ue);
/*! First request, and a vector for it. */
void ue_challenged(struct ue *ue, uint8_t vector);
/*! The answer, made with a password. more: parameters to add */
void ue_answer_with(struct ue *ue, struct span password, const char *more);
/*! The answer with the RES of the vectors of zh_fake.h. */
void ue_answer(struct ue *ue);
/*! An honest AUTS instead of an answer. */
void ue_auts(struct ue *ue);

bool waits_for_hss(const struct ue *ue);
/*! The HSS answers what it was asked last, which must be for this device; takes r. */
void hss_says(struct ue *ue, struct zh_result *r);
void hss_gives(struct ue *ue, uint8_t vector, const char *guss_xml);
void hss_refuses(struct ue *ue, uint32_t code, bool experimental);

/*! The run is over, with this answer, and is counted. */
void ended(const struct ue *ue, enum cause cause, int status);
/*! Whether the store has the session of a vector; the copy is the caller's. */
bool session_of(uint8_t vector, struct gba_session *s);
bool no_session(uint8_t vector);
