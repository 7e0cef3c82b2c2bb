/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file carry.c
 *  A store into another one, or into a file and back. What is made is there as a whole or not at all. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>

#include "bsf/store/lmdb_new.h"
#include "bsf/tool/export_wire.h"
#include "bsf/tool/tool.h"

#define PATH_CAP   4096
#define QUARANTINE "quarantine.gba"
#define KEK_IDS    256

/* --- a file that is written */

struct out {
	FILE *f;
	EVP_MD_CTX *hash;
	uint64_t items;
	bool failed;
};

static void out_put(struct out *o, const void *p, size_t len)
{
	if (fwrite(p, 1, len, o->f) != len || EVP_DigestUpdate(o->hash, p, len) != 1)
		o->failed = true;
}

static int out_item(void *owner, struct span key, struct span value)
{
	uint8_t head[EXPORT_ITEM_LEN];
	struct out *o = owner;

	if (!lmdb_new_is_ours(key, value))
		return 0;
	export_item_head(head, key, value);
	out_put(o, head, sizeof(head));
	out_put(o, key.p, key.len);
	out_put(o, value.p, value.len);
	o->items++;
	return o->failed ? -EIO : 0;
}

static int out_open(struct out *o, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	*o = (struct out){ 0 };
	if (fd < 0)
		return -errno;
	o->f = fdopen(fd, "w");
	o->hash = EVP_MD_CTX_new();
	if (!o->f || !o->hash || EVP_DigestInit_ex2(o->hash, EVP_sha256(), NULL) != 1) {
		o->f ? fclose(o->f) : close(fd);
		EVP_MD_CTX_free(o->hash);
		unlink(path);
		return -ENOMEM;
	}
	out_put(o, EXPORT_HEAD, EXPORT_HEAD_LEN);
	return 0;
}

/* \param[in] rc 0: end it; else it goes */
static int out_close(struct out *o, const char *path, int rc)
{
	uint8_t end[EXPORT_END_LEN], hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	export_end(end, o->items);
	out_put(o, end, sizeof(end));
	if (EVP_DigestFinal_ex(o->hash, hash, &n) != 1 || fwrite(hash, 1, n, o->f) != n || fflush(o->f) != 0 ||
	    fsync(fileno(o->f)) < 0)
		o->failed = true;
	if (fclose(o->f) != 0)
		o->failed = true;
	EVP_MD_CTX_free(o->hash);
	if (rc == 0 && o->failed)
		rc = -EIO;
	if (rc != 0)
		unlink(path);
	return rc;
}

/* --- a folder that is made */

static int path_in(char out[PATH_CAP], const char *dir, const char *name)
{
	return (size_t)snprintf(out, PATH_CAP, "%s/%s", dir, name) < PATH_CAP ? 0 : -ENAMETOOLONG;
}

static int folder_make(const char *dir, struct err *err)
{
	if (mkdir(dir, 0700) == 0)
		return 0;
	return err_set(err, -errno, "cannot make %s: %s; allowed: a folder that is not there yet", dir,
		       strerror(errno));
}

static void folder_remove(const char *dir)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "store.made", "store.made.new", QUARANTINE };
	char path[PATH_CAP];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (path_in(path, dir, names[i]) == 0)
			unlink(path);
	rmdir(dir);
}

/* The index key lies beside the store, too: from then on an empty data.mdb there is a loss. */
static int folder_done(const char *dir, const struct lmdb_new *n, struct err *err)
{
	int rc = lmdb_file_made(dir, record_index_span(&n->meta));

	return rc < 0 ? err_set(err, rc, "cannot write in %s: %s", dir, strerror(-rc)) : 0;
}

/* --- salvage */

struct salvage {
	struct lmdb_new into;
	struct out quarantine;
	struct record_keys keys;
	bool opened[KEK_IDS], damaged[KEK_IDS]; /* some record that this KEK sealed */
};

