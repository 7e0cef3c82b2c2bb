/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Requests on their way in: ours by identity or realm (dispatch), or by another name of ours (forward, only with
 * relay). */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "common/dia/dia_flow.h"
#include "common/dia/dia_msg.h"
#include "common/dia/dia_node.h"
#include "dict/dict_gba.h"

#define NEVER (-1000) /* score that no bonus of the library outweighs */

static const struct {
	uint32_t app_id;
	command_code_t command;
} commands[] = {
	{ GBA_APP_ZH, GBA_CMD_MA },
	{ GBA_APP_ZN, GBA_CMD_BI },
	{ GBA_APP_ZPN, GBA_CMD_GP },
};

static struct dia_app *find_app(uint32_t app_id)
{
	size_t i;

	for (i = 0; i < dia_node.n_apps; i++)
		if (dia_node.apps[i].app_id == app_id)
			return &dia_node.apps[i];
	return NULL;
}

/* An error answer of this layer; a request that cannot even be answered is freed. */
static void dia_route_refuse(struct msg **m, uint32_t code)
{
	struct result r = { .code = code };
	char peer[256];

	if (dia_msg_answer(m, &r) && *m) {
		dia_msg_peer(*m, peer);
		dia_event(DIA_EV_UNSENT, peer, "what it wants back is too long for an answer");
		fd_msg_free(*m);
		*m = NULL;
	}
}

/* Hand a parsed request to its owner. Afterwards *m is an answer to send, or NULL. */
static void dia_route_serve(const struct dia_app *app, struct msg **m)
{
	struct msg_hdr *hdr;
	char peer[256];

	if (fd_msg_hdr(*m, &hdr) || !app->fn || hdr->msg_code != app->command) {
		dia_msg_peer(*m, peer);
		dia_event(DIA_EV_PROTOCOL, peer, "DIAMETER_COMMAND_UNSUPPORTED");
		dia_route_refuse(m, RESULT_COMMAND_UNSUPPORTED);
		return;
	}
	app->fn(m, app->owner);
	if (*m && !fd_msg_hdr(*m, &hdr) && (hdr->msg_flags & CMD_FLAG_REQUEST))
		dia_route_refuse(m, RESULT_UNABLE_TO_COMPLY);
}

/* All messages of one application. Answers of ours never come here: dia_tx takes them before. */
static int on_dispatch(struct msg **m, struct avp *avp, struct session *session, void *app, enum disp_action *act)
{
	struct msg_hdr *hdr;

	if (fd_msg_hdr(*m, &hdr))
		return EINVAL;
	if (!(hdr->msg_flags & CMD_FLAG_REQUEST)) { /* passed on, it could be relayed */
		fd_msg_free(*m);
		*m = NULL;
		return 0;
	}
	dia_route_serve(app, m);
	*act = DISP_ACT_SEND;
	return 0;
}

/* \returns 0, or the code to refuse with */
static uint32_t check_destination(struct msg *m)
{
	const struct dia_cfg *cfg = &dia_node.cfg;
	struct avp_cursor c;
	char realm[256];

	if (avp_find(&c, m, 293, 0)) /* ours would have been dispatched */
		return RESULT_UNABLE_TO_DELIVER;
	if (!avp_find(&c, m, 283, 0) || avp_str(&c, realm, sizeof(realm)))
		return RESULT_REALM_NOT_SERVED;
	if (!fd_os_almostcasesrch(realm, strlen(realm), fd_g_config->cnf_diamrlm, fd_g_config->cnf_diamrlm_len, NULL))
		return 0;
	if (cfg->cb.realm_is_ours && !cfg->cb.realm_is_ours(cfg->cb.owner, realm))
		return 0;
	return RESULT_REALM_NOT_SERVED;
}

/* Parse what the library would only have relayed. \returns false: *m is NULL, everything is done */
static bool dia_route_parse(struct msg **m)
{
	struct msg *error = NULL;

	if (!fd_msg_parse_or_error(m, &error))
		return true;
	if (*m)
		fd_msg_free(*m);
	*m = NULL;
	if (error)
		fd_msg_send(&error, NULL, NULL);
	return false;
}

