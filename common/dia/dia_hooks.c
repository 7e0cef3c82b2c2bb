/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* What the library reports, and what it may see. A hook of ours stands for every type, because the default ones write
 * whole messages, keys included, to the log. Ours never format a message: they name the cause and count. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <netinet/tcp.h>
#include "common/base/sockaddr.h"
#include "common/dia/avp_cursor.h"
#include "common/dia/dia_flow.h"
#include "common/dia/dia_guard.h"
#include "common/dia/dia_msg.h"
#include "common/dia/dia_node.h"
#include "common/dia/dia_out.h"

#define TEXT_MAX            512
#define CMD_CAPABILITIES    257
#define CMD_WATCHDOG        280
#define AVP_ERROR_MESSAGE   281
#define CMD_DISCONNECT_PEER 282

/* Only what may stand in a log line, cut to its size: parts of these texts come from the other side. */
static void printable(char *out, size_t cap, const char *in)
{
	size_t i;

	for (i = 0; in[i] && i + 1 < cap; i++)
		out[i] = in[i] >= 0x20 && in[i] <= 0x7e ? in[i] : '?';
	out[i] = '\0';
}

void dia_event(enum dia_event ev, const char *peer, const char *detail)
{
	char who[TEXT_MAX], what[TEXT_MAX];

	if (!dia_node.cfg.cb.event)
		return;
	printable(who, sizeof(who), peer ? peer : "");
	printable(what, sizeof(what), detail ? detail : "");
	dia_node.cfg.cb.event(dia_node.cfg.cb.owner, ev, who, what);
}

void dia_log(enum dia_log_level level, const char *fmt, ...)
{
	char raw[TEXT_MAX], text[TEXT_MAX];
	va_list ap;

	if (!dia_node.cfg.cb.log)
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	printable(text, sizeof(text), raw);
	dia_node.cfg.cb.log(dia_node.cfg.cb.owner, level, text);
}

/* Called under a lock of the library. What may hold an AVP ("val=", a dump, several lines) is not passed on. */
static void __attribute__((format(printf, 2, 0))) on_log(int level, const char *format, va_list args)
{
	enum dia_log_level ours = DIA_LOG_DEBUG;
	char text[TEXT_MAX];

	if (level < fd_g_debug_lvl || !dia_node.cfg.cb.log)
		return;
	vsnprintf(text, sizeof(text), format, args);
	if (strstr(text, "val=") || strstr(text, "AVP:") || strchr(text, '{') || strchr(text, '<') ||
	    strchr(text, '\n')) {
		dia_log(DIA_LOG_DEBUG, "libfdcore: (text withheld, it may hold message contents)");
		return;
	}
	/* While running, what matters comes through the hooks; before, these lines are the only reason given. */
	if (!dia_node.running && !dia_node.stopping && !strstr(text, "shutdown"))
		ours = DIA_LOG_ERROR;
	dia_log(ours, "libfdcore: %s", text);
}

int dia_logger_register(void)
{
	return fd_log_handler_register(on_log);
}

#define INFO_MAX 64 /* "TCP,soc#17" */

static int socket_of(const char *info)
{
	const char *p = strstr(info, "soc#");
	int fd;

	return p && sscanf(p, "soc#%d", &fd) == 1 ? fd : -1;
}

int dia_peer_socket(struct peer_hdr *peer)
{
	char info[INFO_MAX] = "";

	return fd_peer_cnx_proto_info(peer, info, sizeof(info)) ? -1 : socket_of(info);
}

int fd_cnx_proto_info(struct cnxctx *cnx, char *buf, size_t len); /* exported, in no public header */

int dia_cnx_socket(struct cnxctx *cnx)
{
	char info[INFO_MAX] = "";

	return fd_cnx_proto_info(cnx, info, sizeof(info)) ? -1 : socket_of(info);
}

int dia_address_of(int fd, struct sockaddr_storage *out)
{
	socklen_t len = sizeof(*out);

	memset(out, 0, sizeof(*out));
	if (fd < 0 || getpeername(fd, (struct sockaddr *)out, &len))
		return -ENOTCONN;
	sockaddr_unmap(out); /* an IPv4 peer on an IPv6 socket is still that IPv4 address */
	return 0;
}

