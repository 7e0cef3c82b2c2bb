/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Yardstick of the Ub bench: the least a freeDiameter client can do for a MAR: build it with the AVPs gba-bsfd sends,
 * send it, free the answer, reading nothing of it. Silent hooks and TCP_NODELAY, as there.
 *
 * mar_fd SERVER-ID REALM PORT EXCHANGES IN-FLIGHT; prints one line of JSON with the CPU of this process per exchange.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "bench/bare_fd.h"
#include "dict/dict_gba.h"

static struct dict_object *mar, *state, *dest_realm, *user, *item, *scheme;
static sem_t room, opened;
static const char *realm;

static void add_text(msg_or_avp *parent, struct dict_object *model, const char *text)
{
	avp_add(parent, model, &(union avp_value){ .os = { .data = (uint8_t *)text, .len = strlen(text) } });
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
	avp_add_application(m, GBA_APP_ZH);
	avp_add(m, state, &(union avp_value){ .u32 = 1 });
	check(fd_msg_add_origin(m, 0), "origin");
	add_text(m, dest_realm, realm);
	add_text(m, user, "001010000000001@ims.mnc001.mcc001.3gppnetwork.org");
	group = avp_add(m, item, NULL);
	add_text(group, scheme, "Digest-AKAv1-MD5");
	check(fd_msg_send(&m, on_answer, NULL), "send");
}

static void on_open(struct peer_info *info, void *data)
{
	sem_post(&opened);
}

static void configure(const char *server, uint16_t port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct peer_info info = { .pi_diamid = (DiamId_t)server, .pi_diamidlen = strlen(server) };
	struct dict_object *app;

	bare_init("mar-bench.example.com", "example.com", 0);
	mar = bare_application(GBA_APP_ZH, GBA_CMD_MA, &app);
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
