/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file changes.h
 *  What has changed of a device's realms since it was looked at last: what is told to programs that watch (GSMA IoT.04 B4). */
#pragma once

#include "ue/lib/ue_device.h"

/*! A change of one realm. */
struct change {
	const char
		*what; /* "key" there is another one; "no-key"; "no-card"; "card"; "active" it is the active one now */
	const struct ue_realm *realm;
};

struct changes {
	struct {
		bool card, active;
		char btid[BTID_MAX + 1]; /* "" no key */
	} seen[GBA_UE_REALMS_MAX];
};

/*! The next change; no card is asked for it. Call it until there is none: then all is seen.
 *  \returns false there is none */
bool changes_next(struct changes *c, const struct gba_ue *ue, struct change *out);
