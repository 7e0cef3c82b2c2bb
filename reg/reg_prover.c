/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_prover.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "common/base/clock.h"
#include "common/rt/log_cat.h"
#include "reg/reg_cfg.h"
#include "reg/reg_proof.h"

#define IDLE_MS 60000

struct reg_prover {
	struct reg_db *db;
	struct reg_work *writer;
	pthread_t thread;
	sem_t wake, written;
	atomic_bool stopping;
	struct reg_asked now;
	int rc; /* of the writer */
};

/* --- the answer is noted */

static int note_answer(struct reg_order *o, struct reg_db *db)
{
	const struct reg_prover *p = o->data;

	return reg_proof_note(o, db, &p->now);
}

static void answer_noted(struct reg_order *o)
{
	struct reg_prover *p = o->data;

	p->rc = o->rc;
	sem_post(&p->written);
	reg_order_free(o);
}

/* --- who asks */

/* Whoever waits longest: one who asks for it again and again is behind those whose day it is. \returns 1; 0 nobody; -EIO */
static int next_due(struct reg_prover *p, int64_t now)
{
	sqlite3_stmt *q;
	int rc = reg_db_ask(p->db, &q,
			    "SELECT a.id, a.fqdn, p.token, p.wishes FROM proof p JOIN application a ON a.id = p.app"
			    " WHERE p.by_word = 0 AND p.due_at <= ?1 ORDER BY p.due_at LIMIT 1",
			    "i", now);

	if (rc <= 0)
		return rc;
	p->now = (struct reg_asked){ .app = sqlite3_column_int64(q, 0), .wishes = sqlite3_column_int64(q, 3) };
	snprintf(p->now.fqdn, sizeof(p->now.fqdn), "%s", (const char *)sqlite3_column_text(q, 1));
	snprintf(p->now.token, sizeof(p->now.token), "%s", (const char *)sqlite3_column_text(q, 2));
	reg_db_end(q);
	return 1;
}

/* \returns 0; -errno: not now */
static int ask_one(struct reg_prover *p)
{
	const struct sockaddr_storage *server = reg_cfg.proof.server.ss_family ? &reg_cfg.proof.server : NULL;
	char name[sizeof(REG_PROOF_LABEL) + FQDN_MAX + 1];
	int rc;

	snprintf(name, sizeof(name), REG_PROOF_LABEL ".%s", p->now.fqdn);
	p->now.is = reg_dns_ask(server, name, p->now.token, &p->now.err);
	if (p->now.is == REG_DNS_UNASKED)
		LOGT(DRT, LOGL_NOTICE, "application %s: its name could not be asked for: %s\n", p->now.fqdn,
		     p->now.err.text);
	rc = reg_work_tell(p->writer, note_answer, p, answer_noted);
	if (rc < 0)
		return rc;
	while (sem_wait(&p->written) < 0)
		;
	return p->rc;
}

/* How long nobody is due. */
static uint64_t idle_ms(struct reg_prover *p, int64_t now)
{
	int64_t next = 0;

	if (reg_db_int(p->db, &next, "SELECT min(due_at) FROM proof WHERE by_word = 0 AND due_at > ?1", "i", now) <=
		    0 ||
	    next <= now || (uint64_t)(next - now) * 1000 > IDLE_MS)
		return IDLE_MS;
	return (uint64_t)(next - now) * 1000;
}

static void *prover_main(void *arg)
{
	struct reg_prover *p = arg;

	while (!p->stopping) {
		int64_t now = (int64_t)time(NULL);
		int rc = next_due(p, now);

		if (rc > 0)
			rc = ask_one(p) < 0 ? -EIO : 1;
		if (rc < 0)
			clock_sem_wait(&p->wake, 1000);
		else if (rc == 0)
			clock_sem_wait(&p->wake, idle_ms(p, now));
	}
	return NULL;
}

void reg_prover_free(struct reg_prover *p)
{
	if (!p)
		return;
	reg_db_close(p->db);
	sem_destroy(&p->wake);
	sem_destroy(&p->written);
	free(p);
}

struct reg_prover *reg_prover_start(struct reg_db *db, struct reg_work *writer, struct err *err)
{
	struct reg_prover *p = calloc(1, sizeof(*p));

	if (!p) {
		reg_db_close(db);
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	p->db = db;
	p->writer = writer;
	sem_init(&p->wake, 0, 0);
	sem_init(&p->written, 0, 0);
	if (pthread_create(&p->thread, NULL, prover_main, p) == 0)
		return p;
	err_set(err, -ENOMEM, "no thread for DNS");
	reg_prover_free(p);
	return NULL;
}

void reg_prover_wake(struct reg_prover *p)
{
	if (p)
		sem_post(&p->wake);
}

void reg_prover_stop(struct reg_prover *p)
{
	if (!p)
		return;
	atomic_store(&p->stopping, true);
	reg_prover_wake(p);
	pthread_join(p->thread, NULL);
}
