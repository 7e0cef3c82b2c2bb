/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Whom we connect to, and whom the operator wants off: changed while other connections go on. */
#include <errno.h>
#include "common/dia/dia_base.h"
#include "common/dia/dia_hub_in.h"

static bool dials_there(const struct dia_identity *id, const struct sockaddr_storage *addr)
{
	return id->dial && sockaddr_same_host(&id->addr, addr) && sockaddr_port(&id->addr) == sockaddr_port(addr);
}

static void end_all(struct dia_identity *id, enum dia_cause cause, const char *why)
{
	dia_identity_say_why(id, why);
	dia_peer_stop(id->machine, dia_hub_now(id->hub), DIA_ON_STOP, cause);
}

static void begin_anew(struct dia_identity *id, const char *why)
{
	id->held_off = false;
	end_all(id, DIA_REBOOTING, why);
	dia_peer_again(id->machine, dia_hub_now(id->hub));
	dia_identity_settle(id);
}

int dia_hub_dial(struct dia_hub *h, const char *identity, const struct sockaddr_storage *addr, bool may_connect)
{
	struct dia_identity *id = dia_identity_find(h, identity);
	bool is_new = !id;

	if (id && dials_there(id, addr) && id->may_connect == may_connect)
		return -EEXIST;
	if (!id)
		id = dia_identity_new(h, identity, true);
	if (!id)
		return -ENOMEM;
	id->may_connect = may_connect;
	if (dials_there(id, addr))
		return 0;
	id->addr = *addr;
	if (is_new) {
		dia_loop_timer(h->loop, &id->timer, 0);
		return 0;
	}
	dia_peer_dial(id->machine, dia_hub_now(h), true);
	if (id->dial && !id->held_off)
		begin_anew(id, "its address has changed");
	id->dial = true;
	dia_identity_settle(id);
	return 0;
}

void dia_hub_undial(struct dia_hub *h, const char *identity)
{
	struct dia_identity *id = dia_identity_find(h, identity);

	if (!id || !id->dial)
		return;
	id->dial = id->may_connect = false;
	dia_peer_dial(id->machine, dia_hub_now(h), false);
	dia_identity_settle(id);
}

int dia_hub_disconnect(struct dia_hub *h, const char *identity)
{
	struct dia_identity *id = dia_identity_get(h, identity);

	if (!id)
		return -ENOMEM;
	id->held_off = true;
	end_all(id, DIA_DO_NOT_WANT, "the operator wants it off");
	dia_identity_settle(id);
	return 0;
}

int dia_hub_reconnect(struct dia_hub *h, const char *identity)
{
	struct dia_identity *id = dia_identity_find(h, identity);

	if (!id)
		return -ENOENT;
	begin_anew(id, "the operator wants it anew");
	return 0;
}

void dia_hub_cut(struct dia_hub *h, const char *identity)
{
	struct dia_identity *id = h ? dia_identity_find(h, identity) : NULL;

	for (unsigned i = 0; id && i < id->n_links; i++) {
		if (!id->links[i])
			continue;
		id->links[i]->why = "closed without a DPR, as was asked for";
		dia_stream_pause(&id->links[i]->s);
		dia_stream_shut(&id->links[i]->s);
	}
}
