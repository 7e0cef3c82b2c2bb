/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Application service providers. */
#include <errno.h>
#include <string.h>
#include <time.h>
#include "reg/reg_audit.h"
#include "reg/reg_orders.h"
#include "reg/reg_outbox.h"
#include "reg/reg_rows.h"

static int insert_asp(struct reg_order *o, struct reg_db *db, const char *asp, const char *state)
{
	int64_t rev = reg_revision(db);
	int rc = rev < 0 ? (int)rev
			 : reg_db_do(db, "INSERT INTO asp (name, state, since, rev) VALUES (?1, ?2, ?3, ?4)", "ttii",
				     asp, state, (int64_t)time(NULL), rev);

	return rc;
}

int reg_asp_need(struct reg_order *o, struct reg_db *db, const char *asp)
{
	int64_t deleted;
	int rc = reg_db_int(db, &deleted, "SELECT state = 'deleted' FROM asp WHERE name = ?1", "t", asp);

	if (rc > 0 && deleted)
		return reg_refuse(o, CTL_CONFLICT, "asp", "that ASP was deleted; allowed: another name");
	return rc == 0 ? insert_asp(o, db, asp, "approved") : rc < 0 ? rc : 0;
}
