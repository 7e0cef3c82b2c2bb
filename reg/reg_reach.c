/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_reach.h"

#include <stdio.h>
#include <time.h>
#include "reg/reg_outbox.h"
#include "reg/reg_own.h"

#define SQL_MAX 512

int reg_reach_device(struct reg_order *o, struct reg_db *db, int64_t device)
{
	int rc = reg_db_do(db, "UPDATE device SET guss_at = max(guss_at + 1, ?2) WHERE id = ?1", "ii", device,
			   (int64_t)time(NULL));

	if (rc == 0)
		rc = reg_own_right(db, device);
	o->sends = true;
	return rc == 0 ? reg_outbox_device(db, device) : rc;
}

int reg_reach_devices(struct reg_order *o, struct reg_db *db, const char *which, const char *one)
{
	char text[SQL_MAX];
	int rc;

	snprintf(text, sizeof(text), "UPDATE device SET guss_at = max(guss_at + 1, ?2) WHERE id IN (%s)", which);
	rc = reg_db_do(db, text, "ti", one, (int64_t)time(NULL));
	o->sends = true;
	return rc == 0 ? reg_outbox_devices(db, which, one) : rc;
}

int reg_reach_app(struct reg_order *o, struct reg_db *db, const char *fqdn)
{
	int rc = reg_outbox_app(db, fqdn); /* before its devices: from then on nobody has a key */

	return rc < 0 ? rc
		      : reg_reach_devices(
				o, db,
				"SELECT g.device FROM granted g JOIN application a ON a.id = g.app WHERE a.fqdn = ?1",
				fqdn);
}

int reg_reach_asp(struct reg_order *o, struct reg_db *db, const char *asp)
{
	int rc = reg_outbox_apps(db, asp);

	return rc < 0 ? rc
		      : reg_reach_devices(
				o, db,
				"SELECT g.device FROM granted g JOIN application a ON a.id = g.app WHERE a.asp = ?1",
				asp);
}

int reg_reach_state(struct reg_order *o, struct reg_db *db, int64_t device)
{
	o->sends = true;
	return reg_outbox_state(db, device);
}
