/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/lib/ue_watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <jansson.h>

#include "common/gba/btid.h"
#include "ue/lib/ue_remote.h"

#define WATCH_LINE_MAX 16384 /* octets: all realms */

struct ue_watch {
	int fd;
	bool told;
	struct {
		char name[GBA_UE_REALM_MAX + 1], btid[BTID_MAX + 1];
		bool active;
	} realms[GBA_UE_REALMS_MAX];
	size_t n, len;
	char in[WATCH_LINE_MAX];
};

struct ue_watch *ue_watch_new(const char *path, int epoll_fd)
{
	static const char question[] = "watch\n";
	struct ue_watch *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->fd = ue_remote_connect(path, epoll_fd, NULL);
	if (w->fd >= 0 && send(w->fd, question, strlen(question), MSG_NOSIGNAL) == (ssize_t)strlen(question))
		return w;
	ue_watch_free(w);
	return NULL;
}

void ue_watch_free(struct ue_watch *w)
{
	if (w && w->fd >= 0)
		close(w->fd);
	free(w);
}

/* \returns its place; w->n of a realm never heard of */
static size_t watch_place(const struct ue_watch *w, const char *realm)
{
	size_t i = 0;

	while (i < w->n && strcmp(w->realms[i].name, realm) != 0)
		i++;
	return i;
}

static void watch_put(struct ue_watch *w, const char *realm, const char *btid)
{
	size_t i = watch_place(w, realm);

	if (i == GBA_UE_REALMS_MAX)
		return;
	w->n += i == w->n;
	snprintf(w->realms[i].name, sizeof(w->realms[i].name), "%s", realm);
	snprintf(w->realms[i].btid, sizeof(w->realms[i].btid), "%s", btid);
}

static void watch_active(struct ue_watch *w, const char *realm)
{
	for (size_t i = 0; i < w->n; i++)
		w->realms[i].active = strcmp(w->realms[i].name, realm) == 0;
}

static const char *watch_word(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

/* \returns false: that is nothing an agent says to who watches */
static bool watch_line(struct ue_watch *w, const json_t *o)
{
	const json_t *realms = json_object_get(o, "realms");

	if (strcmp(watch_word(o, "result"), "watching") == 0) {
		for (size_t i = 0; i < json_array_size(realms); i++)
			watch_put(w, watch_word(json_array_get(realms, i), "realm"),
				  watch_word(json_array_get(realms, i), "btid"));
		for (size_t i = 0; i < json_array_size(realms); i++)
			if (json_is_true(json_object_get(json_array_get(realms, i), "active")))
				watch_active(w, watch_word(json_array_get(realms, i), "realm"));
		w->told = true;
	} else if (strcmp(watch_word(o, "result"), "changed") == 0) {
		watch_put(w, watch_word(o, "realm"), watch_word(o, "btid"));
		if (strcmp(watch_word(o, "what"), "active") == 0)
			watch_active(w, watch_word(o, "realm"));
	} else {
		return false;
	}
	return true;
}

static bool watch_lines(struct ue_watch *w)
{
	bool good = true;
	char *end;

	while (good && (end = memchr(w->in, '\n', w->len))) {
		json_t *o = json_loadb(w->in, (size_t)(end - w->in), 0, NULL);

		good = watch_line(w, o);
		json_decref(o);
		w->len -= (size_t)(end + 1 - w->in);
		memmove(w->in, end + 1, w->len);
	}
	return good && w->len < sizeof(w->in);
}

bool ue_watch_step(struct ue_watch *w)
{
	for (;;) {
		ssize_t n = read(w->fd, w->in + w->len, sizeof(w->in) - w->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0)
			return false;
		w->len += (size_t)n;
		if (!watch_lines(w))
			return false;
	}
}

void ue_watch_given(struct ue_watch *w, const char *realm, const char *btid)
{
	watch_put(w, realm, btid);
	watch_active(w, realm);
}

bool ue_watch_holds(const struct ue_watch *w, const char *realm, const char *btid)
{
	size_t i = watch_place(w, realm);

	return !w->told || (i < w->n && w->realms[i].active && strcmp(w->realms[i].btid, btid) == 0);
}
