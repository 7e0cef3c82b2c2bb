/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The yardstick of the Zn bench: the least a freeDiameter program can do for a BIR. It answers each with the same AVPs
 * of the same sizes as gba-bsfd, always the same octets, reading nothing of the request. Silent hooks and TCP_NODELAY,
 * as there.
 *
 * echo_fd IDENTITY REALM PORT [uss-octets]; listens on 127.0.0.1, takes any peer; ends on SIGTERM. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "bench/bare_fd.h"
#include "dict/dict_gba.h"

#define AVPS 12

static struct constant {
	struct dict_object *model;
	union avp_value value;
} constants[AVPS];
static size_t n_constants;
static uint8_t key[32], instant[4] = { 0xed, 0x02, 0x5c, 0xe5 },
			impi[] = "001010000000001@ims.mnc001.mcc001.3gppnetwork.org";

static void constant_octets(uint32_t vendor, uint32_t code, void *data, size_t len)
{
	constants[n_constants++] =
		(struct constant){ .model = avp_model(vendor, code), .value = { .os = { .data = data, .len = len } } };
}

static int on_bir(struct msg **m, struct avp *a, struct session *s, void *opaque, enum disp_action *act)
{
	size_t i;

	check(fd_msg_new_answer_from_req(fd_g_config->cnf_dict, m, 0), "answer");
	avp_add_application(*m, GBA_APP_ZN);
	for (i = 0; i < n_constants; i++)
		avp_add(*m, constants[i].model, &constants[i].value);
	*act = DISP_ACT_SEND;
	return 0;
}

static int on_validate(struct peer_info *info, int *auth, int (**cb2)(struct peer_info *))
{
	info->config.pic_flags.sec = PI_SEC_NONE;
	*auth = 1;
	return 0;
}

static void constants_fill(size_t uss_octets)
{
	static uint8_t uss[65536];

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
	bare_init(argv[1], argv[2], (uint16_t)atoi(argv[3]));
	constants_fill(argc > 4 ? strtoul(argv[4], NULL, 10) : 0);
	when.command = bare_application(GBA_APP_ZN, GBA_CMD_BI, &when.app);
	check(fd_disp_register(on_bir, DISP_HOW_CC, &when, NULL, &handle), "dispatch");
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