static struct dia_peer_state *state_of(const char *identity)
{
	const struct dia_peer *ours = dia_node_peer(identity);

	return ours ? &dia_node.peers[ours - dia_node.cfg.peers] : NULL;
}

static void told_open(struct dia_peer_state *state, const char *identity)
{
	if (state)
		state->open = true;
	dia_event(DIA_EV_PEER_OPEN, identity, "");
}

/* Before the library's state is "open": requests sent now would still come back with 3002. */
static void on_open(struct peer_hdr *peer)
{
	const struct dia_peer *ours = dia_node_peer(peer->info.pi_diamid);
	struct dia_peer_state *state = state_of(peer->info.pi_diamid);
	int fd = dia_peer_socket(peer), one = 1;

	if (fd >= 0) /* Nagle and delayed ACK cost 40 ms per burst */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!ours || state->opened_once)
		told_open(state, peer->info.pi_diamid);
}

void dia_first_open(struct peer_info *info, void *data)
{
	struct dia_peer_state *state = info ? state_of(info->pi_diamid) : NULL;

	if (!state)
		return; /* the peer is being deleted */
	state->opened_once = true;
	told_open(state, info->pi_diamid);
}

static void on_closed(const char *identity, const char *why)
{
	struct dia_peer_state *state = state_of(identity);

	if (!state || atomic_exchange(&state->open, false))
		dia_event(DIA_EV_PEER_CLOSED, identity, why);
	else
		dia_log(DIA_LOG_INFO, "peer %s: %s", identity, why);
}

/* A CEA that refuses us: its words are the cure. \returns false: it is none */
static bool on_refused(struct msg *m, struct peer_hdr *peer)
{
	char words[TEXT_MAX] = "", text[TEXT_MAX];
	struct avp_cursor c;
	struct msg_hdr *hdr;
	struct result r;

	if (!m || !peer || fd_msg_hdr(m, &hdr) || hdr->msg_code != CMD_CAPABILITIES ||
	    (hdr->msg_flags & CMD_FLAG_REQUEST) || dia_msg_result(&r, m) || !r.code || r.code == RESULT_SUCCESS)
		return false;
	if (avp_find(&c, m, AVP_ERROR_MESSAGE, 0))
		avp_str(&c, words, sizeof(words));
	snprintf(text, sizeof(text), "%u%s%s", (unsigned)r.code, *words ? ", " : "", words);
	dia_event(DIA_EV_REFUSED, peer->info.pi_diamid, text);
	return true;
}

static void on_failed(struct msg *m, struct peer_hdr *peer, const char *why)
{
	if (on_refused(m, peer))
		return;
	if (peer && (dia_node_peer(peer->info.pi_diamid) || strstr(why, "broken") || strstr(why, "Timeout")))
		on_closed(peer->info.pi_diamid, why);
	else if (!strstr(why, "DIAMETER_UNKNOWN_PEER")) /* that was told by on_validate() */
		dia_event(DIA_EV_PROTOCOL, peer ? peer->info.pi_diamid : "", why);
}

/* There is no hook for an orderly end. */
static void on_message(struct msg *m, struct peer_hdr *peer, const char *why)
{
	struct msg_hdr *hdr;

	if (peer && !fd_msg_hdr(m, &hdr) && hdr->msg_code == CMD_DISCONNECT_PEER && (hdr->msg_flags & CMD_FLAG_REQUEST))
		on_closed(peer->info.pi_diamid, why);
}

/* \returns false: it is none */
static bool on_watchdog(struct msg *m, struct peer_hdr *peer)
{
	struct msg_hdr *hdr;

	if (!m || !peer || fd_msg_hdr(m, &hdr) || hdr->msg_code != CMD_WATCHDOG)
		return false;
	dia_out_was_late(peer);
	return true;
}

static void msg_source(struct msg *m, struct peer_hdr *peer, char out[256])
{
	if (peer)
		snprintf(out, 256, "%s", peer->info.pi_diamid);
	else if (m)
		dia_msg_peer(m, out);
	else
		out[0] = '\0';
}

