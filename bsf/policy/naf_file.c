/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/policy/naf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include "common/gba/btid.h"
#include "common/gba/naf_id.h"

#define FRESH_S 2 /* coarser are the times of no file system */

/* What is held is this; the counter is the only thing in it that changes. */
struct held {
	struct naf_file file; /* first */
	atomic_uint holders;
};

struct naf_file *naf_file_hold(struct naf_file *f)
{
	atomic_fetch_add(&((struct held *)f)->holders, 1);
	return f;
}

void naf_file_drop(struct naf_file *f)
{
	if (!f || atomic_fetch_sub(&((struct held *)f)->holders, 1) > 1)
		return;
	naf_policy_clear(&f->naf);
	if (f->peer)
		policy_peer_clear(f->peer);
	free(f->peer);
	free(f->name);
	free(f->why);
	free(f);
}

/* \returns held; NULL no memory */
static struct naf_file *file_new(const char *name, enum naf_file_state state, const char *why)
{
	struct held *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	atomic_init(&h->holders, 1);
	h->file.state = state;
	h->file.name = strdup(name);
	h->file.why = why ? strdup(why) : NULL;
	if (h->file.name && (!why || h->file.why))
		return &h->file;
	naf_file_drop(&h->file);
	return NULL;
}

static bool is_same(const struct naf_stamp *a, const struct naf_stamp *b)
{
	return a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec &&
	       a->ctime.tv_sec == b->ctime.tv_sec && a->ctime.tv_nsec == b->ctime.tv_nsec && a->size == b->size &&
	       a->inode == b->inode && a->device == b->device;
}

static struct naf_stamp stamp_of(const struct stat *st)
{
	return (struct naf_stamp){ st->st_mtim, st->st_ctim, st->st_size, st->st_ino, st->st_dev };
}

static bool is_fresh(const struct naf_stamp *s)
{
	time_t now = time(NULL);

	return s->mtime.tv_sec >= now - FRESH_S || s->ctime.tv_sec >= now - FRESH_S;
}

/* \returns why it is not read; NULL: it is */
static const char *ignored_for(const struct stat *st, uid_t owner)
{
	if (S_ISLNK(st->st_mode))
		return "is a symbolic link";
	if (!S_ISREG(st->st_mode))
		return "is no regular file";
	if (st->st_uid && st->st_uid != geteuid() && st->st_uid != owner)
		return "belongs to somebody else";
	if (st->st_mode & S_IWOTH)
		return "may be written by everybody";
	return st->st_size > NAF_TEXT_MAX ? "has more than 65536 octets" : NULL;
}

/* "IDENTITY.naf" \returns malloc'ed; NULL and *why: it is none, or NULL: no memory */
static char *identity_of(const char *name, const char **why)
{
	size_t len = strlen(name) - strlen(NAF_FILE_SUFFIX);

	*why = fqdn_valid(span_of(name, len), FQDN_MAX) ? NULL : "has a name that is no host name and " NAF_FILE_SUFFIX;
	return *why ? NULL : strndup(name, len);
}

/* --- content */

struct content {
	uint8_t octets[NAF_TEXT_MAX + 1];
	size_t len;
	struct stat st;
};

