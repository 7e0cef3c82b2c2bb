/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/fault.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/gba/zh_msg.h"
#include "hss-sim/fault_act.h"

static const struct fault_about kinds[FAULT_KINDS] = {
	[FAULT_DELAY] = { "delay", FAULT_SORT_DELAY, FAULT_VALUE_NUMBER, 1, 3600, NULL, "Answer late", "Seconds" },
	[FAULT_NO_ANSWER] = { "no-answer", FAULT_SORT_OUTCOME, .help = "Do not answer" },
	[FAULT_RESULT] = { "result", FAULT_SORT_OUTCOME, FAULT_VALUE_NUMBER, 1000, 9999, NULL,
			   "Answer so, without a vector",
			   "Result code; 2401-2409 and 5401-5409 go into Experimental-Result" },
	[FAULT_BUSY] = { "busy", FAULT_SORT_OUTCOME, .help = "Answer DIAMETER_TOO_BUSY (3004)" },
	[FAULT_REDIRECT] = { "redirect", FAULT_SORT_OUTCOME, FAULT_VALUE_HOSTS, 0, 0, NULL,
			     "Answer DIAMETER_REDIRECT_INDICATION (3006)",
			     "Redirect-Host: Diameter identities, up to four, commas between them" },
	[FAULT_DISCONNECT_BEFORE] = { "disconnect-before", FAULT_SORT_OUTCOME,
				      .help = "Close the connection in the place of an answer, without a DPR" },
	[FAULT_WRONG_MAC] = { "wrong-mac", FAULT_SORT_VECTOR, .help = "The last bit of AUTN turned: the card refuses" },
	[FAULT_STALE_SQN] = { "stale-sqn", FAULT_SORT_VECTOR, .help = "SQN 0: the card answers with AUTS" },
	[FAULT_XRES_LENGTH] = { "xres-length", FAULT_SORT_VECTOR, FAULT_VALUE_NUMBER, 0, FAULT_XRES_MAX, NULL,
				"XRES cut, or filled up with zeros", "Octets" },
	[FAULT_NO_GUSS] = { "no-guss", FAULT_SORT_GUSS, .help = "No GUSS, whatever was asked for" },
	[FAULT_OLD_TIMESTAMP] = { "old-timestamp", FAULT_SORT_GUSS, FAULT_VALUE_NUMBER, 1, 1000000000, NULL,
				  "The timestamp in the GUSS is older than it was", "Seconds" },
	[FAULT_ORIGIN_HOST] = { "origin-host", FAULT_SORT_ORIGIN, FAULT_VALUE_HOST, 0, 0, NULL,
				"Another Origin-Host in the answer", "A Diameter identity" },
	[FAULT_MALFORMED] = { "malformed", FAULT_SORT_FORM, FAULT_VALUE_WORD, 0, 0, fault_forms,
			      "An answer that is not what it should be", fault_form_help },
	[FAULT_EXTRA_AVPS] = { "extra-avps", FAULT_SORT_AVPS, FAULT_VALUE_NUMBER, 1, 1000, NULL,
			       "AVPs nobody knows, without the M bit", "How many" },
	[FAULT_MANDATORY_AVP] = { "mandatory-avp", FAULT_SORT_AVPS, .help = "An AVP nobody knows, with the M bit" },
	[FAULT_DUPLICATE] = { "duplicate", FAULT_SORT_COPIES, FAULT_VALUE_NUMBER, 1, 10, NULL,
			      "The answer, and the same octets again", "So often" },
	[FAULT_DISCONNECT_AFTER] = { "disconnect-after", FAULT_SORT_END,
				     .help = "Close the connection behind the answer, without a DPR" },
};

const struct fault_about *fault_about(enum fault_kind kind)
{
	return &kinds[kind];
}

int fault_find_kind(const char *name)
{
	for (int k = 0; k < FAULT_KINDS; k++)
		if (strcmp(kinds[k].name, name) == 0)
			return k;
	return -ENOENT;
}

/* --- the table of what was asked for */

static bool same_turn(const struct fault *a, const char *who, enum fault_sort sort)
{
	return kinds[a->kind].sort == sort && impi_same(a->who, who);
}

static struct fault *fault_find(struct faults *t, const char *who, enum fault_sort sort)
{
	for (size_t i = 0; i < t->n; i++)
		if (same_turn(&t->f[i], who, sort))
			return &t->f[i];
	return NULL;
}

static void fault_begin(struct fault *f, uint64_t at_ms)
{
	if (f && !f->begun) {
		f->begun = true;
		f->begun_ms = at_ms;
	}
}

/* It is over; the next one's turn begins. */
static void fault_drop(struct faults *t, struct fault *f, uint64_t at_ms)
{
	size_t after = t->n - (size_t)(f - t->f) - 1;
	enum fault_sort sort = kinds[f->kind].sort;
	char who[IMPI_MAX + 1];

	strcpy(who, f->who);
	memmove(f, f + 1, after * sizeof(*f)); /* the order is that of the configuration */
	t->n--;
	fault_begin(fault_find(t, who, sort), at_ms);
}

