/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Locks: open_lock over opening and closing; node.lock, a leaf, over the list of clients. Callbacks of the Diameter
 * library take node.lock, so it is never held while that library is called. */
#include "naf-lib/naf_zn_fd.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "common/dia/dia_addr.h"
#include "common/dia/dia_core.h"
#include "common/dia/dia_tx.h"
#include "common/dia/zn_codec.h"
#include "dict/dict_gba.h"
#include "naf-lib/naf_bia.h"

#define QUEUE_MAX     1024
#define ANSWER_MS     60000 /* each caller has a deadline of its own, and is long gone then */
#define CONNECT_MS    1000
#define OPEN_SLICE_MS 5
#define CLIENT_ID_MAX 0xffffffu
#define TXN_BITS      40
#define TXN_MASK      ((1ull << TXN_BITS) - 1)
#define NODE_TEXTS    5

/*! One context. */
struct client {
	struct client *next;
	uint32_t id;
	struct naf_zn *zn; /* NULL until its first question */
	bool realm_from_btid;
	size_t n_gsids;
	char gsids[ZN_GSIDS_MAX][ZN_GSID_MAX + 1];
	void (*log)(void *owner, enum gba_naf_log_level level, const char *text);
	void *log_owner;
};

static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	enum { NODE_NEW, NODE_UP, NODE_OVER } state;
	_Atomic pid_t pid;       /* who opened; 0: nobody */
	char *texts[NODE_TEXTS]; /* as opened: identity, realm, BSF address, identity, realm; never freed */
	pthread_mutex_t lock;
	pthread_cond_t opened;
	struct client *clients;
	uint32_t last_id;
} node = { .lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER };

static const char *bsf_identity(void)
{
	return node.texts[3];
}

static const char *bsf_realm(void)
{
	return node.texts[4];
}

/*! All contexts share the node; its lines go to the first that listens. */
static void log_line(enum gba_naf_log_level level, const char *what, const char *peer, const char *detail)
{
	char text[512];
	struct writer w;

	writer_init(&w, text, sizeof(text));
	writer_printf(&w, "%s%s%.200s%s%.200s", what, *peer ? " " : "", peer, *detail ? ": " : "", detail);
	if (writer_end(&w) < 0)
		return;
	pthread_mutex_lock(&node.lock);
	for (struct client *c = node.clients; c; c = c->next) {
		if (c->log) {
			c->log(c->log_owner, level, text);
			break;
		}
	}
	pthread_mutex_unlock(&node.lock);
}

static void naf_zn_fd_on_log(void *owner, enum dia_log_level level, const char *text)
{
	static const enum gba_naf_log_level ours[] = {
		[DIA_LOG_DEBUG] = GBA_NAF_LOG_DEBUG,
		[DIA_LOG_INFO] = GBA_NAF_LOG_INFO,
		[DIA_LOG_NOTICE] = GBA_NAF_LOG_NOTICE,
		[DIA_LOG_ERROR] = GBA_NAF_LOG_ERROR,
	};

	log_line(ours[level], "diameter:", "", text);
}

static void naf_zn_fd_on_event(void *owner, enum dia_event ev, const char *peer, const char *detail)
{
	static const struct {
		enum gba_naf_log_level level;
		const char *what;
	} rows[] = {
		[DIA_EV_PEER_OPEN] = { GBA_NAF_LOG_NOTICE, "BSF connected" },
		[DIA_EV_PEER_CLOSED] = { GBA_NAF_LOG_NOTICE, "BSF connection lost" },
		[DIA_EV_PEER_UNKNOWN] = { GBA_NAF_LOG_NOTICE, "Diameter peer refused" },
		[DIA_EV_PEER_ADDRESS] = { GBA_NAF_LOG_NOTICE, "Diameter peer from a wrong address" },
		[DIA_EV_PEER_ROLE] = { GBA_NAF_LOG_NOTICE, "Diameter peer refused" },
		[DIA_EV_PEER_IN_USE] = { GBA_NAF_LOG_NOTICE, "Diameter peer refused" },
		[DIA_EV_UNSENT] = { GBA_NAF_LOG_NOTICE, "answer not sent to" },
		[DIA_EV_REFUSED] = { GBA_NAF_LOG_NOTICE, "BSF refuses us" },
		[DIA_EV_PROTOCOL] = { GBA_NAF_LOG_NOTICE, "Diameter message refused" },
		[DIA_EV_DROPPED_ANSWER] = { GBA_NAF_LOG_INFO, "late answer dropped" },
		[DIA_EV_OVER] = { GBA_NAF_LOG_ERROR, "no keys until this process is started anew:" },
		[DIA_EV_REALM] = { GBA_NAF_LOG_NOTICE, "Diameter realm not ours" },
	};

	log_line(rows[ev].level, rows[ev].what, peer, detail);
	if (ev == DIA_EV_PEER_OPEN) {
		pthread_mutex_lock(&node.lock);
		pthread_cond_broadcast(&node.opened);
		pthread_mutex_unlock(&node.lock);
	}
}

