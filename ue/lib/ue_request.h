/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ue_request.h
 *  A program's wish for a key, from its question to its answer. The calls are those of gba/ue.h. */
#pragma once

#include "common/gba/naf_id.h"
#include "ue/lib/ue_device.h"
#include "ue/lib/ue_key.h"

struct ue_remote;

struct gba_ue_request {
	struct gba_ue *ue;
	struct gba_ue_request *next;
	enum card_wish wish; /* which application of the card */
	char wish_name[IMPI_MAX + 1];
	bool has_naf, force;
	struct naf_id naf;
	char refused[BTID_MAX + 1]; /* "" not told */
	struct ue_realm *realm;     /* whose run it waits for; NULL: none */
	bool queued;                /* it waits for the end of another application's run */
	bool bootstrapped;
	struct ue_remote *remote;
	enum gba_ue_reason reason;
	char cause[32];
	struct err text;
	struct ue_trail trail;
	struct gba_ue_key *key;
};

/*! Host name of a NAF: of a URI, or as it is. Pure.
 *  \returns 0; -EINVAL no host name, or a user name before it */
int ue_request_host(char out[GBA_UE_NAME_MAX + 1], const char *naf);

/*! Does a request wait for nothing but the next step? Then nobody else would wake the program. */
bool ue_request_can_go_on(const struct gba_ue *ue);

/*! What a program is told for what ended a run. Pure. */
enum gba_ue_reason ue_request_reason(enum ue_cause cause);
