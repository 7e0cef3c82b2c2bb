/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file store_open.h
 *  From the node store to a store. Main thread. */
#pragma once

#include "bsf/store/store.h"

/*! As the configuration says; pseudonyms for the log are made, too.
 *  \param[in] check only look, where there is one (store_lmdb_cfg) \returns 0; -errno and the reason */
int store_open(struct store_shared **out, bool check, struct err *err);
/*! What opening would say, without making a store where there is none, or reading all of one that is large, or asking another
 *  machine. \returns as store_open() */
int store_open_check(struct err *err);
/*! Whoever is told that we are ready may bootstrap at once, so a store on another machine that is there is waited for; one that is
 *  not keeps us from nothing. After the shards were started. */
void store_open_wait(struct store_shared *sh);