/*! The context may be gone by now: it is found again by its number. */
static void deliver(uint64_t txn, int rc, struct gba_naf_key *key)
{
	struct client *c;

	pthread_mutex_lock(&node.lock);
	for (c = node.clients; c && c->id != txn >> TXN_BITS; c = c->next)
		;
	if (c && c->zn)
		naf_zn_answer(c->zn, txn & TXN_MASK, rc, rc == 0 ? key : NULL);
	pthread_mutex_unlock(&node.lock);
	naf_key_clear(key);
}

static void naf_zn_fd_on_answer(void *owner, uint64_t txn, struct msg *answer)
{
	struct gba_naf_key key = { 0 };
	struct zn_bia bia = { 0 };
	int rc = -EHOSTDOWN;

	if (answer) {
		rc = zn_bia_decode(&bia, answer);
		rc = rc < 0 ? -EPROTO : naf_bia_read(&bia, dia_peer_is_open(bsf_identity()), &key);
		zn_bia_clear(&bia);
		fd_msg_free(answer);
	}
	deliver(txn, rc, &key);
}

static int naf_zn_fd_start(void *self, const struct naf_question *q)
{
	struct client *c = self;
	const char *realm = c->realm_from_btid ? q->domain : bsf_realm();
	struct msg *m = NULL;
	int rc;

	if (!dia_peer_is_open(bsf_identity()))
		return -EHOSTDOWN;
	pthread_mutex_lock(&node.lock);
	c->zn = q->zn;
	pthread_mutex_unlock(&node.lock);
	rc = zn_bir_encode(&m, span_str(q->btid), q->naf_id, (const char(*)[ZN_GSID_MAX + 1]) c->gsids, c->n_gsids,
			   false, realm, c->realm_from_btid ? NULL : bsf_identity());
	if (rc < 0)
		return rc;
	rc = dia_tx_request(&m, naf_zn_fd_on_answer, NULL, (uint64_t)c->id << TXN_BITS | (q->txn & TXN_MASK),
			    ANSWER_MS);
	if (rc < 0)
		fd_msg_free(m);
	return rc;
}

static bool connected(void *self)
{
	return dia_peer_is_open(bsf_identity());
}

static void client_free(struct client *c)
{
	struct client **at = &node.clients;

	pthread_mutex_lock(&node.lock);
	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
	pthread_mutex_unlock(&node.lock);
	free(c);
}

static void stop_if_last(void)
{
	bool last;

	pthread_mutex_lock(&node.lock);
	last = !node.clients;
	pthread_mutex_unlock(&node.lock);
	if (!last || node.state != NODE_UP)
		return;
	node.state = NODE_OVER;
	dia_tx_stop();
	dia_core_stop();
}

static void close_client(void *self, struct naf_zn *zn)
{
	pthread_mutex_lock(&open_lock);
	client_free(self);
	stop_if_last();
	pthread_mutex_unlock(&open_lock);
}

static int start_node(const struct gba_naf_diameter *d, struct err *err)
{
	struct dia_cfg cfg = {
		.identity = d->identity,
		.realm = d->realm,
		.n_peers = 1,
		.cb = { .log = naf_zn_fd_on_log, .event = naf_zn_fd_on_event },
	};
	struct sigaction pipe;
	int rc = dia_addr_resolve(&cfg.peers[0].addr, d->bsf_address, err);

	if (rc < 0)
		return rc;
	/* its realm stays empty: every request goes to this one peer, also one for the domain of a B-TID */
	if (span_to_str(cfg.peers[0].identity, sizeof(cfg.peers[0].identity), span_str(d->bsf_identity)) < 0)
		return err_set(err, -EINVAL, "Diameter identity of the BSF: at most %zu characters",
			       sizeof(cfg.peers[0].identity) - 1);
	node.state = NODE_OVER; /* whatever happens, there is no second try */
	sigaction(SIGPIPE, NULL, &pipe);
	rc = dia_core_init(&cfg, err);
	sigaction(SIGPIPE, &pipe, NULL); /* the application's affair; the node's threads block it */
	if (rc < 0)
		return rc;
	if (dia_client(GBA_APP_ZN) < 0)
		return err_set(err, -EIO, "diameter: cannot advertise Zn");
	if (dia_tx_start(QUEUE_MAX) < 0)
		return err_set(err, -ENOMEM, "no memory");
	rc = dia_core_start(err);
	if (rc < 0) {
		dia_tx_stop();
		return rc;
	}
	node.state = NODE_UP;
	return 0;
}

