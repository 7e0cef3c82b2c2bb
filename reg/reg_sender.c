/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_sender.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/base/clock.h"
#include "common/base/ctl_client.h"
#include "common/base/secret.h"
#include "common/gba/gba_time.h"
#include "common/rt/log_cat.h"
#include "reg/reg_orders.h"
#include "reg/reg_outbox.h"
#include "reg/reg_policy_file.h"

#define ANSWER_S    5
#define AGAIN_MS    100
#define AGAIN_MAX   1000
#define AT_ONCE_MAX 32 /* rows told before they are taken out, in one transaction */
#define NOT_KNOWN   INT64_MIN

/* What became of a row. */
struct told {
	struct reg_row row;
	int64_t upto;
	int64_t at;            /* of an HSS: the timestamp its GUSS has now */
	char refused[ERR_MAX]; /* "": it was taken */
};

struct batch {
	struct reg_sender *s;
	size_t n;
	struct told told[AT_ONCE_MAX];
	int rc; /* of the writer */
};

struct reg_sender {
	const struct reg_target *t;
	struct reg_db *db;
	struct reg_work *writer;
	pthread_t thread;
	sem_t wake, written;
	atomic_bool stopping;
	struct ctl_client client; /* fd -1: not connected */
	struct batch batch;
	pthread_mutex_t lock; /* of what is shown */
	char fault[ERR_MAX];
	uint64_t n_told, n_changed;
};

_Atomic(struct reg_sender *) reg_senders[REG_TARGETS_MAX];

/* --- what is shown */

static void set_fault(struct reg_sender *s, const char *text)
{
	bool news;

	pthread_mutex_lock(&s->lock);
	news = strcmp(s->fault, text) != 0;
	snprintf(s->fault, sizeof(s->fault), "%s", text);
	pthread_mutex_unlock(&s->lock);
	if (!news)
		return;
	if (*text)
		LOGT(DRT, LOGL_ERROR, "target %s: %s; what it is to be told waits\n", s->t->name, text);
	else
		LOGT(DRT, LOGL_NOTICE, "target %s: told again\n", s->t->name);
}

static void count(struct reg_sender *s, bool changed)
{
	pthread_mutex_lock(&s->lock);
	s->n_told++;
	s->n_changed += changed;
	pthread_mutex_unlock(&s->lock);
}

void reg_sender_state(struct reg_sender *s, json_t *into)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	json_object_set_new(into, "told", json_integer((json_int_t)s->n_told));
	json_object_set_new(into, "changed", json_integer((json_int_t)s->n_changed));
	if (s->fault[0])
		json_object_set_new(into, "fault", json_string(s->fault));
	pthread_mutex_unlock(&s->lock);
}

/* --- one question */

static void hang_up(struct reg_sender *s)
{
	ctl_client_close(&s->client);
	s->client.fd = -1;
}

static int ask_once(struct reg_sender *s, const char *command, struct span document, char **answer, struct err *err)
{
	int rc = s->client.fd < 0 ? ctl_client_open(&s->client, s->t->socket, ANSWER_S, err) : 0;

	if (rc == 0)
		rc = ctl_client_ask(&s->client, command, document, answer, err);
	if (rc < 0)
		hang_up(s);
	return rc;
}

/* \returns 0 and the answer; 1 it refuses, which t has; -errno: again later */
static int ask(struct reg_sender *s, const char *command, struct span document, struct told *t, json_t **out)
{
	bool connected = s->client.fd >= 0; /* perhaps with one that has been started anew since */
	struct err err = { "" };
	char *answer = NULL;
	int rc = ask_once(s, command, document, &answer, &err);

	if (rc < 0 && connected)
		rc = ask_once(s, command, document, &answer, &err);
	if (rc == 1 && (strncmp(answer, "busy ", 5) == 0 || strncmp(answer, "failed ", 7) == 0))
		rc = err_set(&err, -EAGAIN, "%s", answer);
	else if (rc == 1)
		snprintf(t->refused, sizeof(t->refused), "%s", answer);
	if (rc < 0)
		set_fault(s, err.text);
	if (rc == 0)
		*out = json_loads(answer, 0, NULL);
	free(answer);
	return rc;
}