static bool opens(struct salvage *s, struct span key, struct span value)
{
	struct gba_session session;
	struct err unused;
	int rc;

	/* a mark stays: gba-bsfd takes one that does not open as if it were of now */
	if (!s->keys.seal || key.len != AKA_RAND_LEN || !record_sealed(value).len)
		return true;
	if (seal_learn(s->keys.seal, record_sealed(value), &unused) < 0)
		return true; /* a token that does not say it */
	rc = record_read(&session, &s->keys, key.p, value);
	if (rc == -ENOKEY)
		return true; /* what other KEKs sealed cannot be judged */
	if (rc == 0)
		gba_session_clear(&session);
	(rc == 0 ? s->opened : s->damaged)[seal_kek_id(record_sealed(value))] = true;
	return rc == 0;
}

static int salvage_entry(void *owner, struct span key, struct span value)
{
	struct salvage *s = owner;

	if (!lmdb_new_is_ours(key, value))
		return 0;
	if (!opens(s, key, value))
		return out_item(&s->quarantine, key, value);
	return lmdb_new_put(&s->into, key, value);
}

/* Then every record would be taken for a damaged one. */
static bool kek_is_another(struct salvage *s)
{
	struct span sealed = record_index_span(&s->into.meta);
	struct err unused;

	return s->keys.seal && seal_learn(s->keys.seal, sealed, &unused) == 0 &&
	       lmdb_meta_open(&s->keys, sealed) == -EBADMSG;
}

/* While a rotation is not over, that of the index key may be right and a former one not. \returns its ID; 0: none */
static unsigned kek_opened_nothing(const struct salvage *s)
{
	for (unsigned id = 1; id < KEK_IDS; id++)
		if (s->damaged[id] && !s->opened[id] && id != seal_kek_id(record_index_span(&s->into.meta)))
			return id;
	return 0;
}

static int salvage_write(struct salvage *s, int fd, const char *dir, const char *into, struct err *err)
{
	char path[PATH_CAP];
	struct lmdb_pages seen;
	unsigned id;
	int rc = path_in(path, into, QUARANTINE);

	if (rc == 0)
		rc = out_open(&s->quarantine, path);
	if (rc < 0)
		return err_set(err, rc, "cannot write in %s: %s", into, strerror(-rc));
	rc = lmdb_file_salvage(&s->into, &seen, fd, dir, into, salvage_entry, s);
	if (rc != 0)
		err_set(err, -EIO, "cannot be saved into %s: %s", into, lmdb_new_words(rc));
	else if (!s->into.has_meta)
		err_set(err, rc = -EBADMSG, "%s: the index key is lost, so nothing of it could be found", dir);
	else if (kek_is_another(s))
		err_set(err, rc = -EBADMSG,
			"%s: the index key does not open: KEK %u is another one, or it is damaged; allowed: the KEK that "
			"sealed it, or no --kek",
			dir, seal_kek_id(record_index_span(&s->into.meta)));
	else if ((id = kek_opened_nothing(s)))
		err_set(err, rc = -EBADMSG,
			"%s: no record that KEK %u sealed opens: it is another one, or all are damaged; allowed: the KEK that "
			"sealed them, or no --kek %u: they are saved unopened",
			dir, id, id);
	rc = out_close(&s->quarantine, path, rc);
	if (rc == 0 && s->quarantine.items == 0)
		unlink(path);
	if (rc != 0)
		return rc < 0 && err->text[0] ? rc : -EIO;
	printf("%-32s %llu\n%-32s %llu\n", "records saved", (unsigned long long)s->into.records,
	       "records in " QUARANTINE, (unsigned long long)s->quarantine.items);
	if (seen.damaged)
		printf("damaged: %s; %llu of %llu entries could be read\n", seen.what, (unsigned long long)seen.entries,
		       (unsigned long long)seen.promised);
	return 0;
}

