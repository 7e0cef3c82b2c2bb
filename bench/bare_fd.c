/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bench/bare_fd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dict/dict_gba.h"

static struct dict_object *vsai, *vendor_id, *auth_app;

void check(int rc, const char *what)
{
	if (rc) {
		fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(rc));
		exit(1);
	}
}

struct dict_object *avp_model(uint32_t vendor, uint32_t code)
{
	struct dict_avp_request_ex by = { .avp_vendor = { .vendor_id = vendor }, .avp_data = { .avp_code = code } };
	struct dict_object *o = NULL;

	check(vendor ? fd_dict_search(fd_g_config->cnf_dict, DICT_AVP, AVP_BY_STRUCT, &by, &o, ENOENT)
		     : fd_dict_search(fd_g_config->cnf_dict, DICT_AVP, AVP_BY_CODE, &code, &o, ENOENT),
	      "dictionary");
	return o;
}

struct avp *avp_add(msg_or_avp *parent, struct dict_object *model, union avp_value *value)
{
	struct avp *a = NULL;

	check(fd_msg_avp_new(model, 0, &a), "new AVP");
	if (value)
		check(fd_msg_avp_setvalue(a, value), "value");
	check(fd_msg_avp_add(parent, MSG_BRW_LAST_CHILD, a), "add AVP");
	return a;
}

void avp_add_application(msg_or_avp *parent, application_id_t app)
{
	struct avp *group = avp_add(parent, vsai, NULL);

	avp_add(group, vendor_id, &(union avp_value){ .u32 = VENDOR });
	avp_add(group, auth_app, &(union avp_value){ .u32 = app });
}

static void on_hook(enum fd_hook_type type, struct msg *m, struct peer_hdr *peer, void *other,
		    struct fd_hook_permsgdata *pmd, void *data)
{
	char info[64] = "", *p;
	int one = 1, fd;

	if (type != HOOK_PEER_CONNECT_SUCCESS || fd_peer_cnx_proto_info(peer, info, sizeof(info)))
		return;
	p = strstr(info, "soc#");
	if (p && sscanf(p, "soc#%d", &fd) == 1)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

void bare_init(const char *identity, const char *realm, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct fd_hook_hdl *hooks;

	fd_g_debug_lvl = FD_LOG_FATAL + 1;
	check(fd_core_initialize(), "initialize");
	fd_g_config->cnf_diamid = strdup(identity);
	fd_g_config->cnf_diamrlm = strdup(realm);
	fd_g_config->cnf_port = port;
	fd_g_config->cnf_port_tls = 0;
	fd_g_config->cnf_flags.no_sctp = 1;
	fd_g_config->cnf_flags.no_fwd = 1;
	fd_g_config->cnf_thr_srv = 64;
	fd_ep_add_merge(&fd_g_config->cnf_endpoints, (struct sockaddr *)&sa, sizeof(sa), EP_FL_CONF | EP_ACCEPTALL);
	check(fd_core_parseconf("/dev/null"), "configuration");
	check(dict_gba_load(fd_g_config->cnf_dict), "dictionary");
	vsai = avp_model(0, 260);
	vendor_id = avp_model(0, 266);
	auth_app = avp_model(0, 258);
	check(fd_hook_register(((1u << (HOOK_LAST + 1)) - 1) & ~1u, on_hook, NULL, NULL, &hooks), "hooks");
}

struct dict_object *bare_application(application_id_t app, command_code_t command, struct dict_object **app_out)
{
	struct dict_object *vendor, *request;
	vendor_id_t tgpp = VENDOR;

	check(fd_dict_search(fd_g_config->cnf_dict, DICT_APPLICATION, APPLICATION_BY_ID, &app, app_out, ENOENT),
	      "application");
	check(fd_dict_search(fd_g_config->cnf_dict, DICT_COMMAND, CMD_BY_CODE_R, &command, &request, ENOENT),
	      "command");
	check(fd_dict_search(fd_g_config->cnf_dict, DICT_VENDOR, VENDOR_BY_ID, &tgpp, &vendor, ENOENT), "vendor");
	check(fd_disp_app_support(*app_out, vendor, 1, 0), "support");
	return request;
}