/* --- a device: its GUSS, as it is now */

struct guss_now {
	char impi[REG_ID_MAX + 1];
	char *xml;
	size_t len;
};

static int guss_read(struct reg_sender *s, struct told *t, struct guss_now *g)
{
	struct reg_right *rights = calloc(REG_GRANTS_MAX, sizeof(*rights));
	int64_t at = 0;
	int n = rights ? 0 : -ENOMEM, rc = n;

	if (rc == 0)
		rc = reg_outbox_newest(s->db, s->t->name, &t->row, &t->upto);
	if (rc == 0)
		rc = reg_db_int(s->db, &at, "SELECT guss_at FROM device WHERE id = ?1", "i", t->row.device);
	if (rc > 0)
		rc = reg_db_name_get(s->db, g->impi, t->row.device, REG_IMPI);
	if (rc > 0)
		n = reg_rights(s->db, t->row.device, rights);
	if (rc > 0)
		rc = n < 0 ? n : reg_text_guss(&g->xml, &g->len, g->impi, at, rights, (size_t)n) < 0 ? -ENOMEM : 1;
	reg_rights_clear(rights, n);
	free(rights);
	return rc;
}

/* All of it at one moment. \returns 1; 0 there is no such device any more; -EIO; -ENOMEM */
static int guss_now(struct reg_sender *s, struct told *t, struct guss_now *g)
{
	int rc = sql_exec(s->db->sql, "BEGIN");

	s->db->fault = NULL;
	if (rc == 0)
		rc = guss_read(s, t, g);
	if (rc < 0)
		set_fault(s, s->db->fault ? s->db->fault : sqlite3_errmsg(s->db->sql));
	sql_exec(s->db->sql, "COMMIT");
	return rc;
}

static int64_t timestamp_of(const json_t *answer)
{
	const char *text = json_string_value(json_object_get(answer, "timestamp"));
	time_t at;

	return text && date_time_parse(&at, span_str(text)) == 0 ? (int64_t)at : NOT_KNOWN;
}

static int tell_device(struct reg_sender *s, struct told *t)
{
	struct guss_now g = { .xml = NULL };
	char command[REG_ID_MAX + 16];
	json_t *answer = NULL;
	int rc = guss_now(s, t, &g);

	if (rc <= 0)
		return rc;
	snprintf(command, sizeof(command), "guss %s", g.impi);
	rc = ask(s, command, span_of(g.xml, g.len), t, &answer);
	if (rc == 0) {
		const json_t *changed = json_object_get(answer, "changed");

		t->at = s->t->is_hss ? timestamp_of(answer) : NOT_KNOWN;
		count(s, json_is_true(changed) || json_integer_value(changed) > 0);
	}
	json_decref(answer);
	OPENSSL_cleanse(&g.impi, sizeof(g.impi));
	free(g.xml);
	return rc < 0 ? rc : 0;
}

/* --- a device: whether it is served at all. What a BSF has forgotten of it when it starts anew, the empty GUSS says, too, until the
 * collector has seen that and it is told again. */

static int tell_state(struct reg_sender *s, struct told *t)
{
	char impi[REG_ID_MAX + 1], command[REG_ID_MAX + 16];
	json_t *answer = NULL;
	int64_t active = 0;
	int rc = reg_outbox_newest(s->db, s->t->name, &t->row, &t->upto);

	if (rc == 0)
		rc = reg_db_int(s->db, &active, "SELECT state = 'active' FROM device WHERE id = ?1", "i",
				t->row.device);
	if (rc > 0)
		rc = reg_db_name_get(s->db, impi, t->row.device, REG_IMPI);
	if (rc <= 0)
		return rc;
	snprintf(command, sizeof(command), "%s impi %s", active ? "resume" : "suspend", impi);
	rc = ask(s, command, span_of(NULL, 0), t, &answer);
	if (rc == 0)
		count(s, !active || json_is_true(json_object_get(answer, "was_suspended")));
	json_decref(answer);
	OPENSSL_cleanse(impi, sizeof(impi));
	OPENSSL_cleanse(command, sizeof(command));
	return rc < 0 ? rc : 0;
}

