/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* A peer by its name: its connections, and what its machine wants done with them. */
#include <stdlib.h>
#include <unistd.h>
#include "common/base/ascii.h"
#include "common/base/owner_of.h"
#include "common/crypto/rng.h"
#include "common/dia/dia_hub_in.h"

static struct dia_identity **bucket(const struct dia_hub *h, const char *name)
{
	return (struct dia_identity **)&h->identities[ascii_hash(name) % DIA_HUB_BUCKETS];
}

struct dia_identity *dia_identity_find(const struct dia_hub *h, const char *name)
{
	struct dia_identity *id = *bucket(h, name);

	while (id && !span_ieq(span_str(id->name), span_str(name)))
		id = id->next;
	return id;
}

static void hub_arm(struct dia_identity *id)
{
	uint64_t next = dia_peer_next(id->machine), now = dia_hub_now(id->hub);

	if (next == UINT64_MAX)
		dia_loop_timer_stop(id->hub->loop, &id->timer);
	else if (!id->timer.running || next < id->timer.at_ms)
		dia_loop_timer(id->hub->loop, &id->timer, next > now ? next - now : 0);
}

bool dia_identity_is_ready(const struct dia_identity *id)
{
	for (unsigned i = 0; i < id->n_links; i++)
		if (id->links[i] && dia_peer_usable(id->machine, i))
			return true;
	return false;
}

static void tell_ready(struct dia_identity *id)
{
	const struct dia_hub_callbacks *cb = &id->hub->cfg.cb;
	bool ready = dia_identity_is_ready(id);

	if (ready == id->ready)
		return;
	id->ready = ready;
	if (cb->ready)
		cb->ready(cb->owner, id->name, ready);
}

/* Stands for a connection that could not be begun, until the machine is told. */
static struct dia_conn no_conn;

static void tell_not_begun(struct dia_identity *id)
{
	id->not_begun = false;
	for (unsigned i = 0; i < id->n_links; i++)
		if (id->links[i] == &no_conn)
			dia_peer_event(id->machine, dia_hub_now(id->hub), i, DIA_ON_FAIL, 0);
}

/* What the machine asked for but may not be done under its hands. */
void dia_identity_settle(struct dia_identity *id)
{
	struct dia_hub *h = id->hub;
	struct dia_conn *c;

	if (id->not_begun)
		tell_not_begun(id);
	tell_ready(id); /* first: who loses its request looks for another peer */
	while ((c = h->todo)) {
		h->todo = c->todo;
		c->failover = false;
		dia_ask_lost(c);
	}
	hub_arm(id);
}

static void told_open(struct dia_identity *id, struct dia_conn *c)
{
	char from[SOCKADDR_TEXT];

	c->opened = true;
	id->since_ms = dia_hub_now(id->hub);
	sockaddr_text(from, &c->from);
	dia_figures_change(id, DIA_HUB_OPEN, from);
}

static void dial(struct dia_identity *id, unsigned link)
{
	int rc = 0, fd = dia_listen_connect(&id->addr, &rc);
	struct dia_conn *c = fd < 0 ? NULL : dia_conn_new(id->hub, fd, true, &id->addr);
	struct dia_hub_security s;

	if (!c && fd >= 0)
		close(fd);
	id->links[link] = c ? c : &no_conn;
	if (!c) {
		id->not_begun = true;
		return;
	}
	c->id = id;
	c->link = link;
	c->dialled = true;
	s = dia_secure_of(c, id->name);
	c->tls_follows = s.how == DIA_HUB_TLS_AFTER_CER;
	if (rc < 0)
		dia_conn_fail(c, rc);
	else if (s.how == DIA_HUB_BY_TLS)
		dia_secure_begin(c);
}

static void end_link(struct dia_identity *id, struct dia_conn *c, bool reset)
{
	const char *why = c->why ? c->why : "it answers no watchdog";

	id->links[c->link] = NULL;
	if (c->opened) {
		id->since_ms = dia_hub_now(id->hub);
		dia_figures_change(id, DIA_HUB_LOST, why);
	}
	dia_conn_end(c, reset, why);
}

