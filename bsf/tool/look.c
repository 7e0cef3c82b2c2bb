/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file look.c
 *  What there is in a store, and whether it is right. Nothing is changed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bsf/store/lmdb.h"
#include "bsf/tool/tool.h"

struct look {
	struct record_keys keys; /* seal NULL: nothing is opened */
	int64_t now_s;
	uint64_t kind[RECORD_REMNANT + 1], over, octets;
	struct err said;   /* by a token */
	uint64_t kek[256]; /* 0: nothing sealed */
	uint64_t marks, no_record, opened, not_opened, no_kek;
	bool has_meta, meta_opened;
};

int tool_open(const char *dir, struct err *err)
{
	struct store_lmdb_cfg cfg = { .dir = dir, .check = true };
	struct stat st;
	int fd;

	if (!store_lmdb_is_there(dir))
		return err_set(err, -ENOENT, "%s: no store there; allowed: the folder that 'lmdb' names", dir);
	fd = lmdb_file_lock(&cfg, err);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && st.st_size > 0)
		return fd;
	close(fd);
	return err_set(err, -EBADMSG, "%s/data.mdb is empty", dir);
}

int tool_seal(struct seal **out, const struct tool_keks *keks, struct err *err)
{
	*out = NULL;
	if (keks->n == 0)
		return 0;
	*out = seal_new(keks->k, keks->n, err);
	return *out ? 0 : -EINVAL;
}

/* --- each record */

/* \returns as record_read() */
static int entry_open(const struct look *l, struct span key, struct span value)
{
	struct gba_session s;
	uint8_t times[64];
	int rc;

	if (key.len == LMDB_MARK_KEY_LEN) {
		rc = seal_open(l->keys.seal, times, sizeof(times), value, key);
		return rc < 0 ? rc : 0;
	}
	rc = record_read(&s, &l->keys, key.p, value);
	if (rc == 0)
		gba_session_clear(&s);
	return rc;
}

/* \returns 0, whether it opens or not; -errno of a token, l->said */
static int look_sealed(struct look *l, struct span key, struct span value, struct span sealed)
{
	l->kek[seal_kek_id(sealed)]++;
	if (!l->keys.seal || !sealed.len)
		return 0;
	if (seal_learn(l->keys.seal, sealed, &l->said) < 0)
		return -ECANCELED;
	switch (entry_open(l, key, value)) {
	case 0:
		l->opened++;
		break;
	case -ENOKEY:
		l->no_kek++;
		break;
	default:
		l->not_opened++;
	}
	return 0;
}

static int on_entry(void *owner, struct span key, struct span value)
{
	struct look *l = owner;
	struct record_head h;

	l->octets += key.len + value.len;
	if (key.len == LMDB_META_KEY_LEN) {
		l->has_meta = true;
		if (l->keys.seal && seal_learn(l->keys.seal, value, &l->said) < 0)
			return -ECANCELED;
		l->meta_opened = l->keys.seal && lmdb_meta_open(&l->keys, value) == 0;
		return 0;
	}
	if (lmdb_key_is_own(key.len))
		return 0;
	if (key.len == LMDB_MARK_KEY_LEN) {
		l->marks++;
		return look_sealed(l, key, value, value);
	}
	if (key.len != AKA_RAND_LEN || record_head_read(&h, value) < 0) {
		l->no_record++;
		return 0;
	}
	l->kind[h.kind]++;
	l->over += h.expires_at <= l->now_s;
	return look_sealed(l, key, value, record_sealed(value));
}

/* --- and what came of it */

static void print_found(const struct look *l, const struct lmdb_pages *seen)
{
	static const char *const names[] = { [RECORD_SESSION] = "sessions",
					     [RECORD_TOMBSTONE] = "tombstones",
					     [RECORD_REMNANT] = "TMPIs of sessions that are over" };

	for (int i = RECORD_SESSION; i <= RECORD_REMNANT; i++)
		printf("%-32s %llu\n", names[i], (unsigned long long)l->kind[i]);
	printf("%-32s %llu\n", "revocation marks", (unsigned long long)l->marks);
	printf("%-32s %llu\n", "records past their time", (unsigned long long)l->over);
	for (int i = 0; i < 256; i++)
		if (l->kek[i] && i)
			printf("sealed under KEK %-15d %llu\n", i, (unsigned long long)l->kek[i]);
	printf("%-32s %llu\n", "octets of keys and records", (unsigned long long)l->octets);
	if (l->no_record)
		printf("%-32s %llu\n", "entries that are no records", (unsigned long long)l->no_record);
	if (!l->has_meta)
		puts("the index key is missing");
	if (seen->damaged)
		printf("damaged: %s; %llu of %llu entries can be read\n", seen->what, (unsigned long long)seen->entries,
		       (unsigned long long)seen->promised);
}

static void print_opened(const struct look *l)
{
	printf("%-32s %llu\n", "records opened", (unsigned long long)l->opened);
	if (l->not_opened)
		printf("%-32s %llu\n", "damaged: they do not open", (unsigned long long)l->not_opened);
	if (l->no_kek)
		printf("%-32s %llu\n", "sealed under a KEK not given", (unsigned long long)l->no_kek);
	if (l->has_meta && !l->meta_opened)
		puts("the index key does not open: its KEK was not given, or another one as that, or it is damaged");
}

static int look_at(struct look *l, const char *dir, const struct tool_keks *keks, struct err *err)
{
	struct lmdb_pages seen;
	int fd = tool_open(dir, err), rc;

	if (fd < 0)
		return fd;
	l->now_s = time(NULL);
	rc = lmdb_pages_walk(fd, on_entry, l, &seen);
	close(fd);
	if (rc < 0 && rc != -EBADMSG)
		return err_set(err, rc, "%s: %s", dir, l->said.text[0] ? l->said.text : strerror(-rc));
	print_found(l, &seen);
	if (keks->n)
		print_opened(l);
	return seen.damaged || l->no_record || !l->has_meta;
}

int tool_count(const char *dir, struct err *err)
{
	static const struct tool_keks none;
	struct look l = { 0 };

	return look_at(&l, dir, &none, err);
}

int tool_check(const char *dir, const struct tool_keks *keks, struct err *err)
{
	struct look l = { 0 };
	int rc;

	if (keks->n == 0)
		return err_set(err, -EINVAL, "no KEK to open records with; allowed: --kek ID=WHERE");
	rc = tool_seal(&l.keys.seal, keks, err);
	if (rc == 0)
		rc = look_at(&l, dir, keks, err);
	if (rc == 0)
		rc = l.not_opened || l.no_kek || !l.meta_opened;
	seal_free(l.keys.seal);
	secret_clear(&l.keys.index_key);
	return rc;
}
