/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/api_http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <talloc.h>
#include "common/base/sockaddr.h"
#include "common/rt/cfg_file.h"
#include "reg/api_serve.h"

#define BACKLOG 512
#define BURST   32 /* connections taken per turn of the loop */
#define TURNS   3  /* of the library in one of ours: a request read, served, its answer sent */

static struct api_http *listeners[API_LISTEN_MAX];
static size_t n_listeners;

/* --- the loop */

static void api_due(void *data)
{
	((struct api_http *)data)->due = true;
}

static int on_library(struct osmo_fd *ofd, unsigned what)
{
	api_due(ofd->data);
	return 0;
}

static void api_turn(void *owner)
{
	struct api_http *h = owner;
	MHD_UNSIGNED_LONG_LONG ms;

	if (!h->due || !h->mhd)
		return;
	h->due = false;
	atomic_store_explicit(&h->open, h->conns.n, memory_order_relaxed);
	for (int i = 0; i == 0 || (h->again && i < TURNS); i++) {
		h->again = false;
		MHD_run(h->mhd);
	}
	if (MHD_get_timeout(h->mhd, &ms) != MHD_YES)
		deadline_stop(&h->timer);
	else
		deadline_start(h->conns.deadlines, &h->timer, h->due || h->again ? 0 : ms, api_due, h);
}