static struct dia_hub_limits limits_of(const struct dia_identity *id)
{
	const struct dia_hub_cfg *cfg = &id->hub->cfg;
	struct dia_hub_limits l = { 1, id->dial ? DIA_FRAME_HSS : cfg->msg_max };

	if (cfg->cb.limits)
		cfg->cb.limits(cfg->cb.owner, id->name, &l);
	return l;
}

static void on_opened(struct dia_identity *id, struct dia_conn *c, uint32_t reopen)
{
	c->s.msg_max = limits_of(id).msg_max;
	if (c->s.paused)
		dia_stream_resume(&c->s);
	if (!reopen)
		told_open(id, c);
	dia_secure_watch(c);
}

/* The first action for a number nobody has yet is for the connection whose CER the machine is just told of. */
static struct dia_conn *link_of(struct dia_identity *id, unsigned link)
{
	if (!id->links[link]) {
		id->links[link] = id->arriving;
		id->arriving->link = link;
		id->arriving = NULL;
	}
	return id->links[link];
}

static void hub_act(void *owner, unsigned link, unsigned act, uint32_t arg)
{
	struct dia_identity *id = owner;
	struct dia_conn *c;

	if (act == DIA_BIT_DIAL) {
		dial(id, link);
		return;
	}
	c = link_of(id, link);
	if (c == &no_conn) {
		id->links[link] = act == DIA_BIT_CLOSE || act == DIA_BIT_RESET ? NULL : c;
		return;
	}
	switch (act) {
	case DIA_BIT_FAILOVER:
		c->failover = true;
		c->todo = id->hub->todo;
		id->hub->todo = c;
		if (dia_peer_state(id->machine, link) == DIA_ST_SUSPECT)
			dia_figures_change(id, DIA_HUB_SUSPECT, "it has not answered a watchdog; no requests go to it");
		break;
	case DIA_BIT_DRAIN:
		dia_conn_drain(c);
		break;
	case DIA_BIT_HANDSHAKE:
		dia_stream_pause(&c->s);
		dia_secure_begin(c);
		break;
	case DIA_BIT_DELIVER:
		c->deliver = true;
		break;
	case DIA_BIT_OPENED:
		on_opened(id, c, arg);
		break;
	case DIA_BIT_FAILBACK:
		if (c->opened)
			dia_figures_change(id, DIA_HUB_BACK, "it answers again");
		else
			told_open(id, c);
		break;
	case DIA_BIT_CLOSE:
	case DIA_BIT_RESET:
		end_link(id, c, act == DIA_BIT_RESET);
		break;
	default:
		dia_conn_act(c, act, arg);
	}
}

static void hub_on_tick(struct dia_timer *t)
{
	struct dia_identity *id = owner_of(t, struct dia_identity, timer);

	dia_peer_tick(id->machine, dia_hub_now(id->hub));
	dia_identity_settle(id);
}

void dia_identity_free(struct dia_identity *id)
{
	dia_loop_timer_stop(id->hub->loop, &id->timer);
	dia_loop_timer_stop(id->hub->loop, &id->tell_later);
	dia_peer_free(id->machine);
	free(id->links);
	free(id);
}

struct dia_identity *dia_identity_new(struct dia_hub *h, const char *name, bool dials)
{
	struct dia_identity *id = calloc(1, sizeof(*id));
	struct dia_peer_cfg cfg = {
		.self = h->cfg.self.host,
		.dial = dials,
		.connections = 1,
		.tw_ms = h->cfg.tw_ms,
		.tc_ms = h->cfg.tc_ms,
	};

