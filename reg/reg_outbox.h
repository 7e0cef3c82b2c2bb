/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_outbox.h
 *  What the targets have not been told yet. A row says only what has changed, the rights or the state of a device or an application; what is sent is what is
 *  true when it is sent, so rows of one thing may be told as one, and a row told twice does no harm. */
#pragma once

#include <jansson.h>
#include "reg/reg_db.h"

/*! For each target. \returns 0; -EIO; -ENOSPC */
int reg_outbox_device(struct reg_db *db, int64_t device);
/*! Those that a statement tells, "SELECT device ... ?1". */
int reg_outbox_devices(struct reg_db *db, const char *which, const char *one);
/*! For each BSF. */
int reg_outbox_app(struct reg_db *db, const char *fqdn);
/*! For each BSF, all of an ASP. */
int reg_outbox_apps(struct reg_db *db, const char *asp);
/*! For each BSF: whether a device is served at all. */
int reg_outbox_state(struct reg_db *db, int64_t device);

/*! For a BSF that may know nothing of it: each device that is not to be served. \returns 0; -EIO; -ENOSPC */
int reg_outbox_suspended(struct reg_db *db, const char *target);

/*! Everything there is, for each target. \returns 0; -EIO; -ENOSPC */
int reg_outbox_all(struct reg_db *db);

/*! A row to be sent. */
struct reg_row {
	int64_t id, device; /* device 0: fqdn */
	bool of_state;      /* of the device: whether it is served, not its GUSS */
	char fqdn[256];
};

/*! The first one of a target behind another one. \returns 1; 0 none; -EIO */
int reg_outbox_next(struct reg_db *db, const char *target, int64_t behind, struct reg_row *out);

/*! The newest row about the same, which what is sent now does, too. \returns 0; -EIO */
int reg_outbox_newest(struct reg_db *db, const char *target, const struct reg_row *row, int64_t *id);

/*! It was told up to this row. \param[in] refused NULL: and done; else what the target said, kept until it is told the same again */
int reg_outbox_done(struct reg_db *db, const char *target, const struct reg_row *row, int64_t upto,
		    const char *refused);

/*! For each BSF the same device again. */
int reg_outbox_bsf_again(struct reg_db *db, int64_t device);

/*! Does a row of this device wait anywhere? \returns 1; 0; -EIO */
int reg_outbox_waits(struct reg_db *db, int64_t device);

/*! Of one target: waiting, oldest_s, refused, with what was refused. \returns NULL: it cannot be read */
json_t *reg_outbox_json(struct reg_db *db, const char *target);
