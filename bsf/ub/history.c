/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/ub/history.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include "common/base/clock.h"
#include "common/crypto/keyed_hash.h"
#include "common/crypto/rng.h"
#include "common/rt/pseudonym.h"

#define WAYS      8
#define SETS      1024 /* power of two; 8,192 subscribers */
#define LOCKS     64
#define HSS_NAMES 32
#define PAGE      4096

/* 128 bits of two keyed hashes of the IMPI: no two subscribers share them by chance, nor by anybody's choice. */
struct who {
	uint64_t h[2];
};

/* A struct ub_past, packed. */
struct note {
	int64_t at_s;
	const char *step;
	uint8_t rand[AKA_RAND_LEN];
	uint8_t cause, variant, hss; /* hss: number of the name plus 1 */
	bool has_rand;
	char device[UB_HISTORY_DEVICE + 1];
};

_Static_assert(CAUSE_COUNT <= UINT8_MAX, "a note has an octet for the cause");

struct subscriber {
	struct who who;
	uint64_t seen; /* 0: free */
	uint8_t n, next;
	struct note run[UB_HISTORY_RUNS];
};

struct set {
	struct subscriber way[WAYS];
};

struct last {
	struct note note;
	char sub[PSEUDONYM_LEN + 1]; /* "": never */
};

struct device {
	uint64_t seen; /* 0: free */
	uint64_t requests, failures;
	char name[UB_HISTORY_DEVICE + 1];
	struct note last;
};

struct trace {
	struct who who;
	uint64_t until_ms;
};

struct ub_history {
	uint64_t key[2][2];
	_Atomic uint64_t tick; /* orders what was seen */
	pthread_mutex_t lock[LOCKS];
	struct set set[SETS];
	pthread_mutex_t few; /* all below */
	char hss[HSS_NAMES][UB_HISTORY_HSS + 1];
	struct last last[CAUSE_COUNT];
	struct device device[UB_HISTORY_DEVICES];
	struct trace trace[UB_HISTORY_TRACES];
	atomic_uint n_traces;
};

/* All of it will be used; taken at the start it does not look like a leak for minutes. */
static void take_pages(struct ub_history *h)
{
	volatile uint8_t *p = (volatile uint8_t *)h;

	for (size_t at = 0; at < sizeof(*h); at += PAGE)
		p[at] = 0;
}

struct ub_history *ub_history_new(void)
{
	struct ub_history *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	take_pages(h);
	if (rng_fill(h->key, sizeof(h->key)) < 0) {
		free(h);
		return NULL;
	}
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&h->lock[i], NULL);
	pthread_mutex_init(&h->few, NULL);
	return h;
}

void ub_history_free(struct ub_history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&h->lock[i]);
	pthread_mutex_destroy(&h->few);
	free(h);
}

static struct who who_of(const struct ub_history *h, const char *impi)
{
	struct impi key;
	struct span s;

	impi_key(&key, impi);
	s = span_str(key.s);
	return (struct who){ { keyed_hash(h->key[0], s), keyed_hash(h->key[1], s) } };
}

static bool same_who(const struct who *a, const struct who *b)
{
	return a->h[0] == b->h[0] && a->h[1] == b->h[1];
}

static pthread_mutex_t *lock_of(struct ub_history *h, const struct who *w)
{
	return &h->lock[w->h[0] % LOCKS];
}

static struct set *set_of(struct ub_history *h, const struct who *w)
{
	return &h->set[w->h[0] % SETS];
}

/* The first word of User-Agent: what a version of a client calls itself. It is the device's text, so it is made harmless. */
static void device_token(char out[UB_HISTORY_DEVICE + 1], struct span agent)
{
	size_t n = 0;

	while (n < agent.len && n < UB_HISTORY_DEVICE && agent.p[n] > ' ' && agent.p[n] < 0x7f && agent.p[n] != ';' &&
	       agent.p[n] != ',') {
		out[n] = (char)agent.p[n];
		n++;
	}
	if (!n)
		out[n++] = '-';
	out[n] = '\0';
}

/* Under h->few. Names come from peers that are configured, or from behind them: seldom more than a few. */
static uint8_t hss_number(struct ub_history *h, const char *name)
{
	for (size_t i = 0; name[0] && i < HSS_NAMES; i++) {
		if (!h->hss[i][0])
			(void)span_to_str(h->hss[i], sizeof(h->hss[i]), span_str(name));
		if (strcmp(h->hss[i], name) == 0)
			return (uint8_t)(i + 1);
	}
	return 0;
}

