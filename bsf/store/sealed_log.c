/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file sealed_log.c
 *  A record is bound to the GCM tag of the one before. The first one is all zero. */
#include "bsf/store/sealed_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/folder.h"
#include "common/rt/log_cat.h"

#define CHAIN_LEN   16
#define NAME_LEN    64
#define PENDING_MAX (1u << 20) /* octets that wait for the disk */
#define SECTOR      512        /* is written as a whole, or not */
#define PIECE_MIN   8          /* so many octets are not zero by chance */

struct chain {
	uint8_t aad[32 + CHAIN_LEN];
	size_t begin; /* octets of it before those of the record */
};

/* What a file is, from its first record on. */
struct log_file {
	int fd;
	struct chain chain;
	off_t size;
	size_t records;
	uint8_t *pending;
	size_t len, room;
	bool filling; /* with what stays, however much it is */
};

struct sealed_log {
	const struct sealed_log_form *form;
	void *owner;
	struct seal *seal;
	int dir_fd;
	char dir[256], next[NAME_LEN];
	struct log_file f;
	bool is_due;     /* some of what was there is to be sealed anew */
	bool dir_behind; /* that this file has its name is not durable yet */
};

static void chain_begin(struct sealed_log *l)
{
	struct chain *c = &l->f.chain;

	memset(c, 0, sizeof(*c));
	c->begin = strnlen(l->form->bind, sizeof(c->aad) - CHAIN_LEN);
	memcpy(c->aad, l->form->bind, c->begin);
}

static void chain_next(struct sealed_log *l, struct span sealed)
{
	memcpy(l->f.chain.aad + l->f.chain.begin, sealed.p + sealed.len - CHAIN_LEN, CHAIN_LEN);
}

static struct span chain_aad(const struct sealed_log *l)
{
	return span_of(l->f.chain.aad, l->f.chain.begin + CHAIN_LEN);
}

static bool log_room(struct log_file *f, size_t more)
{
	size_t room = f->room ? f->room * 2 : 64 * more;
	uint8_t *grown;

	if (f->len + more <= f->room)
		return true;
	grown = realloc(f->pending, room);
	if (!grown)
		return false;
	f->pending = grown;
	f->room = room;
	return true;
}

int sealed_log_add(struct sealed_log *l, const uint8_t *record)
{
	struct log_file *f = &l->f;
	size_t len = l->form->len + SEAL_OVERHEAD;

	if (f->len >= PENDING_MAX && !f->filling)
		return -ENOSPC;
	if (!log_room(f, len))
		return -ENOMEM;
	if (seal_put(l->seal, f->pending + f->len, len, span_of(record, l->form->len), chain_aad(l)) != (int)len)
		return -EIO;
	chain_next(l, span_of(f->pending + f->len, len));
	f->len += len;
	f->records++;
	return 0;
}

int sealed_log_sync(struct sealed_log *l)
{
	struct log_file *f = &l->f;
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
	if (l->dir_behind && fsync(l->dir_fd) < 0)
		return -errno;
	l->dir_behind = false;
	return 0;
}

size_t sealed_log_count(const struct sealed_log *l)
{
	return l->f.records;
}