static bool is_over(const struct fault *f, uint64_t now_ms)
{
	return f->seconds && f->begun && now_ms - f->begun_ms >= f->seconds * 1000ull;
}

void fault_expire(struct faults *t, uint64_t now_ms)
{
	for (size_t i = 0; i < t->n;) {
		struct fault *f = &t->f[i];

		if (is_over(f, now_ms)) {
			fault_drop(t, f, f->begun_ms + f->seconds * 1000ull);
			i = 0; /* the next one may be over, too, and stand anywhere behind */
		} else {
			i++;
		}
	}
}

uint32_t fault_seconds_left(const struct fault *f, uint64_t now_ms)
{
	uint64_t past = f->begun ? (now_ms - f->begun_ms) / 1000 : 0;

	return past < f->seconds ? f->seconds - (uint32_t)past : 1;
}

static int fault_append(struct faults *t, const struct fault *f, uint64_t now_ms)
{
	struct fault *place = &t->f[t->n];

	if (t->n == FAULTS_MAX)
		return -ENOSPC;
	*place = *f;
	place->begun = false;
	t->n++;
	fault_begin(fault_find(t, f->who, kinds[f->kind].sort), now_ms);
	return 0;
}

int fault_set(struct faults *t, const struct fault *f, uint64_t now_ms)
{
	enum fault_sort sort = kinds[f->kind].sort;
	struct fault *old;

	fault_expire(t, now_ms);
	old = fault_find(t, f->who, sort);
	if (!old && t->n == FAULTS_MAX)
		return -ENOSPC;
	while ((old = fault_find(t, f->who, sort)))
		fault_drop(t, old, now_ms);
	return fault_append(t, f, now_ms);
}

int fault_add(struct faults *t, const struct fault *f, uint64_t now_ms)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct fault *b = &t->f[i];

		if (same_turn(b, f->who, kinds[f->kind].sort) && !b->times && !b->seconds)
			return -ELOOP;
	}
	return fault_append(t, f, now_ms);
}

size_t fault_clear(struct faults *t, const char *who)
{
	size_t n = t->n, kept = 0;

	for (size_t i = 0; i < n; i++)
		if (who && !impi_same(t->f[i].who, who))
			t->f[kept++] = t->f[i];
	t->n = kept;
	return n - kept;
}

/* --- one request */

static void effect_text(struct fault_effect *e, const struct fault *f)
{
	if (f->kind == FAULT_REDIRECT)
		snprintf(e->hosts, sizeof(e->hosts), "%s", f->text);
	if (f->kind == FAULT_ORIGIN_HOST)
		snprintf(e->origin, sizeof(e->origin), "%.255s", f->text);
}

static void fault_do_take(struct fault_effect *e, struct faults *t, const char *impi, enum fault_sort sort,
			  uint64_t now_ms)
{
	struct fault *f = fault_find(t, impi, sort);

	if (!f)
		f = fault_find(t, FAULT_ALL, sort);
	if (!f)
		return;
	e->of[sort] = (struct fault_part){ true, f->kind, f->value };
	effect_text(e, f);
	t->done[f->kind]++;
	if (f->times && --f->times == 0)
		fault_drop(t, f, now_ms);
}

void fault_take(struct fault_effect *out, struct faults *t, const char *impi, uint64_t now_ms)
{
	enum fault_sort first = FAULT_SORT_VECTOR;

	memset(out, 0, sizeof(*out));
	if (!t->n)
		return;
	fault_expire(t, now_ms);
	fault_do_take(out, t, impi, FAULT_SORT_DELAY, now_ms);
	fault_do_take(out, t, impi, FAULT_SORT_OUTCOME, now_ms);
	if (fault_is(out, FAULT_NO_ANSWER) || fault_is(out, FAULT_DISCONNECT_BEFORE))
		return;
	if (out->of[FAULT_SORT_OUTCOME].there)
		first = FAULT_SORT_ORIGIN; /* no vector and no GUSS are given */
	for (int sort = first; sort < FAULT_SORTS; sort++)
		fault_do_take(out, t, impi, (enum fault_sort)sort, now_ms);
}

bool fault_is(const struct fault_effect *e, enum fault_kind kind)
{
	const struct fault_part *p = &e->of[kinds[kind].sort];

	return p->there && p->kind == kind;
}

const char *fault_effect_names(const struct fault_effect *e, char buf[FAULT_NAMES_MAX])
{
	size_t n = 0;

	for (int sort = 0; sort < FAULT_SORTS && n < FAULT_NAMES_MAX; sort++) {
		const struct fault_part *p = &e->of[sort];
		const struct fault_about *a = &kinds[p->kind];

		if (p->there)
			n += (size_t)snprintf(buf + n, FAULT_NAMES_MAX - n, "%s%s%s%s", n ? "+" : "", a->name,
					      a->words ? ":" : "", a->words ? a->words[p->value] : "");
	}
	return n ? buf : NULL;
}