/*! First open, or the same again. Under open_lock. */
static int join_node(const struct gba_naf_diameter *d, struct err *err)
{
	const char *texts[NODE_TEXTS] = { d->identity, d->realm, d->bsf_address, d->bsf_identity, d->bsf_realm };
	static const char *const names[NODE_TEXTS] = { "identity", "realm", "bsf_address", "bsf_identity",
						       "bsf_realm" };
	int rc;

	for (size_t i = 0; i < NODE_TEXTS; i++) {
		if (!texts[i] || !*texts[i])
			return err_set(err, -EINVAL, "config.diameter.%s is needed", names[i]);
	}
	if (node.state == NODE_OVER)
		return err_set(err, -EALREADY,
			       "the connection of this process was closed, or failed; there is one per process");
	for (size_t i = 0; i < NODE_TEXTS && node.state == NODE_UP; i++) {
		if (strcasecmp(texts[i], node.texts[i]) != 0)
			return err_set(err, -EINVAL, "config.diameter.%s: this process is connected with \"%.200s\"",
				       names[i], node.texts[i]);
	}
	if (node.state == NODE_UP)
		return 0;
	for (size_t i = 0; i < NODE_TEXTS; i++) {
		free(node.texts[i]);
		node.texts[i] = strdup(texts[i]);
		if (!node.texts[i])
			return err_set(err, -ENOMEM, "no memory");
	}
	node.pid = getpid();
	rc = start_node(d, err);
	if (rc < 0 && node.state == NODE_NEW)
		node.pid = 0;
	return rc;
}

static int read_gsids(struct client *c, const struct gba_naf_config *cfg, struct err *err)
{
	if (cfg->n_gsids > ZN_GSIDS_MAX)
		return err_set(err, -EINVAL, "config.gsids: at most %d", ZN_GSIDS_MAX);
	for (size_t i = 0; i < cfg->n_gsids; i++) {
		const char *g = cfg->gsids[i] ? cfg->gsids[i] : "";

		if (!*g || strspn(g, "0123456789") != strlen(g) ||
		    span_to_str(c->gsids[i], sizeof(c->gsids[i]), span_str(g)) < 0)
			return err_set(err, -EINVAL, "config.gsids[%zu]: \"%.40s\" is no number of at most %d digits",
				       i, g, ZN_GSID_MAX);
	}
	c->n_gsids = cfg->n_gsids;
	return 0;
}

static int client_new(const struct gba_naf_config *cfg, struct client **out, struct err *err)
{
	struct client *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return err_set(err, -ENOMEM, "no memory");
	rc = read_gsids(c, cfg, err);
	if (rc == 0 && node.last_id == CLIENT_ID_MAX)
		rc = err_set(err, -EALREADY, "too many contexts in the life of this process");
	if (rc < 0) {
		free(c);
		return rc;
	}
	c->realm_from_btid = cfg->diameter->realm_from_btid;
	c->log = cfg->log;
	c->log_owner = cfg->log_owner;
	pthread_mutex_lock(&node.lock);
	c->id = ++node.last_id; /* never used twice, so an answer cannot reach another context */
	c->next = node.clients;
	node.clients = c;
	pthread_mutex_unlock(&node.lock);
	*out = c;
	return 0;
}

/*! Woken by the event; looked after in slices too, because the library tells that a peer is open shortly before it
 *  accepts requests for it. */
static void wait_connected(unsigned ms)
{
	struct naf_now now;
	struct timespec slice;
	int64_t until;

	naf_clock(&now);
	until = now.mono_ms + ms;
	while (!dia_peer_is_open(bsf_identity()) && now.mono_ms < until) {
		clock_gettime(CLOCK_REALTIME, &slice);
		slice.tv_nsec += OPEN_SLICE_MS * 1000000;
		slice.tv_sec += slice.tv_nsec / 1000000000;
		slice.tv_nsec %= 1000000000;
		pthread_mutex_lock(&node.lock);
		pthread_cond_timedwait(&node.opened, &node.lock, &slice);
		pthread_mutex_unlock(&node.lock);
		naf_clock(&now);
	}
}

int naf_zn_fd_open(const struct gba_naf_config *cfg, struct naf_transport *out, struct err *err)
{
	struct client *c = NULL;
	pid_t opener = node.pid;
	int rc;

	/* before any lock: a thread that is not in this child may hold it for ever */
	if (opener && opener != getpid())
		return err_set(err, -EALREADY,
			       "the connection was opened before fork(); open it in each worker instead");
	pthread_mutex_lock(&open_lock);
	rc = client_new(cfg, &c, err);
	if (rc == 0)
		rc = join_node(cfg->diameter, err);
	if (rc < 0 && c)
		client_free(c);
	if (rc == 0)
		wait_connected(cfg->diameter->connect_ms ? cfg->diameter->connect_ms : CONNECT_MS);
	pthread_mutex_unlock(&open_lock);
	if (rc < 0)
		return rc;
	*out = (struct naf_transport){
		.start = naf_zn_fd_start, .connected = connected, .close = close_client, .self = c
	};
	return 0;
}
