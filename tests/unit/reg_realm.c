/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/unit/reg_realm.h"

#include <stdio.h>
#include <string.h>

char device[64], owner[64];

void open_realm(void)
{
	reg_world_begin();
	MUST(reg_operator, reg_asp_add, "", "{\"asp\": \"acme\"}");
	MUST(reg_operator, reg_app_register, "",
	     "{\"fqdn\": \"" FQDN "\", \"asp\": \"acme\", \"addresses\": [\"192.0.2.1/32\"]}");
	strcpy(owner, MUST(reg_operator, reg_user_add, "user", "{\"kyc_ref\": \"desk 1\", \"assurance\": 1}"));
	strcpy(device,
	       MUST(reg_operator, reg_device_add, "device", "{\"impi\": \"" IMPI "\", \"msisdn\": \"4917012345678\"}"));
	MUST(reg_operator, reg_device_custodian, "", "{\"device\": \"%s\", \"user\": \"%s\"}", device, owner);
}

void agree(void)
{
	MUST(reg_operator, reg_grant_put, "",
	     "{\"device\": \"%s\", \"fqdn\": \"" FQDN "\", \"asp_agrees\": true, \"user_agrees\": true}", device);
}

bool is_live(void)
{
	return reg_number("SELECT count(*) FROM live") == 1;
}

const char *uid(void)
{
	static char out[64];
	sqlite3_stmt *q;

	ck_assert_int_eq(reg_db_ask(world, &q, "SELECT value FROM pseudonym WHERE asp = 'acme'", ""), 1);
	snprintf(out, sizeof(out), "%s", (const char *)sqlite3_column_text(q, 0));
	reg_db_end(q);
	return out;
}