/* All of it. \returns octets, in a malloc'ed *out; 0 there is none; -errno */
static ssize_t file_read(const struct sealed_log *l, uint8_t **out)
{
	int fd = openat(l->dir_fd, l->form->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
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

/* \returns 0; -EBADMSG it does not open, or is not what stands there; -ENOSPC */
static int record_take(struct sealed_log *l, struct span sealed, bool first)
{
	BUFFER_UNCLEARED uint8_t plain[SEALED_LOG_MAX];
	size_t len = l->form->len;
	int rc = 0;

	if (seal_open(l->seal, plain, sizeof(plain), sealed, chain_aad(l)) != (int)len) {
		OPENSSL_cleanse(plain, sizeof(plain)); /* of a former version it is readable all the same */
		return -EBADMSG;
	}
	chain_next(l, sealed);
	if (first != (plain[0] == 0))
		rc = -EBADMSG;
	else if (!first && l->form->take)
		rc = l->form->take(l->owner, plain);
	OPENSSL_cleanse(plain, len);
	l->f.records++;
	l->f.size += (off_t)sealed.len;
	l->is_due |= seal_is_due(l->seal, sealed);
	return rc;
}

/* Is the record that begins at this place, and does not open, one that was being written when the power failed? Zeros stand where a sector was
 * not: to the end of the file, or, of the last record alone, before it. Who puts them there could as well have cut it off. */
static bool is_torn(struct span file, size_t at, size_t len)
{
	size_t next = (at / SECTOR + 1) * SECTOR, rest = file.len - at;

	if (all_zero(file.p + at, rest))
		return true;
	if (next + PIECE_MIN <= file.len && next < at + len && all_zero(file.p + next, file.len - next))
		return true;
	return next >= at + PIECE_MIN && next < at + len && rest == len && all_zero(file.p + at, next - at);
}

/* All of a file is of one version, which begins it anew. \param[out] record which one a fault is of */
static int records_take(struct sealed_log *l, struct span file, size_t *record)
{
	size_t at = 0, len = l->form->len + seal_overhead(file);

	for (; at + len <= file.len; at += len) {
		int rc = record_take(l, span_of(file.p + at, len), at == 0);

		*record = at / len + 1;
		if (rc == -EBADMSG && at && is_torn(file, at, len))
			break;
		if (rc < 0)
			return rc;
	}
	if (at != file.len)
		LOGT(DSTORE, LOGL_NOTICE,
		     "store: %s/%s: its end was not whole, a stop in the middle: what it was had not been durable yet\n",
		     l->dir, l->form->name);
	return at ? 0 : -EBADMSG;
}

static int file_take(struct sealed_log *l, struct err *err)
{
	size_t record = 1;
	uint8_t *p = NULL;
	ssize_t n = file_read(l, &p);
	int rc;

	chain_begin(l);
	rc = n > 0 ? records_take(l, span_of(p, (size_t)n), &record) : (int)n;
	free(p);
	if (rc == -EBADMSG)
		return err_set(
			err, rc,
			"store: %s/%s: record %zu was altered, or not kept by the disk, or its KEK is not configured; allowed: put it back "
			"as it was, or %s",
			l->dir, l->form->name, record, l->form->cure);
	if (rc == -ENOSPC)
		return err_set(err, rc, "store: %s/%s: it has more records than may be held", l->dir, l->form->name);
	return rc < 0 ? err_set(err, rc, "store: cannot read %s/%s: %s", l->dir, l->form->name, strerror(-rc)) : 0;
}

static int file_fill(struct sealed_log *l)
{
	const uint8_t first[SEALED_LOG_MAX] = { 0 };
	int rc;

	l->f.filling = true;
	rc = sealed_log_add(l, first);
	if (rc == 0)
		rc = l->form->keep(l->owner, l);
	l->f.filling = false;
	if (rc == 0)
		rc = sealed_log_sync(l);
	if (rc == 0 && renameat(l->dir_fd, l->next, l->dir_fd, l->form->name) < 0)
		rc = -errno;
	if (rc < 0)
		(void)unlinkat(l->dir_fd, l->next, 0); /* on a full disk the former one needs the room */
	return rc;
}

static void file_end(struct log_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	free(f->pending);
}

int sealed_log_renew(struct sealed_log *l)
{
	struct log_file former = l->f;
	int rc;

	l->f = (struct log_file){ .fd = openat(l->dir_fd, l->next,
					       O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600) };
	chain_begin(l);
	rc = l->f.fd < 0 ? -errno : file_fill(l);
	file_end(rc < 0 ? &l->f : &former);
	if (rc < 0) {
		l->f = former;
		return rc;
	}
	l->dir_behind = true; /* the former one is gone all the same */
	return sealed_log_sync(l);
}

static int dir_make(const char *dir, struct err *err)
{
	return mkdir(dir, 0700) == 0 || errno == EEXIST
		       ? 0
		       : err_set(err, -errno, "store: cannot make %s: %s", dir, strerror(errno));
}

static int dir_open(struct sealed_log *l, const char *dir, struct err *err)
{
	const char *why = folder_open_to(dir);

	if (why)
		return err_set(err, -EPERM, "store: %s: %s; allowed: " FOLDER_OURS, dir, why);
	l->dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->dir_fd < 0)
		return err_set(err, -errno, "store: cannot open %s: %s", dir, strerror(errno));
	return 0;
}

static int dir_lock(const struct sealed_log *l, struct err *err)
{
	return l->form->lock && flock(l->dir_fd, LOCK_EX | LOCK_NB) < 0
		       ? err_set(err, -EBUSY, "store: another process has %s; allowed: a folder of its own for each",
				 l->dir)
		       : 0;
}

/* What is there is appended to; what was not whole at its end goes. A full disk has room for both. The former process may have been killed
 * before it, or its name, was durable: what was read counts from now on, and nobody adds it once more. */
static int file_go_on(struct sealed_log *l, struct err *err)
{
	l->f.fd = openat(l->dir_fd, l->form->name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (l->f.fd < 0 || ftruncate(l->f.fd, l->f.size) < 0 || fsync(l->f.fd) < 0 || fsync(l->dir_fd) < 0)
		return err_set(err, -errno, "store: cannot write %s/%s: %s", l->dir, l->form->name, strerror(errno));
	return 0;
}

static int file_begin(struct sealed_log *l, struct err *err)
{
	int rc;

	if (l->f.records && !l->is_due)
		return file_go_on(l, err);
	rc = sealed_log_renew(l);
	if (rc < 0 && l->is_due)
		return err_set(err, rc,
			       "store: %s/%s cannot be sealed anew by KEK %u: %s; allowed: room for it once more",
			       l->dir, l->form->name, seal_first(l->seal), strerror(-rc));
	return rc < 0 ? err_set(err, rc, "store: cannot write %s/%s: %s", l->dir, l->form->name, strerror(-rc)) : 0;
}

static struct sealed_log *log_new(const struct sealed_log_form *form, const char *dir, struct seal *seal, void *owner)
{
	struct sealed_log *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->form = form;
	l->owner = owner;
	l->seal = seal;
	l->dir_fd = l->f.fd = -1;
	snprintf(l->dir, sizeof(l->dir), "%s", dir);
	snprintf(l->next, sizeof(l->next), "%s.new", form->name);
	return l;
}

int sealed_log_check(const struct sealed_log_form *form, const char *dir, struct seal *seal, void *owner,
		     struct err *err)
{
	struct sealed_log *l;
	int rc;

	if (access(dir, F_OK) < 0 && errno == ENOENT)
		return 0;
	l = log_new(form, dir, seal, owner);
	rc = l ? dir_open(l, dir, err) : err_set(err, -ENOMEM, "store: no memory");
	if (rc == 0)
		rc = file_take(l, err);
	sealed_log_free(l);
	return rc;
}

struct sealed_log *sealed_log_open(const struct sealed_log_form *form, const char *dir, struct seal *seal, void *owner,
				   struct err *err)
{
	struct sealed_log *l = log_new(form, dir, seal, owner);
	int rc;

	err_set(err, -ENOMEM, "store: no memory");
	if (!l)
		return NULL;
	rc = dir_make(dir, err);
	if (rc == 0)
		rc = dir_open(l, dir, err);
	if (rc == 0)
		rc = dir_lock(l, err);
	if (rc == 0)
		rc = file_take(l, err);
	if (rc == 0)
		rc = file_begin(l, err);
	if (rc == 0)
		return l;
	sealed_log_free(l);
	return NULL;
}

void sealed_log_free(struct sealed_log *l)
{
	if (!l)
		return;
	file_end(&l->f);
	if (l->dir_fd >= 0)
		close(l->dir_fd);
	free(l);
}
