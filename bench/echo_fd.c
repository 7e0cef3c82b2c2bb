/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The yardstick of the Zn bench: the least a freeDiameter program can do for a BIR. It answers each with the same AVPs
 * of the same sizes as gba-bsfd, always the same octets, reading nothing of the request. Silent hooks and TCP_NODELAY,
 * as there.
 *
 * echo_fd IDENTITY REALM PORT [uss-octets]; listens on 127.0.0.1, takes any peer; ends on SIGTERM. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include "dict/dict_gba.h"

#define VENDOR 10415
#define AVPS 12

static struct dict_object *vsai, *vendor_id, *auth_app;
static struct constant {
	struct dict_object *model;
	union avp_value value;
} constants[AVPS];
static size_t n_constants;
static uint8_t key[32], instant[4] = { 0xed, 0x02, 0x5c, 0xe5 },
			impi[] = "001010000000001@ims.mnc001.mcc001.3gppnetwork.org";

static void check(int rc, const char *what)
{
	if (rc) {
		fprintf(stderr, "echo_fd: %s: %s\n", what, strerror(rc));
		exit(1);
	}
}

static struct dict_object *avp_model(uint32_t vendor, uint32_t code)
{
	struct dict_avp_request_ex by = { .avp_vendor = { .vendor_id = vendor }, .avp_data = { .avp_code = code } };
	struct dict_object *o = NULL;

	check(vendor ? fd_dict_search(fd_g_config->cnf_dict, DICT_AVP, AVP_BY_STRUCT, &by, &o, ENOENT)
		     : fd_dict_search(fd_g_config->cnf_dict, DICT_AVP, AVP_BY_CODE, &code, &o, ENOENT),
	      "dictionary");
	return o;
}

static void constant_octets(uint32_t vendor, uint32_t code, void *data, size_t len)
{
	constants[n_constants++] =
		(struct constant){ .model = avp_model(vendor, code), .value = { .os = { .data = data, .len = len } } };
}

static struct avp *add(msg_or_avp *parent, struct dict_object *model, union avp_value *value)
{
	struct avp *a = NULL;

	check(fd_msg_avp_new(model, 0, &a), "new AVP");
	if (value)
		check(fd_msg_avp_setvalue(a, value), "value");
	check(fd_msg_avp_add(parent, MSG_BRW_LAST_CHILD, a), "add AVP");
	return a;
}

static int on_bir(struct msg **m, struct avp *a, struct session *s, void *opaque, enum disp_action *act)
{
	static union avp_value vendor = { .u32 = VENDOR }, app = { .u32 = GBA_APP_ZN };
	struct avp *group;
	size_t i;

	check(fd_msg_new_answer_from_req(fd_g_config->cnf_dict, m, 0), "answer");
	group = add(*m, vsai, NULL);
	add(group, vendor_id, &vendor);
	add(group, auth_app, &app);
	for (i = 0; i < n_constants; i++)
		add(*m, constants[i].model, &constants[i].value);
	*act = DISP_ACT_SEND;
	return 0;
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

static int on_validate(struct peer_info *info, int *auth, int (**cb2)(struct peer_info *))
{
	info->config.pic_flags.sec = PI_SEC_NONE;
	*auth = 1;
	return 0;
}

static void configure(const char *identity, const char *realm, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

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
}

static void constants_fill(size_t uss_octets)
{
	static uint8_t uss[65536];

	vsai = avp_model(0, 260);
	vendor_id = avp_model(0, 266);
	auth_app = avp_model(0, 258);
	constants[n_constants++] = (struct constant){ .model = avp_model(0, 268), .value = { .u32 = 2001 } };
	constant_octets(0, 264, fd_g_config->cnf_diamid, fd_g_config->cnf_diamid_len);
	constant_octets(0, 296, fd_g_config->cnf_diamrlm, fd_g_config->cnf_diamrlm_len);
	constant_octets(0, 1, impi, sizeof(impi) - 1);
	constant_octets(VENDOR, 405, key, sizeof(key));
	constant_octets(VENDOR, 404, instant, sizeof(instant));
	constant_octets(VENDOR, 408, instant, sizeof(instant));
	if (uss_octets && uss_octets <= sizeof(uss)) {
		memset(uss, ' ', sizeof(uss));
		constant_octets(VENDOR, 400, uss, uss_octets);
	}
}

int main(int argc, char **argv)
{
	static const application_id_t zn = GBA_APP_ZN;
	static const command_code_t bi = GBA_CMD_BI;
	static const vendor_id_t tgpp = VENDOR;
	struct dict_object *vendor;
	struct fd_hook_hdl *hooks;
	struct disp_when when = { 0 };
	struct disp_hdl *handle;
	sigset_t end;
	int sig;

	if (argc < 4) {
		fprintf(stderr, "usage: echo_fd IDENTITY REALM PORT [uss-octets]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigaddset(&end, SIGINT);
	pthread_sigmask(SIG_BLOCK, &end, NULL);
	configure(argv[1], argv[2], (uint16_t)atoi(argv[3]));
	constants_fill(argc > 4 ? strtoul(argv[4], NULL, 10) : 0);
	check(fd_dict_search(fd_g_config->cnf_dict, DICT_APPLICATION, APPLICATION_BY_ID, &zn, &when.app, ENOENT), "Zn");
	check(fd_dict_search(fd_g_config->cnf_dict, DICT_COMMAND, CMD_BY_CODE_R, &bi, &when.command, ENOENT), "BIR");
	check(fd_dict_search(fd_g_config->cnf_dict, DICT_VENDOR, VENDOR_BY_ID, &tgpp, &vendor, ENOENT), "vendor");
	check(fd_disp_app_support(when.app, vendor, 1, 0), "support");
	check(fd_disp_register(on_bir, DISP_HOW_CC, &when, NULL, &handle), "dispatch");
	check(fd_hook_register(((1u << (HOOK_LAST + 1)) - 1) & ~1u, on_hook, NULL, NULL, &hooks), "hooks");
	check(fd_peer_validate_register(on_validate), "validate");
	check(fd_core_start(), "start");
	check(fd_core_waitstartcomplete(), "start");
	printf("ready\n");
	fflush(stdout);
	sigwait(&end, &sig);
	fd_core_shutdown();
	fd_core_wait_shutdown_complete();
	return 0;
}