static bool is_answer(struct msg *m)
{
	struct msg_hdr *hdr;

	return m && !fd_msg_hdr(m, &hdr) && !(hdr->msg_flags & CMD_FLAG_REQUEST);
}

/* The peer is that of the request. */
void dia_unsent(struct msg *answer, const char *why)
{
	struct msg *query = NULL;
	char who[256] = "";

	if (answer && !fd_msg_answ_getq(answer, &query) && query)
		dia_msg_peer(query, who);
	dia_event(DIA_EV_UNSENT, who, why);
}

static void on_dropped(struct msg *m, struct peer_hdr *peer, const char *who, const char *why)
{
	if (strstr(why, "no corresponding sent request") && on_watchdog(m, peer))
		return;
	if (strstr(why, "Error while sending") && is_answer(m)) {
		dia_unsent(m, "its connection has gone");
		return;
	}
	if (on_refused(m, peer)) /* one that lacks what a CEA has beside its result */
		return;
	if (strstr(why, "no corresponding sent request"))
		dia_event(DIA_EV_DROPPED_ANSWER, who, why);
	else if (!strstr(why, "failed the dictionary") &&
		 !strstr(why, "Unable to forward answer")) /* come after PARSING_ERROR, counted there */
		dia_event(DIA_EV_PROTOCOL, who, why);
}

static void on_hook(enum fd_hook_type type, struct msg *m, struct peer_hdr *peer, void *other,
		    struct fd_hook_permsgdata *pmd, void *data)
{
	char who[256];

	dia_flow_taken();
	switch (type) {
	case HOOK_PEER_CONNECT_SUCCESS:
		dia_out_is_back(peer);
		on_open(peer);
		break;
	case HOOK_MESSAGE_RECEIVED:
		on_message(m, peer, "it disconnects");
		on_watchdog(m, peer);
		break;
	case HOOK_MESSAGE_SENDING:
		on_message(m, peer, "we disconnect");
		break;
	case HOOK_PEER_CONNECT_FAILED:
		on_failed(m, peer, other ? other : "");
		break;
	case HOOK_MESSAGE_PARSING_ERROR:
		msg_source(m, peer, who);
		/* without a message, other is the received buffer: never looked at */
		dia_event(DIA_EV_PROTOCOL, who, m && other ? other : "not parsable, connection closed");
		break;
	case HOOK_MESSAGE_ROUTING_ERROR:
		msg_source(m, peer, who);
		if (other && strstr(other, "Unable to forward answer"))
			dia_unsent(m, "its connection has gone");
		else if (who[0]) /* of our own requests the answer 3002 tells; a lost answer is told by DROPPED */
			dia_event(DIA_EV_PROTOCOL, who, other);
		break;
	case HOOK_MESSAGE_DROPPED:
		msg_source(m, peer, who);
		on_dropped(m, peer, who, other ? other : "");
		break;
	default:
		break;
	}
}

static bool serves(void)
{
	size_t i;

	for (i = 0; i < dia_node.n_apps; i++)
		if (dia_node.apps[i].fn)
			return true;
	return false;
}

/* The octets of a message, before the library reads it: what would end this process becomes what is no Diameter at all.
 * The connection is then closed and PARSING_ERROR told. */
static void on_data(enum fd_hook_type type, struct msg *m, struct peer_hdr *peer, void *other,
		    struct fd_hook_permsgdata *pmd, void *data)
{
	struct fd_cnx_rcvdata *received = other;

	dia_flow_receives();
	if (!dia_guard(received->buffer, received->length)) {
		if (!serves())
			dia_guard_unserved(received->buffer);
	} else if (received->length) {
		received->buffer[0] = 0;
	}
}

int dia_hooks_register(void)
{
	struct fd_hook_hdl *handle;
	int rc;

	rc = fd_hook_register(1u << HOOK_DATA_RECEIVED, on_data, NULL, NULL, &handle);
	if (rc)
		return rc;

	return fd_hook_register(((1u << (HOOK_LAST + 1)) - 1) & ~(1u << HOOK_DATA_RECEIVED), on_hook, NULL, NULL,
				&handle);
}
