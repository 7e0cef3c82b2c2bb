/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/dia/dia_core.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include "common/base/port_probe.h"
#include "common/base/signals.h"
#include "common/base/sockaddr.h"
#include "common/dia/dia_accept.h"
#include "common/dia/dia_flow.h"
#include "common/dia/dia_grave.h"
#include "common/dia/dia_node.h"
#include "common/dia/dia_out.h"
#include "common/dia/dia_patience.h"
#include "common/dia/dict_handles.h"
#include "dict/dict_gba.h"

#define TC_DEFAULT_S 5
#define TW_DEFAULT_S 10
/* A silent connection holds one of these threads until the library gives it up; 64 keep room for peers that talk. */
#define SERVER_THREADS 64
#define LISTEN_WAIT_MS 5000
#define LISTEN_FD_MAX  1024

struct dia_node dia_node;
static bool initialized;
static pthread_t watcher;
static bool watched;

/* The library only says 107 when a port is taken. */
static int probe_listen(const struct sockaddr_storage *sa, struct err *err)
{
	int fd = port_probe(sa);
	char addr[SOCKADDR_TEXT];

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	sockaddr_host_text(addr, sa);
	return err_set(err, fd, "diameter: cannot listen on %s port %u: %s", addr, sockaddr_port(sa), strerror(-fd));
}