/* No descriptor is left: take it with the spare one and close it, so that it does not wait and wake us for ever. */
static void take_and_drop(struct api_http *h)
{
	int fd;

	close(h->spare_fd);
	fd = accept4(h->listen.fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	h->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static bool room_for_one(struct api_http *h)
{
	if (h->conns.n < api_cfg.connections)
		return true;
	if (!api_conn_drop(&h->conns))
		return false;
	api_turn(h); /* the library ends it */
	return h->conns.n < api_cfg.connections;
}

static bool take_one_more(struct api_http *h)
{
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	int fd = accept4(h->listen.fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && errno != EMFILE && errno != ENFILE)
		return false;
	if (fd < 0) {
		if (api_conn_drop(&h->conns))
			api_turn(h);
		else
			take_and_drop(h);
		return false;
	}
	if (room_for_one(h))
		MHD_add_connection(h->mhd, fd, (struct sockaddr *)&from, len); /* closes it where it fails */
	else
		close(fd);
	h->due = true;
	return true;
}

static int on_listen(struct osmo_fd *ofd, unsigned what)
{
	for (int i = 0; i < BURST && take_one_more(ofd->data); i++)
		;
	return 0;
}

/* --- start and end; on the thread, as the main thread asks for it */

static void begin_serving(void *owner, struct inbox_item *item, bool stopping)
{
	struct api_http *h = owner;

	h->ctx = talloc_new(NULL);
	h->conns.deadlines = h->ctx ? deadline_set_new(h->ctx) : NULL;
	h->ask.rc = h->conns.deadlines ? 0 : -ENOMEM;
	if (h->ask.rc == 0)
		h->ask.rc = osmo_fd_register(&h->epoll);
	if (h->ask.rc == 0)
		h->ask.rc = osmo_fd_register(&h->listen);
	h->due = true;
	sem_post(&h->ask.done);
}

static void hold(void *owner, struct inbox_item *item, bool stopping)
{
	struct api_http *h = owner;

	h->stopping = true;
	if (osmo_fd_is_registered(&h->listen))
		osmo_fd_unregister(&h->listen);
	sem_post(&h->ask.done);
}

static void take_cert(void *owner, struct inbox_item *item, bool stopping)
{
	struct api_http *h = owner;

	api_cert_drop(h->cert);
	h->cert = h->ask.cert;
	sem_post(&h->ask.done);
}

/* All answers have come: they are sent as far as they are taken at once. */
static void finish(void *owner, struct inbox_item *item, bool stopping)
{
	struct api_http *h = owner;

	for (int i = 0; i < TURNS; i++)
		MHD_run(h->mhd);
	if (osmo_fd_is_registered(&h->epoll))
		osmo_fd_unregister(&h->epoll);
	MHD_stop_daemon(h->mhd);
	h->mhd = NULL;
	deadline_stop(&h->timer);
	talloc_free(h->ctx);
	sem_post(&h->ask.done);
}

static int on_thread(struct api_http *h, void (*run)(void *owner, struct inbox_item *item, bool stopping))
{
	h->ask.item.run = run;
	inbox_post_always(inbox_thread_inbox(h->thread), &h->ask.item);
	while (sem_wait(&h->ask.done) < 0)
		;
	return h->ask.rc;
}

static void share_cert(size_t i, struct api_cert *c)
{
	listeners[i]->ask.cert = c;
	on_thread(listeners[i], take_cert);
}

static int serve_at(const struct api_listen *l, struct err *err)
{
	int fd = socket(l->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (l->at.ss_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
		if (bind(fd, (const struct sockaddr *)&l->at, sockaddr_len(&l->at)) == 0 && listen(fd, BACKLOG) == 0)
			return fd;
	}
	cfg_error(err, -errno, l->line, "api: listen: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -EIO;
}

static int start_one(struct api_http *h, const struct api_tls *tls, struct err *err)
{
	int fd = serve_at(h->where, err);

	if (fd < 0)
		return fd;
	osmo_fd_setup(&h->listen, fd, OSMO_FD_READ, on_listen, h, 0);
	h->mhd = api_serve_start(h, tls);
	h->rates = api_rates_new();
	if (!h->mhd || !h->rates)
		return err_set(err, -EIO, "api: the HTTP library does not start");
	osmo_fd_setup(&h->epoll, MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, OSMO_FD_READ,
		      on_library, h, 0);
	h->thread = inbox_thread_start("api", API_CONNECTIONS_MAX, h, api_turn, err);
	if (!h->thread)
		return -EIO;
	return on_thread(h, begin_serving) < 0 ? err_set(err, -ENOMEM, "api: no memory") : 0;
}

static struct api_http *http_new(const struct api_listen *where)
{
	struct api_http *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->where = where;
	h->listen.fd = h->epoll.fd = -1;
	h->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	INIT_LLIST_HEAD(&h->conns.all);
	h->conns.due = &h->due;
	h->conns.request_s = api_cfg.request_s;
	sem_init(&h->ask.done, 0, 0);
	return h;
}

int api_http_start(struct reg_work *w, struct reg_work *r, struct err *err)
{
	struct api_tls tls;
	int rc = api_serve_init(w, r, err);

	if (rc < 0 || !api_cfg.n_listen)
		return rc;
	rc = api_tls_read(&tls, err);
	for (size_t i = 0; rc == 0 && i < api_cfg.n_listen; i++) {
		listeners[i] = http_new(&api_cfg.listen[i]);
		n_listeners += listeners[i] != NULL;
		rc = listeners[i] ? start_one(listeners[i], &tls, err) : err_set(err, -ENOMEM, "no memory");
	}
	api_tls_clear(&tls);
	return rc == 0 ? api_cert_begin(share_cert, n_listeners, err) : rc;
}

void api_http_figures(json_t *into)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n_listeners; i++) {
		struct api_http *h = listeners[i];
		char at[SOCKADDR_TEXT];

		sockaddr_text(at, &h->where->at);
		json_array_append_new(list, json_pack("{sssIsIsIsI}", "address", at, "connections",
						      (json_int_t)atomic_load(&h->open), "done",
						      (json_int_t)atomic_load(&h->answers[2]), "refused",
						      (json_int_t)atomic_load(&h->answers[4]), "failed",
						      (json_int_t)atomic_load(&h->answers[5])));
	}
	json_object_set_new(into, "api", list);
}

void api_http_quiesce(void)
{
	for (size_t i = 0; i < n_listeners; i++) {
		if (listeners[i]->thread)
			on_thread(listeners[i], hold);
	}
}

static void http_free(struct api_http *h)
{
	if (h->thread)
		on_thread(h, finish);
	else if (h->mhd)
		MHD_stop_daemon(h->mhd);
	inbox_thread_stop(h->thread);
	if (h->listen.fd >= 0)
		close(h->listen.fd);
	if (h->spare_fd >= 0)
		close(h->spare_fd);
	api_cert_drop(h->cert);
	api_rates_free(h->rates);
	sem_destroy(&h->ask.done);
	free(h);
}

void api_http_stop(void)
{
	api_cert_end();
	for (size_t i = 0; i < n_listeners; i++)
		http_free(listeners[i]);
	n_listeners = 0;
	api_serve_end();
}
