/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/dia_watch.h"

#include "common/rt/counters.h"
#include "common/rt/daemon.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"

static void dia_watch_on_log(void *owner, enum dia_log_level level, const char *text)
{
	static const int levels[] = {
		[DIA_LOG_DEBUG] = LOGL_DEBUG,
		[DIA_LOG_INFO] = LOGL_INFO,
		[DIA_LOG_NOTICE] = LOGL_NOTICE,
		[DIA_LOG_ERROR] = LOGL_ERROR,
	};

	LOGT(DRT, levels[level], "%s\n", text);
}

/* Peers cause these: beyond a few a minute they are only counted. */
void dia_watch_refused(int cat, enum cause cause, const char *peer, const char *detail)
{
	struct log_line l;

	counter_inc(cause);
	if (!log_rate_ok(cat) || !log_line_begin(&l, cat, LOGL_NOTICE, cause))
		return;
	log_line_str(&l, "peer", peer);
	log_line_str(&l, "reason", detail);
	log_line_end(&l);
}

static void dia_watch_on_event(void *owner, enum dia_event ev, const char *peer, const char *detail)
{
	switch (ev) {
	case DIA_EV_PEER_OPEN:
		LOGT(DRT, LOGL_NOTICE, "Diameter peer %s connected\n", peer);
		break;
	case DIA_EV_PEER_CLOSED:
		LOGT(DRT, LOGL_NOTICE, "Diameter peer %s lost: %s\n", peer, detail);
		break;
	case DIA_EV_PEER_UNKNOWN:
		dia_watch_refused(DRT, CAUSE_dia_peer_unknown, peer, detail);
		break;
	case DIA_EV_PEER_ADDRESS:
		dia_watch_refused(DRT, CAUSE_dia_peer_address, peer, detail);
		break;
	case DIA_EV_PEER_ROLE:
		dia_watch_refused(DRT, CAUSE_dia_peer_role, peer, detail);
		break;
	case DIA_EV_PEER_IN_USE:
		dia_watch_refused(DRT, CAUSE_dia_peer_in_use, peer, detail);
		break;
	case DIA_EV_UNSENT:
		dia_watch_refused(DRT, CAUSE_dia_unsent, peer, detail);
		break;
	case DIA_EV_REFUSED:
		if (log_rate_ok(DRT))
			LOGT(DRT, LOGL_NOTICE, "Diameter peer %s refuses us: %s\n", peer, detail);
		break;
	case DIA_EV_PROTOCOL:
		dia_watch_refused(DRT, CAUSE_dia_protocol, peer, detail);
		break;
	case DIA_EV_REALM:
		dia_watch_refused(DRT, CAUSE_zn_realm, peer, detail);
		break;
	case DIA_EV_OVER:
		LOGT(DRT, LOGL_ERROR, "%s: %s, so does this process\n", peer, detail);
		rt_fail();
		break;
	case DIA_EV_DROPPED_ANSWER: /* a late one still finds its request in the library and comes to the caller */
		dia_watch_refused(DRT, CAUSE_zh_duplicate, peer, detail);
		break;
	}
}

void dia_watch(struct dia_callbacks *cb)
{
	cb->log = dia_watch_on_log;
	cb->event = dia_watch_on_event;
}
