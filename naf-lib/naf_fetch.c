/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Keys by B-TID: waiting for the answer, or not. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/timerfd.h>

#include "common/http/auth_hdr.h"
#include "naf-lib/naf_ctx.h"
#include "naf-lib/naf_fork.h"

/*! A question that its owner looks after. */
struct gba_naf_fetch {
	struct naf_waiter w;
	uint64_t process;
	struct naf_zn *zn;
	int timer; /* -1: it was over when it began */
};

/*! What is asked for, by name. */
struct wanted {
	struct naf_live *live;
	struct gba_naf_request req;
	struct naf_id naf_id;
	struct naf_ks_id id;
	struct btid btid;
	struct span text;
};

/*! The user name a device sent. */
static struct span user_of(const struct gba_naf_request *req)
{
	struct auth_hdr h;
	const char *text = req->authorization;

	/* one that needs unescaping is no B-TID */
	if (!text || auth_hdr_parse(&h, (const uint8_t *)text, strlen(text)) < 0)
		return span_of(NULL, 0);
	return h.username;
}

static int want(struct wanted *out, struct gba_naf *naf, const char *btid, const struct gba_naf_request *given)
{
	int rc;

	*out = (struct wanted){ .text = span_of(NULL, 0) };
	if (!naf || (given && naf_ctx_request(&out->req, given) < 0))
		return -EINVAL;
	out->text = btid ? span_str(btid) : user_of(&out->req);
	rc = naf_ctx_host(naf, out->req.host ? out->req.host : naf->names[0], out->req.ua_id, &out->naf_id);
	if (rc == 0)
		rc = naf_ctx_btid(naf, out->text, &out->btid);
	if (rc < 0)
		return rc;
	naf_ks_id_make(&out->id, &out->btid, &out->naf_id);
	out->live = naf_ctx_live(naf);
	return out->live ? 0 : -ENOMEM;
}

int gba_naf_fetch_key(struct gba_naf *naf, const char *btid, const struct gba_naf_request *given,
		      struct gba_naf_key **out)
{
	struct gba_naf_key *key;
	struct wanted q;
	int rc = btid && out ? want(&q, naf, btid, given) : -EINVAL;

	if (rc < 0)
		return rc;
	key = calloc(1, sizeof(*key));
	rc = key ? naf_ctx_key(naf, q.live, &q.id, &q.btid, q.text, &q.naf_id, &q.req, key) : -ENOMEM;
	if (rc == 0)
		*out = key;
	else
		gba_naf_key_free(key);
	return rc;
}

/*! \returns 0; -EAGAIN, NAF_KS_DUE, NAF_KS_OLD ask; else it is over */
static int begin(struct gba_naf *naf, const struct wanted *q, struct gba_naf_fetch *f)
{
	struct naf_now now;
	int rc;

	naf->clock(&now);
	rc = naf_ks_get(q->live->ks, &q->id, q->req.source ? span_str(q->req.source) : span_of(NULL, 0), &now,
			&f->w.key);
	f->w.id = q->id;
	f->w.rc = rc > 0 ? 0 : rc;
	atomic_store(&f->w.done, rc != -EAGAIN && rc != NAF_KS_OLD);
	return rc;
}

static int start(struct gba_naf *naf, const struct wanted *q, struct gba_naf_fetch *f)
{
	struct naf_question question;
	int rc;

	f->process = naf_fork_process();
	f->zn = q->live->zn;
	f->timer = -1;
	rc = begin(naf, q, f);
	if (rc != -EAGAIN && rc <= 0)
		return 0;
	if (naf_ctx_question(naf, &question, &q->btid, q->text, &q->naf_id, &q->req) < 0)
		return -EINVAL;
	if (rc == NAF_KS_DUE) {
		naf_zn_again(f->zn, &q->id, &question);
		return 0;
	}
	question.anew = rc == NAF_KS_OLD;
	f->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (f->timer < 0)
		return -ENOMEM;
	f->w.timer = f->timer;
	naf_zn_start(f->zn, &f->w, &q->id, &question);
	return 0;
}

/*! A child does not close it: the number may have become another descriptor there. It is only a timer. */
static void fetch_free(struct gba_naf_fetch *f)
{
	if (f->timer >= 0 && f->process == naf_fork_process())
		close(f->timer);
	naf_key_clear(&f->w.key);
	free(f);
}

int gba_naf_fetch_start(struct gba_naf *naf, const char *btid, const struct gba_naf_request *given,
			struct gba_naf_fetch **out)
{
	struct gba_naf_fetch *f;
	struct wanted q;
	int rc = out ? want(&q, naf, btid, given) : -EINVAL;

	if (rc < 0)
		return rc;
	f = calloc(1, sizeof(*f));
	rc = f ? start(naf, &q, f) : -ENOMEM;
	if (rc == 0)
		*out = f;
	else if (f)
		fetch_free(f);
	return rc;
}

int gba_naf_fetch_fd(const struct gba_naf_fetch *f)
{
	return f ? f->timer : -1;
}

static int fetch_take(struct gba_naf_fetch *f, struct gba_naf_key **out)
{
	struct gba_naf_key *key;

	if (f->w.rc < 0)
		return f->w.rc;
	key = malloc(sizeof(*key));
	if (!key)
		return -ENOMEM;
	*key = f->w.key;
	key->size = sizeof(*key);
	f->w.key.uss_list = NULL; /* moved */
	*out = key;
	return 0;
}

int gba_naf_fetch_finish(struct gba_naf_fetch *f, struct gba_naf_key **out)
{
	int rc;

	if (!f || !out)
		return -EINVAL;
	if (f->process != naf_fork_process())
		rc = -ECHILD;
	else if (!naf_zn_over(f->zn, &f->w))
		return -EAGAIN;
	else
		rc = fetch_take(f, out);
	fetch_free(f);
	return rc;
}

void gba_naf_fetch_cancel(struct gba_naf_fetch *f)
{
	if (!f)
		return;
	if (f->process == naf_fork_process())
		naf_zn_leave(f->zn, &f->w);
	fetch_free(f);
}

int naf_fetch_result(const struct gba_naf_fetch *f, const struct naf_ks_id *id, struct gba_naf_key *out)
{
	if (f->process != naf_fork_process() || !atomic_load_explicit(&f->w.done, memory_order_acquire) ||
	    naf_ks_id_cmp(&f->w.id, id) != 0)
		return -EAGAIN;
	return f->w.rc < 0 ? f->w.rc : naf_key_copy(out, &f->w.key);
}
