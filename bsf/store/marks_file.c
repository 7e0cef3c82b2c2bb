/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file marks_file.c
 *  A record: kind 1 | key 1 | tag 16 | at 8 | until 8, sealed; bound to the GCM tag of the one before. The first one has kind 0. */
#include "bsf/store/marks_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/folder.h"
#include "common/rt/log_cat.h"

#define NAME       "marks"
#define NAME_NEW   "marks.new"
#define PLAIN_LEN  (2 + MARK_TAG_LEN + 16)
#define RECORD_LEN (PLAIN_LEN + SEAL_OVERHEAD)
#define CHAIN_LEN  16

static const char label[] = "gba marks 1";

struct chain {
	uint8_t aad[sizeof(label) - 1 + CHAIN_LEN];
};

struct marks_file {
	int dir_fd, fd;
	char dir[256];
	struct seal *seal;
	struct chain chain;
	off_t size;
	uint8_t *pending;
	size_t len, room;
};

static void chain_begin(struct chain *c)
{
	memset(c, 0, sizeof(*c));
	memcpy(c->aad, label, sizeof(label) - 1);
}

static void chain_next(struct chain *c, const uint8_t *record)
{
	memcpy(c->aad + sizeof(label) - 1, record + RECORD_LEN - CHAIN_LEN, CHAIN_LEN);
}

static struct span chain_aad(const struct chain *c)
{
	return span_of(c->aad, sizeof(c->aad));
}

static int record_make(struct marks_file *f, uint8_t out[RECORD_LEN], const struct mark *mark)
{
	uint8_t plain[PLAIN_LEN] = { mark->kind, mark->key };

	memcpy(plain + 2, mark->tag, MARK_TAG_LEN);
	be64_put(plain + 2 + MARK_TAG_LEN, (uint64_t)mark->at_ms);
	be64_put(plain + 10 + MARK_TAG_LEN, (uint64_t)mark->until_ms);
	if (seal_put(f->seal, out, RECORD_LEN, span_of(plain, sizeof(plain)), chain_aad(&f->chain)) != RECORD_LEN)
		return -EIO;
	chain_next(&f->chain, out);
	return 0;
}

static bool record_open(struct marks_file *f, struct mark *mark, const uint8_t in[RECORD_LEN])
{
	uint8_t plain[PLAIN_LEN];

	if (seal_open(f->seal, plain, sizeof(plain), span_of(in, RECORD_LEN), chain_aad(&f->chain)) != PLAIN_LEN)
		return false;
	*mark = (struct mark){ .kind = plain[0], .key = plain[1] };
	memcpy(mark->tag, plain + 2, MARK_TAG_LEN);
	mark->at_ms = (int64_t)be64_get(plain + 2 + MARK_TAG_LEN);
	mark->until_ms = (int64_t)be64_get(plain + 10 + MARK_TAG_LEN);
	chain_next(&f->chain, in);
	return true;
}

int marks_file_add(struct marks_file *f, const struct mark *mark)
{
	if (f->len + RECORD_LEN > f->room) {
		size_t room = f->room ? f->room * 2 : 64 * RECORD_LEN;
		uint8_t *more = realloc(f->pending, room);

		if (!more)
			return -ENOMEM;
		f->pending = more;
		f->room = room;
	}
	if (record_make(f, f->pending + f->len, mark) < 0)
		return -EIO;
	f->len += RECORD_LEN;
	return 0;
}

