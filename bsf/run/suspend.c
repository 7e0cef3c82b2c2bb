/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/suspend.h"

#include <errno.h>
#include <search.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bsf/store/sealed_log.h"
#include "common/gba/impi.h"
#include "common/rt/log_cat.h"

/* A record: what, length, name, zeros. */
#define SUSPENDED  1
#define RESUMED    2
#define RECORD_LEN (2 + IMPI_MAX)
#define SPARE      1024 /* records of what is over that may stand in the file beyond twice as many as count */

/* One who is. */
struct suspended {
	size_t at;   /* in impis */
	char name[]; /* as impi_key() has it */
};

/* One to be looked for. */
union wanted {
	struct suspended like;
	char room[sizeof(struct suspended) + sizeof(((struct impi *)0)->s)];
};

static void *tree;   /* tsearch: by name, so that a start with many is not quadratic */
static char **impis; /* their names, for suspend_table() */
static size_t n_impis;

static struct {
	const char *dir;
	struct seal *seal;
	struct sealed_log *log; /* NULL: nobody was suspended yet */
	bool behind;            /* something is not in it */
} kept;

static struct suspended *entry_of(char *name)
{
	return (struct suspended *)(name - offsetof(struct suspended, name));
}

static int entry_cmp(const void *a, const void *b)
{
	return strcmp(((const struct suspended *)a)->name, ((const struct suspended *)b)->name);
}

static struct suspended *entry_new(const char *name)
{
	size_t len = strlen(name) + 1;
	struct suspended *e = malloc(sizeof(*e) + len);

	if (e)
		memcpy(e->name, name, len);
	return e;
}

static int record_put(struct sealed_log *l, uint8_t what, const char *impi)
{
	uint8_t record[RECORD_LEN] = { what };
	size_t len = strnlen(impi, IMPI_MAX);
	int rc;

	record[1] = (uint8_t)len;
	memcpy(record + 2, impi, len);
	rc = sealed_log_add(l, record);
	OPENSSL_cleanse(record, sizeof(record));
	return rc;
}

static void changed(uint8_t what, const char *impi)
{
	if (kept.dir && (!kept.log || record_put(kept.log, what, impi) < 0))
		kept.behind = true;
}

static int name_put(struct suspended *e)
{
	char **grown = realloc(impis, (n_impis + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	impis = grown;
	if (!tsearch(e, &tree, entry_cmp))
		return -ENOMEM;
	e->at = n_impis;
	impis[n_impis++] = e->name;
	return 1;
}

/* \returns 1; 0 it is there; -errno */
static int name_add(const struct impi *key)
{
	struct suspended *e = entry_new(key->s);
	int rc = !e ? -ENOMEM : tfind(e, &tree, entry_cmp) ? 0 : n_impis == SUSPENDED_MAX ? -E2BIG : name_put(e);

	if (rc <= 0)
		free(e);
	return rc;
}

static bool name_del(const struct impi *key)
{
	union wanted w;
	struct suspended **found, *e;

	strcpy(w.like.name, key->s);
	found = tfind(&w.like, &tree, entry_cmp);
	if (!found)
		return false;
	e = *found;
	tdelete(e, &tree, entry_cmp);
	impis[e->at] = impis[--n_impis];
	entry_of(impis[e->at])->at = e->at;
	free(e);
	return true;
}

int suspend_add(const char *impi)
{
	struct impi key;
	int rc;

	impi_key(&key, impi);
	rc = name_add(&key);
	if (rc > 0)
		changed(SUSPENDED, key.s);
	return rc < 0 ? rc : 0;
}

bool suspend_del(const char *impi)
{
	struct impi key;
	bool was;

	impi_key(&key, impi);
	was = name_del(&key);
	if (was)
		changed(RESUMED, key.s);
	return was;
}

static int suspended_take(void *unused, const uint8_t *record)
{
	struct impi key = { .s = "" };

	memcpy(key.s, record + 2, record[1]);
	if (record[0] == RESUMED)
		(void)name_del(&key);
	else if (record[0] != SUSPENDED || name_add(&key) < 0)
		return record[0] == SUSPENDED ? -ENOSPC : -EBADMSG;
	return 0;
}

static int suspended_put(void *unused, struct sealed_log *l)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n_impis; i++)
		rc = record_put(l, SUSPENDED, impis[i]);
	return rc;
}

static const struct sealed_log_form form = {
	.name = "suspended",
	.bind = "gba suspended 1",
	.len = RECORD_LEN,
	.take = suspended_take,
	.keep = suspended_put,
	.cure = "take it away and suspend again who is to be",
};

static int log_open(struct err *err)
{
	kept.log = sealed_log_open(&form, kept.dir, kept.seal, NULL, err);
	return kept.log ? 0 : -EIO;
}

/* Without anybody there is no file, so that the folder is what it was before. */
int suspend_begin(const char *dir, struct seal *seal, struct err *err)
{
	char path[512];
	int rc;

	if (!dir || !seal)
		return 0;
	kept.dir = dir;
	kept.seal = seal;
	snprintf(path, sizeof(path), "%s/%s", dir, form.name);
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return 0;
	rc = log_open(err);
	if (rc == 0 && n_impis == 0 && unlink(path) == 0) {
		sealed_log_free(kept.log);
		kept.log = NULL;
	}
	return rc;
}

int suspend_check(const char *dir, struct seal *seal, struct err *err)
{
	int rc = dir && seal ? sealed_log_check(&form, dir, seal, NULL, err) : 0;

	suspend_free();
	return rc;
}

int suspend_keep(void)
{
	struct err why = { "" };
	int rc = 0;

	if (!kept.dir || (!kept.log && !kept.behind))
		return 0;
	if (!kept.log) {
		rc = log_open(&why);
		if (rc < 0 && log_rate_ok(DSTORE))
			LOGT(DSTORE, LOGL_ERROR, "%s\n", why.text);
	} else if (kept.behind || sealed_log_count(kept.log) > 2 * n_impis + SPARE) {
		rc = sealed_log_renew(kept.log);
	} else {
		return sealed_log_sync(kept.log);
	}
	kept.behind = rc < 0;
	return rc;
}

const char *suspend_kept(void)
{
	return kept.dir;
}

size_t suspend_count(void)
{
	return n_impis;
}

struct name_table *suspend_table(void)
{
	return name_table_of(impis, n_impis, true);
}

void suspend_free(void)
{
	tdestroy(tree, free);
	tree = NULL;
	free(impis);
	impis = NULL;
	n_impis = 0;
	sealed_log_free(kept.log);
	memset(&kept, 0, sizeof(kept));
}