/* With relay, every request that is not for our identity or realm ends here; nothing may leave by another peer. */
static int on_forward(void *data, struct msg **m)
{
	const struct dia_app *app = find_app(dia_msg_app(*m));
	uint32_t refused = check_destination(*m);
	char peer[256];

	dia_msg_peer(*m, peer);
	if (refused) {
		dia_event(DIA_EV_REALM, peer,
			  refused == RESULT_UNABLE_TO_DELIVER ? "DIAMETER_UNABLE_TO_DELIVER"
							      : "DIAMETER_REALM_NOT_SERVED");
		dia_route_refuse(m, refused);
	} else if (!app) {
		dia_event(DIA_EV_PROTOCOL, peer, "DIAMETER_APPLICATION_UNSUPPORTED");
		dia_route_refuse(m, RESULT_APPLICATION_UNSUPPORTED);
	} else if (dia_route_parse(m)) {
		dia_route_serve(app, m);
	}
	if (*m && fd_msg_send(m, NULL, NULL) && *m) {
		fd_msg_free(*m);
		*m = NULL;
	}
	return 0;
}

static const struct dia_peer *candidate(const void *id, size_t len)
{
	char name[256];

	snprintf(name, sizeof(name), "%.*s", (int)len, (const char *)id);
	return dia_node_peer(name);
}

typedef int candidate_fn(struct rt_data *rtd, DiamId_t id, size_t len, DiamId_t realm, size_t realm_len);

static candidate_fn *library_candidate;

/* Takes the place of the library's in a program. Of each candidate the library reads the applications, while a CER of
 * that peer may just replace them: the thread that sends runs through freed memory. So those that connect to us are
 * none. */
int fd_rtd_candidate_add(struct rt_data *rtd, DiamId_t id, size_t len, DiamId_t realm, size_t realm_len)
{
	if (!library_candidate)
		return EINVAL;
	return candidate(id, len) ? library_candidate(rtd, id, len, realm, realm_len) : 0;
}

/* Which peer a request of ours goes to: one we were told to connect to, that serves its realm. Left alone, the library
 * sends to whoever is in the realm, also to a peer that connected to us, and to nobody where the peer's own realm is
 * another. Called after the library's own callbacks: a score below 0 means never. */
static int on_route(void *data, struct msg **m, struct fd_list *candidates)
{
	char realm[256];
	struct avp_cursor c;
	struct fd_list *li;

	dia_flow_never_waits(true); /* all that is sent goes through this thread; it answers what finds no peer, too */
	if (!avp_find(&c, *m, 283, 0) || avp_str(&c, realm, sizeof(realm)))
		realm[0] = '\0';
	for (li = candidates->next; li != candidates; li = li->next) {
		struct rtd_candidate *peer = (struct rtd_candidate *)li;
		const struct dia_peer *ours = candidate(peer->diamid, peer->diamidlen);

		if (!ours)
			peer->score += NEVER;
		else if (!ours->realm[0] || !strcasecmp(ours->realm, realm))
			peer->score += FD_SCORE_DEFAULT_REALM;
	}
	return 0;
}

int dia_route_register(void)
{
	struct fd_rt_fwd_hdl *forward;
	struct fd_rt_out_hdl *out;
	int rc;

	library_candidate = (candidate_fn *)dlsym(RTLD_NEXT, "fd_rtd_candidate_add");
	rc = fd_rt_out_register(on_route, NULL, 0, &out);
	if (!rc && dia_node.cfg.relay)
		rc = fd_rt_fwd_register(on_forward, NULL, RT_FWD_REQ, &forward);
	return rc;
}

int dia_serve(uint32_t app_id, dia_request_fn *fn, void *owner)
{
	struct dict_object *app_obj = NULL, *vendor = NULL;
	vendor_id_t vendor_id = RESULT_VENDOR_3GPP;
	struct disp_when when = { 0 };
	struct disp_hdl *handle;
	struct dia_app *app;
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]) && commands[i].app_id != app_id; i++)
		;
	if (i == sizeof(commands) / sizeof(commands[0]) || find_app(app_id))
		return -EINVAL;
	if (fd_dict_search(fd_g_config->cnf_dict, DICT_APPLICATION, APPLICATION_BY_ID, &app_id, &app_obj, ENOENT) ||
	    fd_dict_search(fd_g_config->cnf_dict, DICT_VENDOR, VENDOR_BY_ID, &vendor_id, &vendor, ENOENT))
		return -EINVAL;
	app = &dia_node.apps[dia_node.n_apps];
	*app = (struct dia_app){ .app_id = app_id, .command = commands[i].command, .fn = fn, .owner = owner };
	when.app = app_obj;
	if (fd_disp_app_support(app_obj, vendor, 1, 0) ||
	    fd_disp_register(on_dispatch, DISP_HOW_APPID, &when, app, &handle))
		return -EINVAL;
	dia_node.n_apps++;
	return 0;
}

int dia_client(uint32_t app_id)
{
	return dia_serve(app_id, NULL, NULL);
}
