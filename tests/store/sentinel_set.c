/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tests/store/sentinel_set.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <hiredis/hiredis.h>

#include "common/base/sockaddr.h"
#include "tests/store/harness.h"

#define DOWN_AFTER_MS 2000 /* a master that this machine keeps from answering for a second is not down */

/* The file is its own to write: it keeps there what it has learned. */
static void sentinel_start(struct sentinel_set *s, int i)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/sentinel%d.conf", s->dir, i);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f,
		"dir %s\nrequirepass \"%s\"\nsentinel sentinel-pass \"%s\"\nsentinel monitor %s 127.0.0.1 %u 2\n"
		"sentinel down-after-milliseconds %s %u\nsentinel failover-timeout %s 4000\n",
		s->dir, SENTINEL_PASSWORD, SENTINEL_PASSWORD, SENTINEL_NAME, sockaddr_port(&s->master.addr),
		SENTINEL_NAME, DOWN_AFTER_MS, SENTINEL_NAME);
	fclose(f);
	redis_server_start(&s->sentinels[i], (const char *const[]){ path, "--sentinel", NULL });
}

/* \returns it says OK: it knows the replica, and enough others to fail over */
static bool sentinel_ready(const struct redis_server *s)
{
	redisContext *c = redisConnect("127.0.0.1", sockaddr_port(&s->addr));
	redisReply *auth = redisCommand(c, "AUTH %s", SENTINEL_PASSWORD);
	redisReply *quorum = redisCommand(c, "SENTINEL ckquorum %s", SENTINEL_NAME);
	redisReply *replicas = redisCommand(c, "SENTINEL replicas %s", SENTINEL_NAME);
	bool ready = quorum && quorum->type == REDIS_REPLY_STATUS && !strncmp(quorum->str, "OK 3", 4) && replicas &&
		     replicas->elements == 1;

	freeReplyObject(auth);
	freeReplyObject(quorum);
	freeReplyObject(replicas);
	redisFree(c);
	return ready;
}

void sentinel_set_start(struct sentinel_set *s)
{
	char replicaof[64], text[2048] = "";

	strcpy(s->dir, temp_dir());
	redis_server_start(&s->master, (const char *const[]){ "--repl-diskless-sync-delay 0", NULL });
	snprintf(replicaof, sizeof(replicaof), "--replicaof 127.0.0.1 %u", sockaddr_port(&s->master.addr));
	redis_server_start(&s->replica, (const char *const[]){ replicaof, NULL });
	while (!strstr(text, "state=online")) {
		usleep(5000);
		redis_server_ask(&s->master, text, sizeof(text), (const char *const[]){ "INFO", "replication", NULL });
	}
	for (int i = 0; i < SENTINELS; i++)
		sentinel_start(s, i);
	for (int i = 0; i < SENTINELS; i++)
		while (!sentinel_ready(&s->sentinels[i]))
			usleep(20000);
}

void sentinel_set_stop(struct sentinel_set *s)
{
	for (int i = 0; i < SENTINELS; i++)
		redis_server_stop(&s->sentinels[i]);
	redis_server_stop(&s->replica);
	redis_server_stop(&s->master);
	temp_dir_remove(s->dir);
}

struct store_redis_cfg sentinel_set_cfg(const struct sentinel_set *s)
{
	struct sockaddr_storage nowhere = { .ss_family = AF_UNSPEC };
	struct store_redis_cfg c = redis_cfg(&nowhere);

	for (c.n_sentinels = 0; c.n_sentinels < SENTINELS; c.n_sentinels++)
		c.sentinels[c.n_sentinels] = s->sentinels[c.n_sentinels].addr;
	strcpy(c.sentinel_name, SENTINEL_NAME);
	secret_set(&c.sentinel_password, SENTINEL_PASSWORD, strlen(SENTINEL_PASSWORD));
	return c;
}
