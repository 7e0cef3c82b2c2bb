/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/dia_select.h"

#include <talloc.h>
#include <osmocom/core/select.h>
#include <osmocom/core/timer.h>
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

struct dia_select {
	struct dia_loop *loop;
	struct osmo_fd ofd;
	struct osmo_timer_list again;
};

/* Where the loop gathers the thread itself asks for what is left. Else a second turn takes along what the first has written
 * to other connections, without a way through the thread's select. */
void dia_select_turn(struct dia_select *d)
{
	if (!dia_loop_turn(d->loop, DIA_SELECT_BUDGET) || dia_loop_gathers(d->loop))
		return;
	if (dia_loop_turn(d->loop, DIA_SELECT_BUDGET))
		osmo_timer_schedule(&d->again, 0, 0);
}

static int dia_select_on_event(struct osmo_fd *ofd, unsigned int what)
{
	dia_select_turn(ofd->data);
	return 0;
}

static void on_again(void *data)
{
	dia_select_turn(data);
}

static int dia_select_free(struct dia_select *d)
{
	osmo_timer_del(&d->again);
	osmo_fd_unregister(&d->ofd);
	return 0;
}

struct dia_select *dia_select_new(void *ctx, struct dia_loop *l)
{
	struct dia_select *d = talloc_zero(ctx, struct dia_select);

	if (!d)
		return NULL;
	d->loop = l;
	osmo_timer_setup(&d->again, on_again, d);
	osmo_fd_setup(&d->ofd, dia_loop_fd(l), OSMO_FD_READ, dia_select_on_event, d, 0);
	if (osmo_fd_register(&d->ofd) < 0) {
		talloc_free(d);
		return NULL;
	}
	talloc_set_destructor(d, dia_select_free);
	return d;
}

/* Peers cause these: beyond a few a minute they are only counted. */
void dia_select_refused(int cat, enum cause cause, const char *peer, const char *detail)
{
	struct log_line l;

	counter_inc(cause);
	if (!log_rate_ok(cat) || !log_line_begin(&l, cat, LOGL_NOTICE, cause))
		return;
	log_line_str(&l, "peer", peer);
	log_line_str(&l, "reason", detail);
	log_line_end(&l);
}

/* Each counts; the cure is told once. */
static void tell_misrouted(const char *peer, const char *detail)
{
	struct log_line l;

	counter_inc(CAUSE_dia_misrouted);
	if (!detail[0] || !log_line_begin(&l, DRT, LOGL_NOTICE, CAUSE_dia_misrouted))
		return;
	log_line_str(&l, "peer", peer);
	log_line_str(&l, "reason", detail);
	log_line_end(&l);
}

void dia_select_event(void *owner, enum dia_hub_event ev, const char *peer, const char *detail)
{
	static const struct {
		enum cause cause;
		const char *reason; /* NULL: detail says it */
	} refused[] = {
		[DIA_HUB_UNKNOWN] = { CAUSE_dia_peer_unknown, NULL },
		[DIA_HUB_ADDRESS] = { CAUSE_dia_peer_address, NULL },
		[DIA_HUB_IN_USE] = { CAUSE_dia_peer_in_use, NULL },
		[DIA_HUB_STRANGER] = { CAUSE_dia_stranger, NULL },
		[DIA_HUB_ROLE] = { CAUSE_dia_peer_role, NULL },
		[DIA_HUB_TLS] = { CAUSE_dia_tls, NULL },
		[DIA_HUB_CERTIFICATE] = { CAUSE_dia_certificate, NULL },
		[DIA_HUB_KEY] = { CAUSE_dia_key, NULL },
		[DIA_HUB_PROTOCOL] = { CAUSE_dia_protocol, NULL },
		[DIA_HUB_REALM] = { CAUSE_zn_realm, NULL },
		[DIA_HUB_STRAY] = { CAUSE_zh_duplicate, "an answer to nothing that waits" },
	};

	switch (ev) {
	case DIA_HUB_OPEN:
		LOGT(DRT, LOGL_NOTICE, "Diameter peer %s connected\n", peer);
		break;
	case DIA_HUB_LOST:
		LOGT(DRT, LOGL_NOTICE, "Diameter peer %s lost: %s\n", peer, detail);
		break;
	case DIA_HUB_SUSPECT:
	case DIA_HUB_BACK:
	case DIA_HUB_EXPIRES:
		LOGT(DRT, LOGL_NOTICE, "Diameter peer %s: %s\n", peer, detail);
		break;
	case DIA_HUB_FLAPS:
		LOGT(DRT, LOGL_NOTICE, "Diameter peer %s %s\n", peer, detail);
		break;
	case DIA_HUB_REFUSED:
		if (log_rate_ok(DRT))
			LOGT(DRT, LOGL_NOTICE, "Diameter peer %s: %s\n", peer, detail);
		break;
	case DIA_HUB_MISROUTED:
		tell_misrouted(peer, detail);
		break;
	default:
		dia_select_refused(DRT, refused[ev].cause, peer, refused[ev].reason ? refused[ev].reason : detail);
	}
}

static void on_over(void *owner)
{
	*(bool *)owner = true;
}

void dia_select_stop(struct dia_loop *l, struct dia_hub *h)
{
	bool over = false;

	if (!h)
		return;
	dia_hub_stop(h, on_over, &over);
	while (!over) {
		dia_loop_wait(l, -1);
		dia_loop_turn(l, DIA_SELECT_BUDGET);
	}
	dia_hub_free(h);
}
