/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/hss_control.h"

static struct subscriber_db *database;
static struct zh_server *zh;

void hss_figures(json_t *into)
{
	int64_t n = subscriber_db_count(database);

	json_object_set_new(into, "subscribers", n < 0 ? json_null() : json_integer(n));
	json_object_set_new(into, "subscribers_in_memory", json_integer((json_int_t)subscriber_cache_count(zh->cache)));
	json_object_set_new(into, "requests_in_work", json_integer(zh->in_work));
}

const struct ctl_command hss_commands[] = {
	{ 0 },
};

void hss_control_init(struct subscriber_db *db, struct zh_server *server)
{
	database = db;
	zh = server;
}
