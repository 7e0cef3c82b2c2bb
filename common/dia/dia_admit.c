/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Who may connect to us, and what the CEA says to who may not: words that name the cure. */
#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "common/base/sockaddr.h"
#include "common/dia/avp_cursor.h"
#include "common/dia/dia_node.h"

#define WHY_MAX      512
#define ORIGIN_HOST  264
#define IN_USE_WORDS "Invalid state to receive a new connection attempt." /* the library's */

struct cnxctx;
struct fd_peer;

enum verdict { LET_IN, UNKNOWN, ADDRESS, ROLE, IN_USE };

static const struct {
	enum dia_event ev;
	const char *words;
} refusals[] = {
	[UNKNOWN] = { DIA_EV_PEER_UNKNOWN, "this identity is not configured here; check it, or have it added" },
	[ADDRESS] = { DIA_EV_PEER_ADDRESS,
		      "this identity belongs to another address; connect from there, or have this one added to it" },
	[ROLE] = { DIA_EV_PEER_ROLE,
		   "we connect to this identity; it connects to us only where its operator here wrote may-connect" },
	[IN_USE] = { DIA_EV_PEER_IN_USE,
		     "this identity has a connection already; each has one, so give every process an identity of its own" },
};

/* What the CEA of this thread's CER will say. */
static _Thread_local char why[WHY_MAX];

static void admit_refuse(enum verdict v, const char *identity, const struct sockaddr_storage *from)
{
	char addr[SOCKADDR_TEXT] = "";
	int skip;

	if (from)
		sockaddr_host_text(addr, from);
	skip = snprintf(why, sizeof(why), "%s", identity);
	snprintf(why + skip, sizeof(why) - (size_t)skip, "%s%s: %s", *addr ? " from " : "", addr, refusals[v].words);
	dia_event(refusals[v].ev, identity, why + skip + (*addr ? 1 : 2));
}

/* Of a NAF, a BSF, a tool. */
static enum verdict known_to_us(const char *identity, const struct sockaddr_storage *from)
{
	const struct dia_callbacks *cb = &dia_node.cfg.cb;
	int rc = cb->accept ? cb->accept(cb->owner, identity, (const struct sockaddr *)from) : -ENOENT;

	return !rc ? LET_IN : rc == -EPERM ? ADDRESS : UNKNOWN;
}

/* Of an HSS: the library does not validate whom it knows, and lets in who comes under that name. */
static enum verdict one_we_connect_to(const struct dia_peer *ours, const struct sockaddr_storage *from)
{
	if (!sockaddr_same_host(from, &ours->addr))
		return ADDRESS;
	return ours->may_connect ? LET_IN : ROLE;
}

/* Answered here: the library does not get to see it. */
static void answer_unknown_peer(struct msg **cer, struct cnxctx *cnx)
{
	if (!fd_msg_new_answer_from_req(fd_g_config->cnf_dict, cer, MSGFL_ANSW_ERROR) &&
	    !fd_msg_rescode_set(*cer, "DIAMETER_UNKNOWN_PEER", NULL, NULL, 0) && !fd_msg_add_origin(*cer, 0))
		dia_out_now(cer, cnx);
}

bool dia_may_connect(struct msg **cer, struct cnxctx *cnx)
{
	const struct dia_peer *ours;
	struct sockaddr_storage from;
	struct avp_cursor c;
	char identity[256];
	enum verdict v;

	why[0] = '\0';
	if (!avp_find(&c, *cer, ORIGIN_HOST, 0) || avp_str(&c, identity, sizeof(identity)))
		return true;
	ours = dia_node_peer(identity);
	if (!ours)
		return true;
	if (dia_address_of(dia_cnx_socket(cnx), &from))
		return false; /* gone */
	v = one_we_connect_to(ours, &from);
	if (v == LET_IN)
		return true;
	admit_refuse(v, ours->identity, &from);
	answer_unknown_peer(cer, cnx);
	return false;
}

/* CER of a peer we did not configure a connection to. Without TLS the address is what binds the name. */
static int on_validate(struct peer_info *info, int *auth, int (**cb2)(struct peer_info *))
{
	struct peer_hdr *peer = (struct peer_hdr *)((char *)info - offsetof(struct peer_hdr, info));
	struct sockaddr_storage from;
	enum verdict v;

	why[0] = '\0';
	*auth = -1;
	if (dia_address_of(dia_peer_socket(peer), &from)) {
		dia_event(DIA_EV_PROTOCOL, info->pi_diamid, "connection lost during capabilities exchange");
		return 0;
	}
	v = known_to_us(info->pi_diamid, &from);
	if (v != LET_IN) {
		admit_refuse(v, info->pi_diamid, &from);
		return 0;
	}
	info->config.pic_flags.sec = PI_SEC_NONE;
	/* the library sends off who asks nothing for an hour, by the wall clock */
	info->config.pic_flags.exp = PI_EXP_NONE;
	*auth = 1;
	return 0;
}

int dia_validate_register(void)
{
	return fd_peer_validate_register(on_validate);
}

static void in_use(struct msg *cea)
{
	struct msg *cer = NULL;
	struct avp_cursor c;
	char identity[256] = "";

	if (!fd_msg_answ_getq(cea, &cer) && cer && avp_find(&c, cer, ORIGIN_HOST, 0))
		avp_str(&c, identity, sizeof(identity));
	admit_refuse(IN_USE, identity, NULL);
}

typedef int rescode_fn(struct msg *m, char *code, char *words, struct avp *failed, int type);

/* Takes the place of the library's in a program. It is the one place where a CEA gets its words; the library has none for an
 * unknown peer, and for a second connection those of its state machine. */
int fd_msg_rescode_set(struct msg *m, char *code, char *words, struct avp *failed, int type)
{
	static rescode_fn *library_rescode;
	int rc;

	if (!library_rescode)
		library_rescode = (rescode_fn *)dlsym(RTLD_NEXT, "fd_msg_rescode_set");
	if (!library_rescode)
		return EINVAL;
	if (words && !strcmp(words, IN_USE_WORDS))
		in_use(m);
	else if (words || strcmp(code, "DIAMETER_UNKNOWN_PEER") != 0)
		why[0] = '\0';
	rc = library_rescode(m, code, why[0] ? why : words, failed, type);
	why[0] = '\0';
	return rc;
}
