/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* What is asked on the control socket, and what is told. */
#include "common/rt/ctl_in.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/base/secret.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

void ctl_request_free(struct ctl_request *q)
{
	if (!q)
		return;
	if (q->document)
		OPENSSL_cleanse(q->document, q->len); /* there may be keys in it */
	free(q->document);
	free(q);
}

/* --- answers */

static const char *const refusals[] = {
	[CTL_SYNTAX] = "syntax",       [CTL_INVALID] = "invalid", [CTL_UNKNOWN] = "unknown",
	[CTL_EXISTS] = "exists",       [CTL_BUSY] = "busy",       [CTL_FAILED] = "failed",
	[CTL_FORBIDDEN] = "forbidden", [CTL_CHANGED] = "changed", [CTL_CONFLICT] = "conflict",
};

static char *refusal(uint64_t number, enum ctl_word word, const char *text)
{
	char *line = NULL;

	if (asprintf(&line, "%llu error %s %s\n", (unsigned long long)number, refusals[word], text) < 0)
		return NULL;
	log_line_harmless(line); /* it may repeat what stands in a document */
	return line;
}

static void log_request(const struct ctl_request *q, const char *outcome)
{
	char text[512];
	struct writer w;

	if (!q->command || !q->command->changes)
		return;
	writer_init(&w, text, sizeof(text));
	for (size_t i = 0; i < q->line.n; i++) {
		writer_str(&w, i ? " " : "");
		if (q->command->personal && i == q->first)
			writer_str(&w, "*****");
		else
			log_line_word(&w, q->line.word[i]);
	}
	if (writer_end(&w) < 0)
		strcpy(text + sizeof(text) - 4, "...");
	LOGP(DCFG, LOGL_NOTICE, "control: %s, %s: %s\n", q->who, outcome, text);
}

/* \param[in] line malloc'ed, with its end; NULL: no memory */
static void request_end(struct ctl_request *q, char *line, const char *outcome)
{
	struct ctl_conn *c = q->conn;

	log_request(q, outcome);
	ctl_request_free(q);
	if (c)
		ctl_conn_answered(c, line);
	else
		free(line);
}

void ctl_ok(struct ctl_request *q, json_t *answer)
{
	char *json = answer ? json_dumps(answer, JSON_COMPACT | JSON_ENSURE_ASCII) : strdup("{}"), *line = NULL;

	json_decref(answer);
	if (json && asprintf(&line, "%llu ok %s\n", (unsigned long long)q->line.number, json) < 0)
		line = NULL;
	free(json);
	request_end(q, line, "done");
}

void ctl_fail(struct ctl_request *q, enum ctl_word word, const char *fmt, ...)
{
	char reason[ERR_MAX], outcome[32];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	snprintf(outcome, sizeof(outcome), "refused (%s)", refusals[word]);
	request_end(q, refusal(q->line.number, word, reason), outcome);
}

/* --- what is asked */

const char *ctl_arg(const struct ctl_request *q, size_t i)
{
	return q->first + i < q->line.n ? q->line.word[q->first + i] : NULL;
}

struct span ctl_document(const struct ctl_request *q)
{
	return span_of(q->document, q->len);
}

const void *ctl_data(const struct ctl_request *q)
{
	return q->command->data;
}

const char *ctl_who(const struct ctl_request *q)
{
	return q->who;
}

bool ctl_hold(struct ctl_request *q, void (*ended)(void *data), void *data)
{
	if (!q->conn || q->conn->ended)
		return false;
	q->conn->ended = ended;
	q->conn->data = data;
	return true;
}

bool ctl_release(struct ctl_request *q, void (*ended)(void *data), void *data)
{
	if (!q->conn || q->conn->ended != ended || q->conn->data != data)
		return false;
	q->conn->ended = NULL;
	return true;
}

/* --- events */

void ctl_watch(struct ctl_request *q)
{
	if (q->conn) {
		q->conn->watching = true;
		q->conn->watch = q->line.number;
	}
	ctl_ok(q, NULL);
}

void ctl_event(json_t *event)
{
	char *json = json_dumps(event, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (json)
		ctl_conn_event(json);
	free(json);
	json_decref(event);
}

bool ctl_watched(void)
{
	return ctl_conn_event(NULL) > 0;
}

/* How many words of the line are this command's: 0, none. */
static size_t words_of(const struct ctl_line *l, const char *words)
{
	const char *blank = strchr(words, ' ');
	size_t n = blank ? (size_t)(blank - words) : strlen(words);

	if (strlen(l->word[0]) != n || strncmp(l->word[0], words, n) != 0)
		return 0;
	if (!blank)
		return 1;
	return l->n > 1 && strcmp(l->word[1], blank + 1) == 0 ? 2 : 0;
}

static const struct ctl_command *find(const struct ctl_command *table, const struct ctl_line *l, size_t *first)
{
	for (; table->words; table++) {
		*first = words_of(l, table->words);
		if (*first)
			return table;
	}
	return NULL;
}

int ctl_request_check(struct ctl_request *q, struct err *err)
{
	const struct ctl_line *l = &q->line;
	const struct ctl_command *c;
	size_t args;

	c = find(ctl_common, l, &q->first);
	if (!c)
		c = find(ctl_daemon()->commands, l, &q->first);
	if (!c)
		return err_set(err, -EINVAL, "there is no such command; allowed: those that 'commands' tells");
	q->command = c;
	args = l->n - q->first;
	if (args < c->args_min || args > c->args_max || l->has_document != (c->document_max > 0))
		return err_set(err, -EINVAL, "not so; allowed: %s%s%s%s", c->words, *c->args ? " " : "", c->args,
			       c->document_max ? " +OCTETS" : "");
	if (l->octets > c->document_max)
		return err_set(err, -EINVAL, "a document of %zu octets; allowed: up to %zu", l->octets,
			       c->document_max);
	return 0;
}
