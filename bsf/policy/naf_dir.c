/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/policy/naf_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/base/clock.h"

#define LISTINGS_MAX 3       /* of a directory that changes all the time */
#define GONE_MAX     10000   /* that are remembered */
#define FILES_MAX    1000000 /* beyond, it is no policy directory */

/* What is held is this. */
struct held_dir {
	struct naf_dir dir; /* first */
	atomic_uint holders;
};

struct naf_dir *naf_dir_hold(struct naf_dir *d)
{
	atomic_fetch_add(&((struct held_dir *)d)->holders, 1);
	return d;
}

void naf_dir_drop(struct naf_dir *d)
{
	if (!d || atomic_fetch_sub(&((struct held_dir *)d)->holders, 1) > 1)
		return;
	for (size_t i = 0; i < d->n; i++)
		naf_file_drop(d->files[i]);
	free(d->files);
	free(d->path);
	free(d);
}

/* --- names */

struct listing {
	char **s;
	size_t n, cap;
};

static void listing_clear(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->s[i]);
	free(l->s);
	*l = (struct listing){ 0 };
}

static int listing_add(struct listing *l, const char *name)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		char **grown = realloc(l->s, cap * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		l->s = grown;
		l->cap = cap;
	}
	if (l->n == FILES_MAX)
		return -EOVERFLOW;
	l->s[l->n] = strdup(name);
	if (!l->s[l->n])
		return -ENOMEM;
	l->n++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void listing_sort(struct listing *l)
{
	size_t kept = 0;

	if (l->n)
		qsort(l->s, l->n, sizeof(*l->s), by_name);
	for (size_t i = 0; i < l->n; i++) {
		if (kept && strcmp(l->s[kept - 1], l->s[i]) == 0)
			free(l->s[i]);
		else
			l->s[kept++] = l->s[i];
	}
	l->n = kept;
}

static bool is_policy(const char *name)
{
	size_t len = strlen(name), suffix = strlen(NAF_FILE_SUFFIX);

	return name[0] != '.' && len > suffix && strcmp(name + len - suffix, NAF_FILE_SUFFIX) == 0;
}

static int list_once(struct listing *l, DIR *d)
{
	const struct dirent *e;
	int rc = 0;

	rewinddir(d);
	while (rc == 0 && (errno = 0, e = readdir(d)))
		if (is_policy(e->d_name))
			rc = listing_add(l, e->d_name);
	return rc ? rc : -errno;
}

/* A file that is replaced while its directory is listed may be missed by one listing (its entry moves), so that is done again where
 * something has changed meanwhile. */
static int list(struct listing *l, DIR *d)
{
	struct stat before, after;
	int rc = fstat(dirfd(d), &before) < 0 ? -errno : 0;

	for (int i = 0; i < LISTINGS_MAX && rc == 0; i++) {
		rc = list_once(l, d);
		if (rc == 0 && fstat(dirfd(d), &after) < 0)
			rc = -errno;
		if (rc == 0 && after.st_mtim.tv_sec == before.st_mtim.tv_sec &&
		    after.st_mtim.tv_nsec == before.st_mtim.tv_nsec)
			break;
		before = after;
	}
	listing_sort(l);
	return rc;
}

/* --- files */

static void dir_add(struct naf_dir *d, struct naf_file *f)
{
	if (f->state == NAF_FILE_GONE && d->in_state[NAF_FILE_GONE] == GONE_MAX) {
		naf_file_drop(f);
		return;
	}
	d->files[d->n++] = f;
	d->in_state[f->state]++;
}

static int look_at_one(struct naf_dir *d, int fd, uid_t owner, const char *name, struct naf_file *former)
{
	bool read;
	int rc;
	struct naf_file *f = naf_file_look(fd, owner, name, former, &read, &rc);

	d->read += read;
	if (f)
		dir_add(d, f);
	return rc;
}

/* Those that are there, and those that were: both by name. */
static int look_at_all(struct naf_dir *d, int fd, const struct listing *names, const struct naf_dir *former)
{
	size_t i = 0, k = 0, n_former = former ? former->n : 0;
	struct stat st;
	int rc = fstat(fd, &st) < 0 ? -errno : 0;

	d->files = calloc(names->n + n_former + 1, sizeof(struct naf_file *));
	if (!d->files)
		return -ENOMEM;
	while (rc == 0 && (i < names->n || k < n_former)) {
		struct naf_file *f = k < n_former ? former->files[k] : NULL;
		int order = i == names->n ? 1 : !f ? -1 : strcmp(names->s[i], f->name);

		rc = look_at_one(d, fd, st.st_uid, order <= 0 ? names->s[i] : f->name, order >= 0 ? f : NULL);
		i += order <= 0;
		k += order >= 0;
	}
	return rc;
}

static int open_dir(DIR **out, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int rc = fd < 0 || fstat(fd, &st) < 0 ? -errno : 0;

	if (rc == 0 && (st.st_mode & S_IWOTH))
		rc = err_set(err, -EPERM, "%s: everybody may write into it; allowed: a folder of its owner and group",
			     path);
	else if (rc == 0 && !(*out = fdopendir(fd)))
		rc = -errno;
	else if (rc == 0)
		return 0;
	if (rc != -EPERM || fd < 0)
		err_set(err, rc, "%s: %s", path, strerror(-rc));
	if (fd >= 0)
		close(fd);
	return rc;
}

static struct naf_dir *dir_new(const char *path)
{
	struct held_dir *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	atomic_init(&h->holders, 1);
	h->dir.path = strdup(path);
	if (h->dir.path)
		return &h->dir;
	free(h);
	return NULL;
}

int naf_dir_read(struct naf_dir **out, const char *path, const struct naf_dir *former, struct err *err)
{
	uint64_t begun = clock_mono_ms();
	struct listing names = { 0 };
	struct naf_dir *d;
	DIR *dir;
	int rc = open_dir(&dir, path, err);

	if (rc < 0)
		return rc;
	d = dir_new(path);
	rc = d ? list(&names, dir) : -ENOMEM;
	if (rc == 0)
		rc = look_at_all(d, dirfd(dir), &names, former);
	listing_clear(&names);
	closedir(dir);
	if (rc < 0) {
		naf_dir_drop(d);
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	}
	d->took_ms = (unsigned)(clock_mono_ms() - begun);
	*out = d;
	return 0;
}

bool naf_dir_same(const struct naf_dir *a, const struct naf_dir *b)
{
	if (!a || !b || a->n != b->n)
		return a == b;
	return a->n == 0 || memcmp(a->files, b->files, a->n * sizeof(*a->files)) == 0;
}

static int order_of(const void *name, const void *file)
{
	return strcmp(name, (*(struct naf_file *const *)file)->name);
}

struct naf_file *naf_dir_find(const struct naf_dir *d, const char *name)
{
	struct naf_file *const *at = d && d->n ? bsearch(name, d->files, d->n, sizeof(*d->files), order_of) : NULL;

	return at ? *at : NULL;
}