/* A client that listens nowhere still has to tell an address in CER: the one the system would use towards this peer. */
static void add_local_address(const struct sockaddr_storage *peer)
{
	struct sockaddr_storage local = { 0 };
	socklen_t len = sizeof(local);
	int fd = socket(peer->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (!connect(fd, (const struct sockaddr *)peer, sockaddr_len(peer)) &&
	    !getsockname(fd, (struct sockaddr *)&local, &len)) {
		sockaddr_port_set(&local, 0);
		fd_ep_add_merge(&fd_g_config->cnf_endpoints, (struct sockaddr *)&local, len, EP_FL_CONF | EP_ACCEPTALL);
	}
	close(fd);
}

static int check_config(const struct dia_cfg *cfg, struct err *err)
{
	size_t i;
	int rc;

	if (!cfg->identity || !*cfg->identity || !cfg->realm || !*cfg->realm)
		return err_set(err, -EINVAL, "diameter: identity and realm are needed");
	if (cfg->n_listen > DIA_LISTEN_MAX || cfg->n_peers > DIA_PEERS_MAX)
		return err_set(err, -EINVAL, "diameter: at most %d listen addresses and %d peers", DIA_LISTEN_MAX,
			       DIA_PEERS_MAX);
	if (!cfg->n_listen && !cfg->n_peers)
		return err_set(err, -EINVAL, "diameter: neither an address to listen on nor a peer to connect to");
	for (i = 0; i < cfg->n_listen; i++) {
		if (sockaddr_port(&cfg->listen[i].addr) != sockaddr_port(&cfg->listen[0].addr))
			return err_set(err, -EINVAL, "diameter: all listen addresses share one port");
		rc = probe_listen(&cfg->listen[i].addr, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* Everything that must stand in fd_g_config before fd_core_parseconf() reads an empty file. */
static int fill_config(const struct dia_cfg *cfg)
{
	struct fd_config *fd = fd_g_config;
	size_t i;

	fd->cnf_diamid = strdup(cfg->identity);
	fd->cnf_diamrlm = strdup(cfg->realm);
	if (!fd->cnf_diamid || !fd->cnf_diamrlm)
		return -ENOMEM;
	fd->cnf_port = cfg->n_listen ? sockaddr_port(&cfg->listen[0].addr) : 0;
	fd->cnf_port_tls = 0;
	fd->cnf_flags.no_sctp = 1;
	fd->cnf_flags.no_fwd = !cfg->relay;
	fd->cnf_thr_srv = SERVER_THREADS;
	fd->cnf_timer_tc = cfg->tc_s ? (unsigned)cfg->tc_s : TC_DEFAULT_S;
	fd->cnf_timer_tw = cfg->tw_s ? (unsigned)cfg->tw_s : TW_DEFAULT_S;
	for (i = 0; i < cfg->n_listen; i++) {
		struct sockaddr_storage sa = cfg->listen[i].addr;

		/* without EP_ACCEPTALL a loopback address is dropped and the node listens everywhere */
		fd_ep_add_merge(&fd->cnf_endpoints, (struct sockaddr *)&sa, sockaddr_len(&sa),
				EP_FL_CONF | EP_ACCEPTALL);
	}
	for (i = 0; i < cfg->n_peers && !cfg->n_listen; i++)
		add_local_address(&cfg->peers[i].addr);
	return 0;
}

/* Initialise the library and read the empty file. Its threads inherit the blocked signals. */
static int library_up(const struct dia_cfg *cfg, struct err *err)
{
	const char *missing = "";
	sigset_t before;
	int rc;

	if (initialized)
		return err_set(err, -EALREADY, "diameter: one node per process life");
	initialized = true;
	dia_accept_init();
	dia_flow_init();
	dia_out_init();
	dia_grave_init();
	signal(SIGPIPE, SIG_IGN); /* the library uses writev() and leaves SIGPIPE to us */
	fd_g_debug_lvl = FD_LOG_ERROR;
	signals_block(&before);
	rc = dia_logger_register();
	if (!rc)
		rc = fd_core_initialize();
	if (!rc)
		rc = -fill_config(cfg);
	if (!rc)
		rc = fd_core_parseconf("/dev/null");
	if (!rc)
		rc = dict_gba_load(fd_g_config->cnf_dict);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return err_set(err, -EINVAL, "diameter: the library does not accept the configuration of %s: %s",
			       cfg->identity, strerror(rc));
	if (dia_handles_load(fd_g_config->cnf_dict, &missing))
		return err_set(err, -EINVAL, "diameter: the dictionary has no %s", missing);
	return 0;
}

static int add_peer(const struct dia_peer *p, struct err *err)
{
	struct peer_info info = { 0 };
	struct sockaddr_storage sa = p->addr;
	int rc;

	info.pi_diamid = (DiamId_t)p->identity;
	info.pi_diamidlen = strlen(p->identity);
	info.config.pic_flags.sec = PI_SEC_NONE;
	info.config.pic_flags.pro4 = PI_P4_TCP;
	info.config.pic_flags.persist = PI_PRST_ALWAYS;
	info.config.pic_port = sockaddr_port(&sa);
	fd_list_init(&info.pi_endpoints, NULL);
	rc = fd_ep_add_merge(&info.pi_endpoints, (struct sockaddr *)&sa, sockaddr_len(&sa), EP_FL_CONF | EP_ACCEPTALL);
	if (!rc)
		rc = fd_peer_add(&info, "configuration", dia_first_open, NULL);
	if (rc)
		return err_set(err, -EINVAL, "diameter: cannot add peer %s: %s", p->identity, strerror(rc));
	return 0;
}

int dia_core_init(const struct dia_cfg *cfg, struct err *err)
{
	size_t i;
	int rc;

	if (initialized)
		return err_set(err, -EALREADY, "diameter: one node per process life");
	rc = check_config(cfg, err);
	if (rc)
		return rc;
	dia_node.cfg = *cfg;
	dia_node.cfg.identity = strdup(cfg->identity);
	dia_node.cfg.realm = strdup(cfg->realm);
	if (!dia_node.cfg.identity || !dia_node.cfg.realm)
		return err_set(err, -ENOMEM, "diameter: no memory");
	rc = library_up(&dia_node.cfg, err);
	if (rc)
		return rc;
	rc = dia_hooks_register();
	if (!rc)
		rc = dia_validate_register();
	if (!rc)
		rc = dia_route_register();
	if (rc)
		return err_set(err, -EINVAL, "diameter: cannot register with the library: %s", strerror(rc));
	for (i = 0; i < cfg->n_peers; i++) {
		rc = add_peer(&cfg->peers[i], err);
		if (rc)
			return rc;
	}
	return 0;
}

int dia_core_init_parser(struct err *err)
{
	static const struct dia_cfg cfg = { .identity = "parser.localdomain", .realm = "localdomain" };
	static bool parser;
	int rc;

	if (parser)
		return 0;
	rc = library_up(&cfg, err);
	parser = !rc;
	return rc;
}

/* A peer whose thread first runs after fd_core_start() connects only after a random 0 to 4 s. The library tells nobody
 * when the thread has come so far but by its state, so this looks for it; a busy machine needs some milliseconds. */
static void wait_for_peer_threads(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	struct peer_hdr *peer;
	size_t i;
	int tries;

	for (i = 0; i < dia_node.cfg.n_peers; i++) {
		const char *id = dia_node.cfg.peers[i].identity;

		if (fd_peer_getbyid((DiamId_t)id, strlen(id), 0, &peer) || !peer)
			continue;
		for (tries = 0; tries < 1000 && fd_peer_get_state(peer) == STATE_NEW; tries++)
			nanosleep(&ms, NULL);
	}
}

/* Sockets of ours that listen on this port. */
static size_t count_listening(uint16_t port)
{
	struct sockaddr_storage sa;
	size_t n = 0;
	int fd;

	for (fd = 0; fd < LISTEN_FD_MAX; fd++) {
		socklen_t len = sizeof(sa), on_len = sizeof(int);
		int on = 0;

		if (!getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &on_len) && on &&
		    !getsockname(fd, (struct sockaddr *)&sa, &len) && sockaddr_port(&sa) == port)
			n++;
	}
	return n;
}

/* The library's own threads begin to listen some time after fd_core_waitstartcomplete(), and nothing tells when. Who
 * says "ready" must be reachable, so look, every millisecond. */
static int wait_listening(struct err *err)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int i;

	for (i = 0; i < LISTEN_WAIT_MS; i++) {
		if (count_listening(fd_g_config->cnf_port) >= dia_node.cfg.n_listen)
			return 0;
		nanosleep(&ms, NULL);
	}
	return err_set(err, -EIO, "diameter: the library does not listen on port %u", fd_g_config->cnf_port);
}

/* The library shuts itself down when one of its threads meets an error it has no answer to. Nothing tells but this. */
static void *watch_end(void *none)
{
	fd_core_wait_shutdown_complete();
	if (atomic_exchange(&dia_node.running, false))
		dia_event(DIA_EV_OVER, dia_node.cfg.identity, "the Diameter library has ended by itself");
	return NULL;
}

int dia_core_start(struct err *err)
{
	sigset_t before;
	int rc;

	wait_for_peer_threads();
	signals_block(&before);
	rc = fd_core_start();
	if (!rc)
		rc = fd_core_waitstartcomplete();
	dia_node.running = true;
	if (!rc)
		rc = pthread_create(&watcher, NULL, watch_end, NULL);
	watched = !rc;
	if (rc)
		dia_node.running = false;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return err_set(err, -EIO, "diameter: the node does not start: %s", strerror(rc));
	return dia_node.cfg.n_listen ? wait_listening(err) : 0;
}

void dia_core_stop(void)
{
	if (!initialized)
		return;
	dia_node.running = false;
	dia_node.stopping = true;
	dia_patience();
	if (fd_core_shutdown())
		return;
	if (watched)
		pthread_join(watcher, NULL);
	else
		fd_core_wait_shutdown_complete();
	watched = false;
}

const struct dia_peer *dia_node_peer(const char *identity)
{
	size_t i;

	for (i = 0; i < dia_node.cfg.n_peers; i++)
		if (!strcasecmp(dia_node.cfg.peers[i].identity, identity))
			return &dia_node.cfg.peers[i];
	return NULL;
}

static struct peer_hdr *running_peer(const char *identity)
{
	struct peer_hdr *peer = NULL;

	if (!dia_node.running || fd_peer_getbyid((DiamId_t)identity, strlen(identity), 1, &peer))
		return NULL;
	return peer;
}

bool dia_peer_is_open(const char *identity)
{
	struct peer_hdr *peer = running_peer(identity);
	int state = peer ? fd_peer_get_state(peer) : STATE_CLOSED;

	return state == STATE_OPEN || state == STATE_OPEN_NEW; /* new: came to us and has not said anything more yet */
}

unsigned dia_peer_unanswered(const char *identity)
{
	struct peer_hdr *peer = running_peer(identity);
	long sent = 0, received = 0;

	if (!peer || fd_peer_get_load_pending(peer, &sent, &received) || sent < 0)
		return 0;
	return (unsigned)sent;
}

void dia_msg_peer(struct msg *m, char out[256])
{
	DiamId_t id = NULL;
	size_t len = 0;

	out[0] = '\0';
	if (!fd_msg_source_get(m, &id, &len) && id && len < 256) {
		memcpy(out, id, len);
		out[len] = '\0';
	}
}
