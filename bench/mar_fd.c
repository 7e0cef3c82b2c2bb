/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Yardstick of the Ub bench: the least a freeDiameter client can do for a MAR: build it with the AVPs gba-bsfd sends,
 * send it, free the answer, reading nothing of it. Silent hooks and TCP_NODELAY, as there.
 *
 * mar_fd SERVER-ID REALM PORT EXCHANGES IN-FLIGHT; prints one line of JSON with the CPU of this process per exchange.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>
#include "dict/dict_gba.h"

#define VENDOR 10415

static struct dict_object *mar, *vsai, *vendor_id, *auth_app, *state, *dest_realm, *user, *item, *scheme;
static sem_t room, opened;
static const char *realm;

static void check(int rc, const char *what)
{
	if (rc) {
		fprintf(stderr, "mar_fd: %s: %s\n", what, strerror(rc));
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

static struct avp *add(msg_or_avp *parent, struct dict_object *model, union avp_value *value)
{
	struct avp *a = NULL;

	check(fd_msg_avp_new(model, 0, &a), "new AVP");
	if (value)
		check(fd_msg_avp_setvalue(a, value), "value");
	check(fd_msg_avp_add(parent, MSG_BRW_LAST_CHILD, a), "add AVP");
	return a;
}

static void add_text(msg_or_avp *parent, struct dict_object *model, const char *text)
{
	add(parent, model, &(union avp_value){ .os = { .data = (uint8_t *)text, .len = strlen(text) } });
}

static void on_answer(void *data, struct msg **m)
{
	fd_msg_free(*m);
	*m = NULL;
	sem_post(&room);
}

static void send_one(void)
{
	struct msg *m = NULL;
	struct msg_hdr *h;
	struct avp *group;

	check(fd_msg_new(mar, MSGFL_ALLOC_ETEID, &m), "new message");
	check(fd_msg_hdr(m, &h), "header");
	h->msg_appl = GBA_APP_ZH;
	check(fd_msg_new_session(m, (os0_t) "zh", 2), "session");
	group = add(m, vsai, NULL);
	add(group, vendor_id, &(union avp_value){ .u32 = VENDOR });
	add(group, auth_app, &(union avp_value){ .u32 = GBA_APP_ZH });
	add(m, state, &(union avp_value){ .u32 = 1 });
	check(fd_msg_add_origin(m, 0), "origin");
	add_text(m, dest_realm, realm);
	add_text(m, user, "001010000000001@ims.mnc001.mcc001.3gppnetwork.org");
	group = add(m, item, NULL);
	add_text(group, scheme, "Digest-AKAv1-MD5");
	check(fd_msg_send(&m, on_answer, NULL), "send");
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

static void on_open(struct peer_info *info, void *data)
{
	sem_post(&opened);
}

static void configure(const char *server, uint16_t port)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = local.sin_addr };
	struct peer_info info = { .pi_diamid = (DiamId_t)server, .pi_diamidlen = strlen(server) };
	static const application_id_t zh = GBA_APP_ZH;
	static const command_code_t ma = GBA_CMD_MA;
	static const vendor_id_t tgpp = VENDOR;
	struct dict_object *vendor, *app;
	struct fd_hook_hdl *hooks;

	fd_g_debug_lvl = FD_LOG_FATAL + 1;
	check(fd_core_initialize(), "initialize");
	fd_g_config->cnf_diamid = strdup("mar-bench.example.com");
	fd_g_config->cnf_diamrlm = strdup("example.com");
	fd_g_config->cnf_port = fd_g_config->cnf_port_tls = 0;
	fd_g_config->cnf_flags.no_sctp = fd_g_config->cnf_flags.no_fwd = 1;
	fd_ep_add_merge(&fd_g_config->cnf_endpoints, (struct sockaddr *)&local, sizeof(local),
			EP_FL_CONF | EP_ACCEPTALL);
	check(fd_core_parseconf("/dev/null"), "configuration");
	check(dict_gba_load(fd_g_config->cnf_dict), "dictionary");
	check(fd_dict_search(fd_g_config->cnf_dict, DICT_APPLICATION, APPLICATION_BY_ID, &zh, &app, ENOENT), "Zh");
	check(fd_dict_search(fd_g_config->cnf_dict, DICT_COMMAND, CMD_BY_CODE_R, &ma, &mar, ENOENT), "MAR");
	check(fd_dict_search(fd_g_config->cnf_dict, DICT_VENDOR, VENDOR_BY_ID, &tgpp, &vendor, ENOENT), "vendor");
	check(fd_disp_app_support(app, vendor, 1, 0), "support");
	check(fd_hook_register(((1u << (HOOK_LAST + 1)) - 1) & ~1u, on_hook, NULL, NULL, &hooks), "hooks");
	info.config.pic_flags.sec = PI_SEC_NONE;
	info.config.pic_flags.pro4 = PI_P4_TCP;
	info.config.pic_flags.persist = PI_PRST_ALWAYS;
	info.config.pic_port = port;
	fd_list_init(&info.pi_endpoints, NULL);
	fd_ep_add_merge(&info.pi_endpoints, (struct sockaddr *)&sa, sizeof(sa), EP_FL_CONF | EP_ACCEPTALL);
	check(fd_peer_add(&info, "bench", on_open, NULL), "peer");
}

static void models(void)
{
	vsai = avp_model(0, 260);
	vendor_id = avp_model(0, 266);
	auth_app = avp_model(0, 258);
	state = avp_model(0, 277);
	dest_realm = avp_model(0, 283);
	user = avp_model(0, 1);
	item = avp_model(VENDOR, 612);
	scheme = avp_model(VENDOR, 608);
}

static double cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static void take(sem_t *s)
{
	while (sem_wait(s) && errno == EINTR)
		;
}

int main(int argc, char **argv)
{
	unsigned long n, in_flight, i;
	double before;

	if (argc < 6) {
		fprintf(stderr, "usage: mar_fd SERVER-ID REALM PORT EXCHANGES IN-FLIGHT\n");
		return 2;
	}
	realm = argv[2];
	n = strtoul(argv[4], NULL, 10);
	in_flight = strtoul(argv[5], NULL, 10);
	signal(SIGPIPE, SIG_IGN);
	sem_init(&room, 0, (unsigned)in_flight);
	sem_init(&opened, 0, 0);
	configure(argv[1], (uint16_t)atoi(argv[3]));
	models();
	check(fd_core_start(), "start");
	take(&opened);
	before = cpu_us();
	for (i = 0; i < n; i++) {
		take(&room);
		send_one();
	}
	for (i = 0; i < in_flight; i++)
		take(&room);
	printf("{\"exchange_us\": %.2f}\n", (cpu_us() - before) / (double)n);
	fflush(stdout);
	fd_core_shutdown();
	fd_core_wait_shutdown_complete();
	return 0;
}
