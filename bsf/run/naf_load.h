/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file naf_load.h
 *  The policy directory of gba-bsfd: read at the start and again when somebody says so, on a thread of its own; what came of it is
 *  published with what the configuration says. Main thread. */
#pragma once

#include "bsf/policy/naf_dir.h"
#include "common/rt/ctl.h"

/*! Of the configuration, and what is in use. */
struct naf_load_state {
	char *written, *path; /* `policy directory`, as written and absolute; NULL: none */
	int line;             /* of the configuration */
	unsigned every_s;     /* `policy reload every`; 0: only when told */
	struct naf_dir *dir;  /* what the table is made of; held; NULL: none */
	char failed[ERR_MAX]; /* why the last reading gave nothing; "": it did */
};
extern struct naf_load_state naf_load;

/*! At the start, and with --check: read it, if there is one. \returns 0; -errno and err: as cfg_error() */
int naf_load_first(struct err *err);
/*! With --check: what cannot be used of it, on stderr; no fault. */
void naf_load_remarks(void);
/*! When the table has been published: from now on it can be read again. \returns 0; -errno and a reason */
int naf_load_begin(void *ctx, struct err *err);
void naf_load_end(void);
/*! Frees what is left; after policy_publish(NULL). */
void naf_load_free(void);

/*! Read again, and wait for it. \returns 0; -errno and the reason: the former table stays; -ETIMEDOUT it goes on by itself */
int naf_load_now(struct err *err);
/*! The same for a request of the control socket, which is answered when it is done. */
void naf_load_for(struct ctl_request *q);
/*! Not a word about it: SIGHUP, a timer. */
void naf_load_soon(void);
/*! `policy reload every` is another number. */
void naf_load_every(void);

/*! Connections that NAFs of the directory may have. */
unsigned naf_load_connections(void);
/*! {"directory", "files", "good", ...} \param[in] problems with their list */
json_t *naf_load_json(bool problems);

/*! run/naf_load_vty.c */
void naf_load_vty_init(void);