	if (!id || strlen(name) > DIA_NAME_MAX || rng_fill(&cfg.seed, sizeof(cfg.seed)) < 0) {
		free(id);
		return NULL;
	}
	id->hub = h;
	id->dial = dials;
	strcpy(id->name, name);
	cfg.name = id->name;
	id->timer.on_time = hub_on_tick;
	id->machine = dia_peer_new(&cfg, hub_act, id, dia_hub_now(h));
	id->n_links = DIA_PEER_LINKS(cfg.connections);
	id->links = calloc(id->n_links, sizeof(struct dia_conn *));
	if (!id->machine || !id->links) {
		dia_identity_free(id);
		return NULL;
	}
	id->next = *bucket(h, name);
	*bucket(h, name) = id;
	return id;
}

struct dia_identity *dia_identity_get(struct dia_hub *h, const char *name)
{
	struct dia_identity *id = dia_identity_find(h, name);

	return id ? id : dia_identity_new(h, name, false);
}

void dia_identity_say_why(struct dia_identity *id, const char *why)
{
	for (unsigned i = 0; i < id->n_links; i++)
		if (id->links[i] && id->links[i] != &no_conn && !id->links[i]->why)
			id->links[i]->why = why;
}

/* Events. */

/* Its Disconnect-Cause, and what we make of it (dia_peer.h). */
static const char *why_it_leaves(const struct dia_identity *id, uint32_t cause)
{
	static const char *const words[][2] = {
		[DIA_REBOOTING] = { "it disconnects: it restarts",
				    "it disconnects: it restarts; next attempt after tc" },
		[DIA_BUSY] = { "it disconnects: it is busy", "it disconnects: it is busy; next attempt in 30 s" },
		[DIA_DO_NOT_WANT] = { "it disconnects: it does not want us",
				      "it disconnects: it does not want us; next attempt in 5 min" },
	};

	return cause <= DIA_DO_NOT_WANT ? words[cause][id->dial] : "it disconnects";
}

void dia_identity_happens(struct dia_conn *c, enum dia_on on, uint32_t arg)
{
	struct dia_identity *id = c->id;
	struct span msg = c->msg;
	struct dia_hdr hdr;

	if (on == DIA_ON_DPR)
		c->why = why_it_leaves(id, arg);
	dia_peer_event(id->machine, dia_hub_now(id->hub), c->link, on, arg);
	dia_identity_settle(id);
	if (!c->deliver)
		return;
	c->deliver = false;
	if (c->ending) /* dropped for another one meanwhile */
		return;
	dia_wire_hdr(&hdr, msg.p);
	if (hdr.flags & DIA_CMD_R) {
		id->requests_in++;
		dia_reply_serve(c, msg);
	} else {
		dia_ask_answered(c, msg);
	}
}

/* What holds now; without memory for more it is as it was. */
static void update_connections(struct dia_identity *id)
{
	unsigned n = limits_of(id).connections, links = DIA_PEER_LINKS(n);
	struct dia_conn **wide =
		links > id->n_links ? realloc(id->links, links * sizeof(struct dia_conn *)) : id->links;

	if (!wide)
		return;
	if (links > id->n_links) {
		memset(wide + id->n_links, 0, (links - id->n_links) * sizeof(struct dia_conn *));
		id->n_links = links;
	}
	id->links = wide;
	(void)dia_peer_connections(&id->machine, n);
}

void dia_identity_cer(struct dia_conn *c, struct dia_identity *id, const struct dia_caps *caps)
{
	struct dia_hub *h = id->hub;
	int link;

	update_connections(id);
	dia_figures_apps(id, caps);
	dia_stream_pause(&c->s);
	dia_conn_name(c);
	dia_loop_timer_stop(h->loop, &c->timer);
	c->id = id;
	id->arriving = c;
	dia_peer_tls_follows(id->machine, c->tls_follows);
	link = dia_peer_cer(id->machine, dia_hub_now(h), caps->has_state, caps->state);
	if (link < 0)
		dia_conn_end(c, true, "too many connections of this identity");
	else if (id->arriving)
		link_of(id, (unsigned)link);
	id->arriving = NULL;
	dia_identity_settle(id);
}
