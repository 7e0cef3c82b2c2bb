/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "naf-lib/naf_bir.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/base/owner_of.h"
#include "common/dia/zn_wire.h"

#define BIR_MAX      4096 /* octets: 32 GSIDs, names of 255 characters */
#define FLAGS_AT     4    /* in a Diameter header */
#define HOP_AT       12
#define AVP_CODE_LEN 4

/*! From the question to the end of the last request that was sent for it. */
struct bir {
	struct dia_hub *hub;
	struct dia_loop *loop;
	struct dia_timer repeat;
	uint64_t until_ms;
	unsigned out; /* requests without an end */
	bool told;
	naf_bir_fn *done;
	void *owner;
	uint64_t txn;
	char peer[DIA_NAME_MAX + 1], session_id[DIA_SESSION_ID_MAX];
	size_t len;
	uint8_t octets[BIR_MAX]; /* as sent */
};

static void bir_free(struct bir *b)
{
	dia_loop_timer_stop(b->loop, &b->repeat);
	free(b);
}

static void bir_tell(struct bir *b, int rc, struct zn_bia *bia, const char *why)
{
	if (b->told)
		return;
	b->told = true;
	dia_loop_timer_stop(b->loop, &b->repeat);
	b->done(b->owner, b->txn, rc, bia, why);
}

/*! What is wrong with it, in words for the log. */
static void fault_words(char out[NAF_BIR_WHY_MAX], struct span answer)
{
	struct dia_fault f = { 0 };
	struct span avp;

	if (dia_check(&f, answer, &zn_wire_bia, NULL) == 0) {
		snprintf(out, NAF_BIR_WHY_MAX, "a value in the BIA cannot be read");
		return;
	}
	avp = dia_fault_avp(&f);
	if (avp.len >= AVP_CODE_LEN)
		snprintf(out, NAF_BIR_WHY_MAX, "the BIA has a fault: %u, AVP %u", f.code, be32_get(avp.p));
	else
		snprintf(out, NAF_BIR_WHY_MAX, "the BIA has a fault: %u", f.code);
}

/*! It must be ours: hop-by-hop id, connection, command and application fit already. */
static bool is_of_session(const struct bir *b, struct span answer)
{
	struct dia_avp a;

	return dia_wire_find(&a, dia_wire_avps(answer), AVP_SESSION_ID) && a.data.len == strlen(b->session_id) &&
	       memcmp(a.data.p, b->session_id, a.data.len) == 0;
}

static void bir_read(struct bir *b, struct span answer)
{
	char why[NAF_BIR_WHY_MAX] = "the BIA has another Session-Id";
	struct zn_bia bia = { 0 };
	int rc = is_of_session(b, answer) ? 0 : -EBADMSG;

	if (rc == 0) {
		rc = zn_wire_bia_get(&bia, answer);
		if (rc == -EBADMSG)
			fault_words(why, answer);
	}
	bir_tell(b, rc, rc == 0 ? &bia : NULL, rc == -EBADMSG ? why : NULL);
	zn_bia_clear(&bia);
}

static void bir_answered(void *owner, uint64_t txn, int rc, struct span answer)
{
	struct bir *b = owner;

	b->out--;
	if (b->told)
		;
	else if (rc == 0)
		bir_read(b, answer);
	else if (rc == -EBADMSG)
		bir_tell(b, rc, NULL, "the answer is of another command or application");
	else if (!b->out)
		bir_tell(b, rc, NULL, NULL);
	if (!b->out)
		bir_free(b);
}

/*! The octets that went out, with another hop-by-hop id, and T. */
static int put_again(struct writer *w, const struct dia_address *to, const void *what)
{
	const struct bir *b = what;
	uint8_t head[DIA_HDR_LEN];

	memcpy(head, b->octets, sizeof(head));
	head[FLAGS_AT] |= DIA_CMD_T;
	be32_put(head + HOP_AT, to->hop_by_hop);
	writer_put(w, head, sizeof(head));
	writer_put(w, b->octets + sizeof(head), b->len - sizeof(head));
	return w->overflow ? -ENOSPC : (int)w->len;
}

struct first {
	struct bir *b;
	const struct naf_bir *in;
};

static int put_first(struct writer *w, const struct dia_address *to, const void *what)
{
	const struct first *f = what;
	const struct naf_bir *in = f->in;
	struct writer own;
	int len;

	writer_init(&own, f->b->octets, sizeof(f->b->octets));
	len = zn_wire_bir_put(&own, to, in->btid, in->naf_id, in->gsids, in->n_gsids, in->gba_u_aware);
	if (len < 0)
		return len;
	f->b->len = (size_t)len;
	snprintf(f->b->session_id, sizeof(f->b->session_id), "%s", to->session_id);
	writer_put(w, f->b->octets, f->b->len);
	return w->overflow ? -ENOSPC : len;
}

static int send_it(struct bir *b, struct dia_target *to, dia_ask_put_fn *put, const void *what, uint32_t patience_ms)
{
	int rc;

	to->peer = b->peer;
	to->grammar = &zn_wire_bir;
	to->room = BIR_MAX;
	rc = dia_ask(b->hub, to, put, what, patience_ms, bir_answered, b, 0);
	b->out += rc == 0;
	return rc;
}

/*! If it cannot be sent, the first one may still be answered. */
static void on_repeat(struct dia_timer *t)
{
	struct bir *b = owner_of(t, struct bir, repeat);
	uint64_t now = dia_loop_now(b->loop);
	struct dia_target to = { .session_id = b->session_id };

	if (now < b->until_ms)
		send_it(b, &to, put_again, b, (uint32_t)(b->until_ms - now));
}

int naf_bir_ask(struct dia_hub *h, struct dia_loop *l, const struct naf_bir *in, uint32_t patience_ms, naf_bir_fn *done,
		void *owner, uint64_t txn)
{
	struct dia_target to = { .realm = in->realm, .host = in->host };
	struct bir *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return -ENOMEM;
	*b = (struct bir){ .hub = h, .loop = l, .done = done, .owner = owner, .txn = txn, .repeat.on_time = on_repeat };
	snprintf(b->peer, sizeof(b->peer), "%s", in->peer);
	b->until_ms = dia_loop_now(l) + patience_ms;
	dia_loop_timer(l, &b->repeat, patience_ms / 2);
	rc = send_it(b, &to, put_first, &(struct first){ b, in }, patience_ms);
	if (rc < 0)
		bir_free(b);
	return rc;
}