static bool is_failure(enum cause c)
{
	return c != CAUSE_ub_ok && c != CAUSE_ub_challenged;
}

static struct subscriber *subscriber_find(struct set *s, const struct who *w)
{
	for (size_t i = 0; i < WAYS; i++) {
		if (s->way[i].seen && same_who(&s->way[i].who, w))
			return &s->way[i];
	}
	return NULL;
}

static struct subscriber *subscriber_make(struct set *s, const struct who *w)
{
	struct subscriber *oldest = &s->way[0];

	for (size_t i = 1; i < WAYS; i++) {
		if (s->way[i].seen < oldest->seen)
			oldest = &s->way[i];
	}
	memset(oldest, 0, sizeof(*oldest));
	oldest->who = *w;
	return oldest;
}

/* The run of this RAND, or a place for a new one. */
static struct note *note_for(struct subscriber *s, const struct note *n)
{
	struct note *place;

	for (size_t i = 0; n->has_rand && i < s->n; i++) {
		if (s->run[i].has_rand && memcmp(s->run[i].rand, n->rand, AKA_RAND_LEN) == 0)
			return &s->run[i];
	}
	place = &s->run[s->next];
	s->next = (s->next + 1) % UB_HISTORY_RUNS;
	s->n += s->n < UB_HISTORY_RUNS;
	*place = (struct note){ 0 };
	return place;
}

static void add_run(struct ub_history *h, const struct who *w, const struct note *n, uint64_t tick)
{
	struct set *set = set_of(h, w);
	struct subscriber *s;
	struct note *place;
	uint8_t hss;

	pthread_mutex_lock(lock_of(h, w));
	s = subscriber_find(set, w);
	if (!s)
		s = subscriber_make(set, w);
	s->seen = tick;
	place = note_for(s, n);
	hss = n->hss ? n->hss : place->hss; /* the answer is not heard by an HSS, the challenge was */
	*place = *n;
	place->hss = hss;
	pthread_mutex_unlock(lock_of(h, w));
}

/* Under h->few. */
static struct device *device_for(struct ub_history *h, const char *name)
{
	struct device *oldest = &h->device[0];

	for (size_t i = 0; i < UB_HISTORY_DEVICES; i++) {
		struct device *d = &h->device[i];

		if (d->seen && strcmp(d->name, name) == 0)
			return d;
		if (d->seen < oldest->seen)
			oldest = d;
	}
	memset(oldest, 0, sizeof(*oldest));
	strcpy(oldest->name, name);
	return oldest;
}

static void count_device(struct ub_history *h, const struct note *n, uint64_t tick)
{
	struct device *d = device_for(h, n->device);

	d->seen = tick;
	d->requests++;
	if (!is_failure(n->cause))
		return;
	d->failures++;
	d->last = *n;
}

void ub_history_add(struct ub_history *h, const struct ub_note *in)
{
	uint64_t tick = atomic_fetch_add_explicit(&h->tick, 1, memory_order_relaxed) + 1;
	struct note n = {
		.at_s = in->at_s, .step = in->step, .cause = (uint8_t)in->cause, .variant = (uint8_t)in->variant
	};
	char sub[PSEUDONYM_LEN + 1] = "-";
	struct who who;

	n.has_rand = in->rand != NULL;
	if (in->rand)
		memcpy(n.rand, in->rand, sizeof(n.rand));
	device_token(n.device, in->agent);
	if (in->impi[0] && is_failure(in->cause))
		pseudonym(sub, in->impi);
	pthread_mutex_lock(&h->few);
	n.hss = hss_number(h, in->hss);
	if (is_failure(in->cause)) {
		h->last[in->cause].note = n;
		strcpy(h->last[in->cause].sub, sub);
	}
	count_device(h, &n, tick);
	pthread_mutex_unlock(&h->few);
	if (!in->impi[0])
		return;
	who = who_of(h, in->impi);
	add_run(h, &who, &n, tick);
}