int marks_file_sync(struct marks_file *f)
{
	size_t done = 0;

	while (done < f->len) {
		ssize_t n = pwrite(f->fd, f->pending + done, f->len - done, f->size + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO; /* what was written of it is written again */
		done += (size_t)n;
	}
	if (f->len && fdatasync(f->fd) < 0)
		return -errno;
	f->size += (off_t)f->len;
	f->len = 0;
	return 0;
}

/* All of it. \returns octets, in a malloc'ed *out; 0 there is none; -errno */
static ssize_t file_read(struct marks_file *f, uint8_t **out)
{
	int fd = openat(f->dir_fd, NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	*out = NULL;
	if (fstat(fd, &st) == 0)
		*out = malloc((size_t)st.st_size + 1);
	n = *out ? read(fd, *out, (size_t)st.st_size) : -1;
	close(fd);
	if (!*out || n != st.st_size)
		return -EIO;
	return n ? n : -EBADMSG; /* it always has a first record */
}

static bool all_zero(const uint8_t *p, size_t len)
{
	while (len && !p[len - 1])
		len--;
	return !len;
}

/* \returns 0; -EBADMSG and which record */
static int records_take(struct marks_file *f, struct marks *set, struct span file, int64_t now_ms, size_t *record)
{
	struct mark mark;
	size_t at = 0;

	for (; at + RECORD_LEN <= file.len; at += RECORD_LEN) {
		*record = at / RECORD_LEN + 1;
		if (!record_open(f, &mark, file.p + at)) {
			if (at && all_zero(file.p + at, file.len - at))
				break; /* the disk had grown it, and never written there */
			return -EBADMSG;
		}
		if ((at == 0) != (mark.kind == 0))
			return -EBADMSG;
		if (at && mark.until_ms > now_ms && marks_add(set, &mark) == -ENOSPC)
			return -ENOSPC;
	}
	if (at != file.len)
		LOGT(DSTORE, LOGL_NOTICE, "store: %s/" NAME ": its end was not whole: a stop in the middle\n", f->dir);
	return at ? 0 : -EBADMSG;
}

static int file_take(struct marks_file *f, struct marks *set, int64_t now_ms, struct err *err)
{
	size_t record = 1;
	uint8_t *p = NULL;
	ssize_t n = file_read(f, &p);
	int rc;

	chain_begin(&f->chain);
	rc = n > 0 ? records_take(f, set, span_of(p, (size_t)n), now_ms, &record) : (int)n;
	free(p);
	if (rc == -EBADMSG)
		return err_set(
			err, rc,
			"store: %s/" NAME
			": record %zu was altered, or its KEK is not configured; allowed: put it back as it was, or "
			"take it away where another BSF that knows the same revocations is running",
			f->dir, record);
	if (rc == -ENOSPC)
		return err_set(err, rc, "store: %s/" NAME ": it has more marks than may be held", f->dir);
	return rc < 0 ? err_set(err, rc, "store: cannot read %s/" NAME ": %s", f->dir, strerror(-rc)) : 0;
}

struct rewrite {
	struct marks_file *f;
	int rc;
};

static bool rewrite_one(void *rewrite, const struct mark *mark)
{
	struct rewrite *w = rewrite;

	w->rc = marks_file_add(w->f, mark);
	return w->rc == 0;
}

/* A new file in the place of the former one, which stays until this one is durable. */
static int file_begin(struct marks_file *f, struct marks *set)
{
	struct rewrite w = { .f = f };
	const struct mark first = { .kind = 0 };

	f->fd = openat(f->dir_fd, NAME_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (f->fd < 0)
		return -errno;
	chain_begin(&f->chain);
	w.rc = marks_file_add(f, &first);
	if (w.rc == 0)
		(void)marks_each(set, 0, rewrite_one, &w);
	if (w.rc == 0)
		w.rc = marks_file_sync(f);
	if (w.rc == 0 && (renameat(f->dir_fd, NAME_NEW, f->dir_fd, NAME) < 0 || fsync(f->dir_fd) < 0))
		w.rc = -errno;
	return w.rc;
}

static int dir_open(struct marks_file *f, const char *dir, struct err *err)
{
	const char *why;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "store: cannot make %s: %s", dir, strerror(errno));
	why = folder_open_to(dir);
	if (why)
		return err_set(err, -EPERM, "store: %s: %s; allowed: " FOLDER_OURS, dir, why);
	f->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir_fd < 0)
		return err_set(err, -errno, "store: cannot open %s: %s", dir, strerror(errno));
	if (flock(f->dir_fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, -EBUSY, "store: another process has %s; allowed: a folder of its own for each",
			       dir);
	return 0;
}

struct marks_file *marks_file_open(const char *dir, struct seal *seal, struct marks *set, int64_t now_ms,
				   struct err *err)
{
	struct marks_file *f = calloc(1, sizeof(*f));
	int rc;

	err_set(err, -ENOMEM, "store: no memory");
	if (!f)
		return NULL;
	f->dir_fd = f->fd = -1;
	f->seal = seal;
	snprintf(f->dir, sizeof(f->dir), "%s", dir);
	rc = dir_open(f, dir, err);
	if (rc == 0)
		rc = file_take(f, set, now_ms, err);
	if (rc == 0) {
		rc = file_begin(f, set);
		if (rc < 0)
			err_set(err, rc, "store: cannot write %s/" NAME ": %s", dir, strerror(-rc));
	}
	if (rc == 0)
		return f;
	marks_file_free(f);
	return NULL;
}

void marks_file_free(struct marks_file *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	if (f->dir_fd >= 0)
		close(f->dir_fd);
	free(f->pending);
	free(f);
}