/* --- an application: its file */

static bool is_of_name(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '.';
}

/* Does text name that host, or its file? Not one at or above it: www.a.example is not a.example. */
static bool names_host(const char *text, const char *fqdn)
{
	size_t len = strlen(fqdn);

	for (const char *at = text; (at = strstr(at, fqdn)); at++) {
		if ((at == text || !is_of_name(at[-1])) && (!is_of_name(at[len]) || strncmp(at + len, ".naf", 4) == 0))
			return true;
	}
	return false;
}

/* The directory has some: is one about this application? That of one that is deleted is that its file has gone. */
static int find_problem(struct reg_sender *s, struct told *t)
{
	json_t *answer = NULL, *problem;
	int64_t there;
	size_t i;
	int rc = reg_db_int(s->db, &there,
			    "SELECT 1 FROM application a JOIN asp s ON s.name = a.asp"
			    " WHERE a.fqdn = ?1 AND a.state = 'approved' AND s.state = 'approved'",
			    "t", t->row.fqdn);

	if (rc <= 0)
		return rc;
	rc = ask(s, "policy show", span_of(NULL, 0), t, &answer);
	json_array_foreach(json_object_get(answer, "problems"), i, problem)
	{
		const char *text = json_string_value(problem);

		if (text && !t->refused[0] && names_host(text, t->row.fqdn))
			snprintf(t->refused, sizeof(t->refused), "%s", text);
	}
	json_decref(answer);
	return rc;
}

static int tell_app(struct reg_sender *s, struct told *t)
{
	struct reg_app a = { 0 };
	struct err err = { "no memory" };
	char *text = NULL;
	json_t *answer = NULL;
	int there = reg_app_get(s->db, t->row.fqdn, &a), rc = there < 0 ? there : 0;

	t->upto = t->row.id;
	if (there > 0 && a.usable) {
		text = reg_text_policy(&a);
		rc = text ? 0 : -ENOMEM;
	}
	reg_app_clear(&a);
	if (rc == 0 && s->t->policy_directory)
		rc = reg_policy_file(s->t->policy_directory, t->row.fqdn, text, &err);
	free(text);
	if (rc < 0) {
		set_fault(s, err.text);
		return rc;
	}
	if (!s->t->policy_directory) /* its NAFs are in its configuration */
		return 0;
	rc = ask(s, "policy reload", span_of(NULL, 0), t, &answer);
	if (rc == 0 && json_integer_value(json_object_get(answer, "problems")) > 0)
		rc = find_problem(s, t);
	else if (rc == 0)
		count(s, true);
	json_decref(answer);
	return rc < 0 ? rc : 0;
}

/* --- what was told is taken out */

/* An HSS has confirmed: from now on each run brings what it has, and what it says of when counts for the BSFs, too. */
static int confirmed(struct reg_db *db, const struct told *t)
{
	int rc =
		reg_db_do(db, "UPDATE device SET guss_at = max(guss_at, ?2) WHERE id = ?1", "ii", t->row.device, t->at);

	return rc == 0 ? reg_outbox_bsf_again(db, t->row.device) : rc;
}

static int take_out(struct reg_order *o, struct reg_db *db)
{
	struct batch *b = o->data;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < b->n; i++) {
		const struct told *t = &b->told[i];

		rc = reg_outbox_done(db, b->s->t->name, &t->row, t->upto, t->refused[0] ? t->refused : NULL);
		if (rc == 0 && t->at != NOT_KNOWN && !t->refused[0]) {
			rc = confirmed(db, t);
			o->sends = true;
		}
	}
	return rc;
}

