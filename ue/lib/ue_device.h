/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ue_device.h
 *  The device behind gba/ue.h: its realms, of which one is active, and the one descriptor. */
#pragma once

#include <gba/ue.h>
#include "ue/lib/ue_realm.h"
#include "ue/lib/ue_watch.h"

#define UE_CONNECT_TO_MAX 32

struct gba_ue {
	int epoll_fd; /* of the clock, and of each realm's HTTP, and of each question to the agent */
	int clock_fd;
	char *state_dir;
	char *connect_to[UE_CONNECT_TO_MAX];
	struct http_get_cfg http;
	unsigned renewals, renewals_s, renew_s;
	struct ue_realm *realms[GBA_UE_REALMS_MAX];
	size_t n_realms;
	struct ue_realm *active;
	char *agent;                     /* path of its socket: it is the device, and there are no realms here */
	struct ue_watch *watch;          /* of the agent's keys; NULL: not asked for, or it does not tell */
	bool watched;                    /* it was asked for */
	struct gba_ue_request *requests; /* those not finished */
	struct gba_ue_token token;       /* as it was told last, with its texts */
	struct err why;
	char masked[IMPI_MAX + 1], tmpi[TMPI_MAX + 1], run[RUN_ID_LEN + 1];
};

/*! Take what the agent has told of its keys. */
void ue_device_watch(struct gba_ue *ue);

/*! Make the descriptor readable when the next key ends, a card is to be looked at, or at once if a request can go on. After each
 *  call that may have changed one of these. */
void ue_device_arm(struct gba_ue *ue);
