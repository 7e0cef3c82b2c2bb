/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file hss_vty_show.h
 *  The show commands of the live VTY. None shows a key. */
#pragma once

#include "hss-sim/hss_cfg.h"
#include "hss-sim/subscriber_cache.h"

void hss_vty_show_init(struct hss_cfg *cfg);

/*! What they look at; NULL: not (or no longer) running. */
void hss_vty_show_attach(struct subscriber_db *db, struct subscriber_cache *cache);
/*! Whose connections "show peers" tells; NULL: none. */
void hss_vty_show_hub(struct dia_hub *h);
/*! Who is no peer any more gets a DPR. */
void hss_vty_show_recheck(void);
