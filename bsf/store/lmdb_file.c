/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/store/lmdb_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bsf/store/lmdb_new.h"
#include "common/base/folder.h"
#include "common/rt/log_cat.h"

#define PATH_CAP 4096
#define DATA     "data.mdb"
#define DAMAGED  "data.mdb.damaged"
#define MADE     "store.made"
#define SALVAGE  "salvage"
#define CURE     "put back a copy, or remove the folder: its sessions are lost and devices bootstrap again"

static int store_path(char out[PATH_CAP], const char *dir, const char *name)
{
	return (size_t)snprintf(out, PATH_CAP, "%s/%s", dir, name) < PATH_CAP ? 0 : -ENAMETOOLONG;
}

/* A new name is durable once its folder is. */
static int dir_sync(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

static int dir_make(const char *dir)
{
	char copy[PATH_CAP];

	if (mkdir(dir, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	snprintf(copy, sizeof(copy), "%s", dir);
	return dir_sync(dirname(copy));
}

static bool was_made(const char *dir)
{
	char path[PATH_CAP];

	return store_path(path, dir, MADE) == 0 && access(path, F_OK) == 0;
}

bool store_lmdb_is_there(const char *dir)
{
	char path[PATH_CAP];

	return was_made(dir) || (store_path(path, dir, DATA) == 0 && access(path, F_OK) == 0);
}

static bool meta_kept(const char *dir, struct record_index *meta)
{
	uint8_t buf[sizeof(meta->sealed)];
	char path[PATH_CAP];
	ssize_t n = -1;
	int fd;

	if (store_path(path, dir, MADE) < 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buf, sizeof(buf));
		close(fd);
	}
	return n > 0 && record_index_take(meta, span_of(buf, (size_t)n));
}

static int write_whole(const char *path, struct span text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), rc = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text.p, text.len);
	if (n != (ssize_t)text.len)
		rc = n < 0 ? -errno : -ENOSPC;
	else if (fsync(fd) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

int lmdb_file_made(const char *dir, struct span meta)
{
	char path[PATH_CAP], fresh[PATH_CAP];
	struct record_index before;
	int rc;

	if (meta_kept(dir, &before) && span_eq(meta, record_index_span(&before)))
		return 0;
	if (store_path(path, dir, MADE) < 0 || store_path(fresh, dir, MADE ".new") < 0)
		return -ENAMETOOLONG;
	rc = write_whole(fresh, meta);
	if (rc == 0 && rename(fresh, path) < 0)
		rc = -errno;
	return rc < 0 ? rc : dir_sync(dir);
}

/* Who may write there could put back an older store, or names that lead us elsewhere. */
static int refuse_open_folder(const char *dir, struct err *err)
{
	const char *why = folder_open_to(dir);

	return why ? err_set(err, -EPERM, "store: %s: %s; allowed: " FOLDER_OURS, dir, why) : 0;
}

int lmdb_file_lock(const struct store_lmdb_cfg *cfg, struct err *err)
{
	const char *dir = cfg->dir;
	char path[PATH_CAP];
	int fd, rc;

	if (store_path(path, dir, DATA) < 0)
		return err_set(err, -ENAMETOOLONG, "store: %s: name too long", dir);
	if (!cfg->check && (rc = dir_make(dir)) < 0)
		return err_set(err, rc, "store: cannot make %s: %s", dir, strerror(-rc));
	if ((rc = refuse_open_folder(dir, err)) < 0)
		return rc;
	fd = open(path, O_RDWR | O_CLOEXEC | (cfg->check || was_made(dir) ? 0 : O_CREAT), 0600);
	if (fd < 0 && errno == ENOENT && was_made(dir))
		return err_set(err, -EBADMSG, "store: %s is gone, but a store was made here; " CURE, path);
	if (fd < 0)
		return err_set(err, -errno, "store: cannot write %s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return err_set(err, -EBUSY, "store: %s is in use by another process", path);
	}
	return fd;
}

/* --- saving what can be read */

static int salvage_put(void *owner, struct span key, struct span value)
{
	return lmdb_new_put(owner, key, value);
}

int lmdb_file_salvage(struct lmdb_new *n, struct lmdb_pages *seen, int fd, const char *from, const char *into,
		      lmdb_pages_fn *each, void *owner)
{
	struct record_index meta;
	int rc = lmdb_new_begin(n, into);

	if (rc)
		return rc;
	rc = lmdb_pages_walk(fd, each ? each : salvage_put, each ? owner : n, seen);
	if (rc == 0 && !n->has_meta && meta_kept(from, &meta)) /* its page may be the damaged one */
		rc = lmdb_new_put(n, span_str(LMDB_META_KEY), record_index_span(&meta));
	return lmdb_new_end(n, rc);
}

static void salvage_remove(const char *dir)
{
	static const char *const names[] = { SALVAGE "/" DATA, SALVAGE "/lock.mdb" };
	char path[PATH_CAP];

	for (size_t i = 0; i < 2; i++)
		if (store_path(path, dir, names[i]) == 0)
			unlink(path);
	if (store_path(path, dir, SALVAGE) == 0)
		rmdir(path);
}

/* The new file takes the name; at each moment data.mdb is the one or the other. */
static int salvage_swap(const char *dir)
{
	char data[PATH_CAP], damaged[PATH_CAP], fresh[PATH_CAP];

	if (store_path(data, dir, DATA) < 0 || store_path(damaged, dir, DAMAGED) < 0 ||
	    store_path(fresh, dir, SALVAGE "/" DATA) < 0)
		return -ENAMETOOLONG;
	if ((unlink(damaged) < 0 && errno != ENOENT) || link(data, damaged) < 0 || rename(fresh, data) < 0)
		return -errno;
	return dir_sync(dir);
}

static int salvage(const char *dir, int fd, struct err *err)
{
	struct lmdb_new s;
	struct lmdb_pages seen;
	char path[PATH_CAP];
	int rc;

	salvage_remove(dir);
	if (store_path(path, dir, SALVAGE) < 0 || mkdir(path, 0700) < 0)
		return err_set(err, -EIO, "store: cannot make %s/" SALVAGE ": %s", dir, strerror(errno));
	rc = lmdb_file_salvage(&s, &seen, fd, dir, path, NULL, NULL);
	if (rc == 0 && !s.has_meta)
		err_set(err, rc = -EBADMSG, "store: %s/" DATA " is damaged (%s) and its index key lost; " CURE, dir,
			seen.what);
	else if (rc == 0 && (rc = salvage_swap(dir)) < 0)
		err_set(err, rc, "store: %s/" DATA " is damaged, no new one can be put in its place: %s", dir,
			strerror(-rc));
	else if (rc != 0)
		err_set(err, -EIO, "store: %s/" DATA " is damaged, and what can be read cannot be saved: %s", dir,
			lmdb_new_words(rc));
	salvage_remove(dir);
	if (rc == 0)
		LOGT(DSTORE, LOGL_ERROR,
		     "store: %s/" DATA " was damaged (%s): %llu of %llu records saved, the rest is lost and bootstraps "
		     "again; the damaged file is kept as " DAMAGED "; look after the disk\n",
		     dir, seen.what, (unsigned long long)(s.records + s.has_meta), (unsigned long long)seen.promised);
	return rc == 0 ? 0 : -EIO;
}

/* --- opening */

static int refuse_empty(const char *dir, struct err *err)
{
	return err_set(err, -EBADMSG, "store: %s/" DATA " is empty, but a store was made here; " CURE, dir);
}

/* The walk goes by the tree, which lies in the file in no order: of a disk that is asked for one page at a time it takes ten times as
 * long as to read the file from its begin to its end. Of one that does not fit into memory that would be for nothing. */
static void read_ahead(int fd, off_t size)
{
	const off_t step = 1 << 20; /* the kernel takes no more of one order */

	if (size / getpagesize() > sysconf(_SC_PHYS_PAGES) / 2)
		return;
	for (off_t at = 0; at < size; at += step)
		(void)posix_fadvise(fd, at, step, POSIX_FADV_WILLNEED);
}

/* \returns 0 whole; 1 damaged, and something can be read; -EBADMSG */
static int look(const struct store_lmdb_cfg *cfg, int fd, struct err *err)
{
	struct lmdb_pages seen;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return err_set(err, -errno, "store: %s/" DATA ": %s", cfg->dir, strerror(errno));
	if (st.st_size == 0)
		return was_made(cfg->dir) ? refuse_empty(cfg->dir, err) : 0;
	read_ahead(fd, st.st_size);
	rc = lmdb_pages_walk(fd, NULL, NULL, &seen);
	if (rc == -EBADMSG)
		return err_set(err, rc, "store: %s/" DATA " is no store or damaged (%s); " CURE, cfg->dir, seen.what);
	if (rc < 0)
		return err_set(err, rc, "store: %s/" DATA ": %s", cfg->dir, strerror(-rc));
	if (seen.damaged && cfg->check)
		LOGT(DSTORE, LOGL_ERROR,
		     "store: %s/" DATA
		     " is damaged (%s): %llu of %llu records can be read, the next start saves them\n",
		     cfg->dir, seen.what, (unsigned long long)seen.entries, (unsigned long long)seen.promised);
	return seen.damaged;
}

int lmdb_file_open(const struct store_lmdb_cfg *cfg, bool *damaged, struct err *err)
{
	int fd = lmdb_file_lock(cfg, err), saved = -1, rc;

	if (fd < 0)
		return fd;
	rc = look(cfg, fd, err);
	*damaged = rc > 0 && cfg->check;
	if (rc > 0 && !cfg->check) {
		rc = salvage(cfg->dir, fd, err);
		if (rc == 0)
			rc = saved = lmdb_file_lock(cfg, err);
	}
	if (rc < 0 || saved >= 0) {
		close(fd);
		return rc < 0 ? rc : saved;
	}
	return fd;
}