static void taken_out(struct reg_order *o)
{
	struct batch *b = o->data;

	b->rc = o->rc;
	reg_order_free(o);
	sem_post(&b->s->written);
}

static void wait_for(sem_t *s)
{
	while (sem_wait(s) < 0)
		;
}

static int end_batch(struct reg_sender *s)
{
	int rc;

	if (!s->batch.n)
		return 0;
	rc = reg_work_tell(s->writer, take_out, &s->batch, taken_out);
	if (rc == 0) {
		wait_for(&s->written);
		rc = s->batch.rc;
	}
	s->batch.n = 0;
	return rc;
}

static void log_refusal(const struct reg_sender *s, const struct told *t)
{
	if (t->row.device)
		LOGT(DRT, LOGL_ERROR, "target %s refuses device %" PRId64 ": %s\n", s->t->name, t->row.device,
		     t->refused);
	else
		LOGT(DRT, LOGL_ERROR, "target %s refuses application %s: %s\n", s->t->name, t->row.fqdn, t->refused);
}

/* \returns 1 something was told; 0 there is nothing; -errno: not now */
static int send_batch(struct reg_sender *s)
{
	struct batch *b = &s->batch;
	int64_t behind = 0;
	int rc = 0, end;
	bool some;

	while (b->n < AT_ONCE_MAX && !s->stopping) {
		struct told *t = &b->told[b->n];

		*t = (struct told){ .at = NOT_KNOWN };
		rc = reg_outbox_next(s->db, s->t->name, behind, &t->row);
		if (rc <= 0)
			break;
		behind = t->upto = t->row.id;
		rc = t->row.of_state ? tell_state(s, t) : t->row.device ? tell_device(s, t) : tell_app(s, t);
		if (rc < 0)
			break;
		if (t->refused[0])
			log_refusal(s, t);
		b->n++;
	}
	some = b->n > 0;
	end = end_batch(s);
	if (rc < 0 || end < 0)
		return rc < 0 ? rc : end;
	if (some)
		set_fault(s, "");
	return some;
}

static void wait_again(struct reg_sender *s, unsigned *ms)
{
	struct timespec until;

	*ms = !*ms ? AGAIN_MS : *ms * 2 > AGAIN_MAX ? AGAIN_MAX : *ms * 2;
	until = clock_mono_after(*ms);
	sem_clockwait(&s->wake, CLOCK_MONOTONIC, &until);
}

static void *sender_main(void *arg)
{
	struct reg_sender *s = arg;
	unsigned again_ms = 0;

	while (!s->stopping) {
		int rc = send_batch(s);

		if (rc < 0) {
			wait_again(s, &again_ms);
			continue;
		}
		again_ms = 0;
		if (rc == 0)
			wait_for(&s->wake);
	}
	return NULL;
}

void reg_sender_free(struct reg_sender *s)
{
	if (!s)
		return;
	hang_up(s);
	reg_db_close(s->db);
	pthread_mutex_destroy(&s->lock);
	sem_destroy(&s->wake);
	sem_destroy(&s->written);
	free(s);
}

struct reg_sender *reg_sender_start(const struct reg_target *t, struct reg_db *db, struct reg_work *writer,
				    struct err *err)
{
	struct reg_sender *s = calloc(1, sizeof(*s));

	if (!s) {
		reg_db_close(db);
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	s->t = t;
	s->db = db;
	s->writer = writer;
	s->batch.s = s;
	s->client.fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	sem_init(&s->wake, 0, 0);
	sem_init(&s->written, 0, 0);
	if (pthread_create(&s->thread, NULL, sender_main, s) == 0)
		return s;
	err_set(err, -ENOMEM, "no thread for target %s", t->name);
	reg_sender_free(s);
	return NULL;
}

void reg_sender_wake(struct reg_sender *s)
{
	sem_post(&s->wake);
}

void reg_sender_stop(struct reg_sender *s)
{
	if (!s)
		return;
	atomic_store(&s->stopping, true);
	reg_sender_wake(s);
	pthread_join(s->thread, NULL);
}