int tool_salvage(const char *dir, const char *into, const struct tool_keks *keks, struct err *err)
{
	struct salvage s = { 0 };
	int fd = tool_open(dir, err), rc;

	if (fd < 0)
		return fd;
	rc = tool_seal(&s.keys.seal, keks, err);
	if (rc == 0)
		rc = folder_make(into, err);
	if (rc == 0) {
		rc = salvage_write(&s, fd, dir, into, err);
		if (rc == 0)
			rc = folder_done(into, &s.into, err);
		if (rc != 0)
			folder_remove(into);
	}
	secret_clear(&s.keys.index_key);
	seal_free(s.keys.seal);
	close(fd);
	return rc;
}

/* --- export */

int tool_export(const char *dir, const char *file, struct err *err)
{
	struct lmdb_pages seen = { 0 };
	int fd = tool_open(dir, err), rc;
	struct out o;

	if (fd < 0)
		return fd;
	rc = out_open(&o, file);
	if (rc < 0) {
		err_set(err, rc, "cannot make %s: %s; allowed: a file that is not there yet", file, strerror(-rc));
		close(fd);
		return rc;
	}
	rc = lmdb_pages_walk(fd, out_item, &o, &seen);
	if (seen.damaged)
		rc = err_set(err, -EBADMSG, "%s/data.mdb is damaged (%s); salvage it first", dir, seen.what);
	else if (rc < 0)
		err_set(err, rc, "cannot export to %s: %s", file, strerror(-rc));
	rc = out_close(&o, file, rc);
	if (rc < 0 && !err->text[0])
		err_set(err, rc, "cannot write %s: %s", file, strerror(-rc));
	if (rc == 0)
		printf("%-32s %llu\n", "entries exported", (unsigned long long)o.items);
	close(fd);
	return rc;
}

/* --- import */

static int import_put(struct lmdb_new *n, struct span file)
{
	struct span rest = span_of(file.p + EXPORT_HEAD_LEN, file.len - EXPORT_HEAD_LEN);
	struct export_item item;
	int rc = 0;

	while (rc == 0 && export_next(&item, &rest) > 0)
		rc = lmdb_new_is_ours(item.key, item.value) ? lmdb_new_put(n, item.key, item.value) : EBADMSG;
	return rc;
}

static int import_into(const char *name, struct span file, const char *dir, struct err *err)
{
	struct lmdb_new n;
	int rc = lmdb_new_begin(&n, dir);

	if (rc == 0)
		rc = lmdb_new_end(&n, import_put(&n, file));
	if (rc != 0)
		return err_set(err, -EIO, "cannot write %s: %s", dir, lmdb_new_words(rc));
	if (!n.has_meta)
		return err_set(err, -EBADMSG, "%s holds no index key: of a quarantine nothing is imported", name);
	rc = folder_done(dir, &n, err);
	if (rc == 0)
		printf("%-32s %llu\n", "records imported", (unsigned long long)n.records);
	return rc;
}

/* \param[out] file for munmap() */
static int file_map(const char *name, struct span *file, struct err *err)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC), rc = 0;
	void *p = MAP_FAILED;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size == 0)
		rc = -EBADMSG;
	else if ((p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		rc = -errno;
	else
		*file = span_of(p, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	return rc == 0 ? 0 : err_set(err, rc, "%s: %s", name, rc == -EBADMSG ? "is no export" : strerror(-rc));
}

int tool_import(const char *file, const char *dir, struct err *err)
{
	struct span map;
	const char *why;
	uint64_t items;
	int rc = file_map(file, &map, err);

	if (rc < 0)
		return rc;
	if (export_check(map, &items, &why) < 0)
		rc = err_set(err, -EBADMSG, "%s: %s", file, why);
	else
		rc = folder_make(dir, err);
	if (rc == 0) {
		rc = import_into(file, map, dir, err);
		if (rc < 0)
			folder_remove(dir);
	}
	munmap((void *)map.p, map.len);
	return rc;
}