static int read_all(struct content *c, int fd)
{
	ssize_t n;

	c->len = 0;
	while (c->len < sizeof(c->octets)) {
		n = read(fd, c->octets + c->len, sizeof(c->octets) - c->len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		c->len += (size_t)n;
	}
	return 0;
}

/* \returns 0; -EAGAIN: it was changed meanwhile; -errno */
static int read_whole(struct content *c, int fd)
{
	struct stat before;
	int rc;

	if (fstat(fd, &before) < 0)
		return -errno;
	c->st = before;
	if (!S_ISREG(before.st_mode))
		return 0;
	rc = read_all(c, fd);
	if (rc == 0 && fstat(fd, &c->st) < 0)
		rc = -errno;
	if (rc == 0 &&
	    (c->st.st_size != before.st_size || (size_t)c->st.st_size != c->len ||
	     c->st.st_mtim.tv_sec != before.st_mtim.tv_sec || c->st.st_mtim.tv_nsec != before.st_mtim.tv_nsec))
		rc = -EAGAIN;
	return rc;
}

/* What is at the other end is never waited for: it may have become a FIFO since it was looked at. */
static int open_and_read(struct content *c, int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = read_whole(c, fd);
	close(fd);
	return rc;
}

/* --- what it says */

/* What a bad one last said well stays known: its names are still its own, and its connection need not be cut. */
static int file_remember(struct naf_file *f, const struct naf_file *former)
{
	if (f->state == NAF_FILE_GONE) {
		f->naf.identity = strdup(former->naf.identity);
		return f->naf.identity ? 0 : -ENOMEM;
	}
	if (naf_policy_copy(&f->naf, &former->naf) < 0)
		return -ENOMEM;
	if (!former->peer)
		return 0;
	f->peer = calloc(1, sizeof(*f->peer));
	if (!f->peer || policy_peer_copy(f->peer, former->peer) < 0)
		return -ENOMEM;
	return 0;
}

static bool was_there(const struct naf_file *former)
{
	return former && former->state != NAF_FILE_IGNORED;
}

/* \param[in] former NULL: nothing is known of it but its name. \returns held; NULL no memory */
static struct naf_file *file_refused(const char *name, enum naf_file_state state, const char *why,
				     const struct naf_file *former, char *identity)
{
	struct naf_file *f = file_new(name, state, why);
	int rc = 0;

	if (f && was_there(former))
		rc = file_remember(f, former);
	else if (f && identity)
		rc = (f->naf.identity = strdup(identity)) ? 0 : -ENOMEM;
	if (f && rc == 0) {
		f->naf.source = f->name;
		f->naf.refused = f->why;
		return f;
	}
	naf_file_drop(f);
	return NULL;
}

/* What is in its place is not read; of what was, that it is there no more. */
static struct naf_file *file_ignored(const char *name, const char *why, const struct naf_file *former)
{
	return file_refused(name, was_there(former) ? NAF_FILE_GONE : NAF_FILE_IGNORED, why, former, NULL);
}

static int take_connection(struct naf_file *f, struct naf_text *t)
{
	if (f->naf.via)
		return 0;
	f->peer = malloc(sizeof(*f->peer));
	f->naf.via = strdup(f->naf.identity);
	if (!f->peer || !f->naf.via)
		return -ENOMEM;
	*f->peer = t->peer;
	t->peer = (struct policy_peer){ 0 };
	f->peer->identity = strdup(f->naf.identity);
	return f->peer->identity ? 0 : -ENOMEM;
}

/* The bucket of a NAF outlives its file. */
static int take_rate(struct naf_policy *n, const struct naf_file *former)
{
	if (!n->per_s)
		return 0;
	n->rate = former && former->naf.rate ? rate_hold(former->naf.rate) : rate_new();
	return n->rate ? 0 : -ENOMEM;
}

/* Takes what is in t. \returns held; NULL no memory */
static struct naf_file *accept_text(const char *name, char *identity, struct naf_text *t, const struct naf_file *former)
{
	struct naf_file *f = file_new(name, NAF_FILE_GOOD, NULL);
	int rc = f ? 0 : -ENOMEM;

	if (f) {
		f->naf = t->naf;
		t->naf = (struct naf_policy){ 0 };
		free(f->naf.identity);
		f->naf.identity = strdup(identity);
		f->naf.source = f->name;
		rc = f->naf.identity ? take_connection(f, t) : -ENOMEM;
	}
	if (rc == 0)
		rc = take_rate(&f->naf, former);
	naf_text_clear(t);
	if (rc == 0)
		return f;
	naf_file_drop(f);
	return NULL;
}

static struct naf_file *parse(const char *name, char *identity, const struct content *c, const struct naf_file *former)
{
	struct naf_text t;
	struct err err;
	int rc = naf_text_parse(&t, c->octets, c->len, &err);

	if (rc == 0 && t.naf.identity && !span_ieq(span_str(t.naf.identity), span_str(identity))) {
		err_set(&err, -EINVAL, "line 1: naf %s in the file of another; allowed: naf %s", t.naf.identity,
			identity);
		naf_text_clear(&t);
		rc = -EINVAL;
	}
	if (rc == -ENOMEM)
		return NULL;
	return rc < 0 ? file_refused(name, NAF_FILE_BAD, err.text, former, identity)
		      : accept_text(name, identity, &t, former);
}

/* Not there: of what was, its name is remembered. */
static struct naf_file *vanished(const char *name, const struct naf_file *former, int *rc)
{
	struct naf_file *f;

	*rc = 0;
	if (!was_there(former))
		return NULL;
	if (former->state == NAF_FILE_GONE && !former->stamp.inode) /* else there was something in its place */
		return naf_file_hold((struct naf_file *)former);
	f = file_refused(name, NAF_FILE_GONE, "has vanished", former, NULL);
	*rc = f ? 0 : -ENOMEM;
	return f;
}

/* Where nothing can be known of any file now, nothing is said of this one. */
static bool is_no_files_fault(int rc)
{
	return rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE;
}

static struct naf_file *file_read(int dir, uid_t owner, const char *name, char *identity, const struct naf_file *former,
				  int *rc)
{
	struct content *c = malloc(sizeof(*c));
	struct naf_file *f = NULL;
	const char *ignored;
	char why[128];

	*rc = c ? open_and_read(c, dir, name) : -ENOMEM;
	if (*rc == -EAGAIN)
		*rc = open_and_read(c, dir, name);
	if (*rc == -ENOENT) {
		free(c);
		return vanished(name, former, rc);
	}
	ignored = *rc == 0 ? ignored_for(&c->st, owner) : NULL;
	if (ignored) {
		f = file_ignored(name, ignored, former);
	} else if (*rc == 0) {
		f = parse(name, identity, c, former);
	} else if (!is_no_files_fault(*rc)) {
		snprintf(why, sizeof(why),
			 *rc == -EAGAIN ? "is being written; allowed: written beside and renamed"
					: "cannot be read: %s",
			 strerror(-*rc));
		f = file_refused(name, NAF_FILE_BAD, why, former, identity);
		c->st = (struct stat){ 0 };
		*rc = 0;
	}
	if (f) {
		f->stamp = stamp_of(&c->st);
		f->fresh = is_fresh(&f->stamp) || !c->st.st_ino;
	}
	free(c);
	*rc = f || *rc < 0 ? *rc : -ENOMEM;
	return f;
}

/* It is there, and something else than the last time. */
static struct naf_file *look_anew(int dir, uid_t owner, const struct stat *st, const char *name,
				  struct naf_file *former, bool *read, int *rc)
{
	const char *why = ignored_for(st, owner), *no_host;
	char *identity = identity_of(name, &no_host);
	struct naf_file *f = NULL;

	why = why ? why : no_host;
	if (why) {
		f = file_ignored(name, why, former);
		if (f)
			f->stamp = stamp_of(st);
		*rc = f ? 0 : -ENOMEM;
	} else if (identity) {
		*read = true;
		f = file_read(dir, owner, name, identity, former, rc);
	} else {
		*rc = -ENOMEM;
	}
	free(identity);
	return f;
}

struct naf_file *naf_file_look(int dir, uid_t owner, const char *name, struct naf_file *former, bool *read, int *rc)
{
	struct naf_stamp now;
	struct stat st;

	*read = false;
	*rc = 0;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return vanished(name, former, rc);
		st = (struct stat){ .st_mode = S_IFREG }; /* reading it tells why */
	}
	now = stamp_of(&st);
	if (former && !former->fresh && is_same(&now, &former->stamp))
		return naf_file_hold(former);
	return look_anew(dir, owner, &st, name, former, read, rc);
}