/* Under h->few. */
static void note_unpack(struct ub_past *out, struct ub_history *h, const struct note *n)
{
	*out = (struct ub_past){
		.at_s = n->at_s, .has_rand = n->has_rand, .step = n->step, .cause = n->cause, .variant = n->variant
	};
	memcpy(out->rand, n->rand, sizeof(out->rand));
	strcpy(out->device, n->device);
	strcpy(out->hss, n->hss ? h->hss[n->hss - 1] : "-");
}

/* A copy of the runs, newest first. */
static size_t copy_runs(struct ub_history *h, const struct who *w, struct note out[UB_HISTORY_RUNS])
{
	struct subscriber *s;
	size_t n = 0;

	pthread_mutex_lock(lock_of(h, w));
	s = subscriber_find(set_of(h, w), w);
	for (; s && n < s->n; n++)
		out[n] = s->run[(s->next + 2 * UB_HISTORY_RUNS - 1 - n) % UB_HISTORY_RUNS];
	pthread_mutex_unlock(lock_of(h, w));
	return n;
}

size_t ub_history_of(struct ub_history *h, const char *impi, struct ub_past out[UB_HISTORY_RUNS])
{
	struct who who = who_of(h, impi);
	struct note runs[UB_HISTORY_RUNS];
	size_t n = copy_runs(h, &who, runs);

	pthread_mutex_lock(&h->few);
	for (size_t i = 0; i < n; i++)
		note_unpack(&out[i], h, &runs[i]);
	pthread_mutex_unlock(&h->few);
	return n;
}

bool ub_history_cause(struct ub_history *h, enum cause cause, struct ub_past *out, char sub[13])
{
	bool there;

	pthread_mutex_lock(&h->few);
	there = h->last[cause].sub[0];
	if (there) {
		note_unpack(out, h, &h->last[cause].note);
		strcpy(sub, h->last[cause].sub);
	}
	pthread_mutex_unlock(&h->few);
	return there;
}

size_t ub_history_devices(struct ub_history *h, struct ub_device out[UB_HISTORY_DEVICES])
{
	size_t n = 0;

	pthread_mutex_lock(&h->few);
	for (size_t i = 0; i < UB_HISTORY_DEVICES; i++) {
		const struct device *d = &h->device[i];

		if (!d->seen)
			continue;
		strcpy(out[n].device, d->name);
		out[n].requests = d->requests;
		out[n].failures = d->failures;
		note_unpack(&out[n++].last, h, &d->last);
	}
	pthread_mutex_unlock(&h->few);
	return n;
}

/* Under h->few: the trace of w, else one that is over. */
static struct trace *trace_for(struct ub_history *h, const struct who *w, uint64_t now_ms)
{
	struct trace *over = NULL;

	for (size_t i = 0; i < UB_HISTORY_TRACES; i++) {
		struct trace *t = &h->trace[i];

		if (t->until_ms > now_ms && same_who(&t->who, w))
			return t;
		if (t->until_ms <= now_ms)
			over = t;
	}
	return over;
}

/* Under h->few. */
static unsigned traces_live(const struct ub_history *h, uint64_t now_ms)
{
	unsigned n = 0;

	for (size_t i = 0; i < UB_HISTORY_TRACES; i++)
		n += h->trace[i].until_ms > now_ms;
	return n;
}

int ub_history_trace(struct ub_history *h, const char *impi, uint32_t for_s)
{
	uint64_t now_ms = clock_mono_ms();
	struct who who = who_of(h, impi);
	struct trace *t;

	pthread_mutex_lock(&h->few);
	t = trace_for(h, &who, now_ms);
	if (t)
		*t = (struct trace){ who, now_ms + for_s * UINT64_C(1000) };
	atomic_store(&h->n_traces, traces_live(h, now_ms));
	pthread_mutex_unlock(&h->few);
	return t ? 0 : -ENOSPC;
}

bool ub_history_traced(struct ub_history *h, const char *impi)
{
	uint64_t now_ms;
	struct who who;
	bool live = false;

	if (!atomic_load_explicit(&h->n_traces, memory_order_relaxed))
		return false;
	now_ms = clock_mono_ms();
	who = who_of(h, impi);
	pthread_mutex_lock(&h->few);
	for (size_t i = 0; i < UB_HISTORY_TRACES; i++)
		live |= h->trace[i].until_ms > now_ms && same_who(&h->trace[i].who, &who);
	atomic_store(&h->n_traces, traces_live(h, now_ms));
	pthread_mutex_unlock(&h->few);
	return live;
}
