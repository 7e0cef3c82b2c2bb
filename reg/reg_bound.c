/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_bound.h"

#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include "common/rt/log_cat.h"
#include "reg/reg_audit.h"
#include "reg/reg_cfg.h"

static int64_t today(void)
{
	return (int64_t)time(NULL) / REG_BOUND_DAY_S;
}

/* \returns 0 and how many; -EIO */
static int changes_of_day(int64_t *n, struct reg_db *db, const struct reg_caller *c, int64_t day)
{
	int rc = reg_db_int(db, n, "SELECT n FROM changes WHERE role = ?1 AND owner = ?2 AND day = ?3", "iii",
			    (int64_t)c->role, c->id, day);

	if (rc == 0)
		*n = 0;
	return rc < 0 ? rc : 0;
}

/* Who reaches it is in the log, once a day. */
static int bound_count(const struct reg_caller *c, struct reg_db *db, int64_t day, int64_t n)
{
	if (n >= reg_cfg.daily_changes)
		LOGT(DSTORE, LOGL_NOTICE, "%s has made %" PRId64 " changes today and may make no more until tomorrow\n",
		     c->name, n);
	return reg_db_do(db, "INSERT OR REPLACE INTO changes (role, owner, day, n) VALUES (?1, ?2, ?3, ?4)", "iiii",
			 (int64_t)c->role, c->id, day, n);
}

int reg_bound_work(struct reg_order *o, struct reg_db *db, int (*work)(struct reg_order *o, struct reg_db *db))
{
	const int64_t day = today(); /* one for both: yesterday's are not taken along at midnight */
	struct reg_head was, is;
	int64_t n;
	int rc;

	if (o->caller.role != REG_ASP && o->caller.role != REG_USER)
		return work(o, db);
	rc = changes_of_day(&n, db, &o->caller, day);
	if (rc == 0)
		rc = n < reg_cfg.daily_changes ? reg_audit_last(&was, db) : -EDQUOT;
	if (rc == 0)
		rc = work(o, db);
	if (rc >= 0)
		rc = reg_audit_last(&is, db);
	return rc == 0 && is.seq > was.seq ? bound_count(&o->caller, db, day, n + is.seq - was.seq) : rc;
}
