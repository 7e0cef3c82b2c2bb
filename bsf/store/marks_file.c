/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file marks_file.c
 *  A record: kind 1 | key 1 | tag 16 | at 8 | until 8. */
#include "bsf/store/marks_file.h"

#include <errno.h>
#include <stdlib.h>

#include "bsf/store/sealed_log.h"

#define RECORD_LEN (2 + MARK_TAG_LEN + 16)
#define SPARE      1024 /* records of what is over that may stand in the file beyond twice as many as count */

struct marks_file {
	struct sealed_log *log;
	struct marks *set;
	int64_t now_ms; /* of the start */
	bool lacks;     /* one that is in the set could not be added */
	size_t most;    /* records in the file before it is begun anew */
};

static int mark_take(void *file, const uint8_t *in)
{
	struct marks_file *f = file;
	struct mark mark = { .kind = in[0], .key = in[1] };

	memcpy(mark.tag, in + 2, MARK_TAG_LEN);
	mark.at_ms = (int64_t)be64_get(in + 2 + MARK_TAG_LEN);
	mark.until_ms = (int64_t)be64_get(in + 10 + MARK_TAG_LEN);
	return mark.until_ms > f->now_ms && marks_add(f->set, &mark) == -ENOSPC ? -ENOSPC : 0;
}

static int mark_put(struct sealed_log *l, const struct mark *mark)
{
	uint8_t out[RECORD_LEN] = { mark->kind, mark->key };

	memcpy(out + 2, mark->tag, MARK_TAG_LEN);
	be64_put(out + 2 + MARK_TAG_LEN, (uint64_t)mark->at_ms);
	be64_put(out + 10 + MARK_TAG_LEN, (uint64_t)mark->until_ms);
	return sealed_log_add(l, out);
}

struct rewrite {
	struct sealed_log *log;
	int rc;
};

static bool rewrite_one(void *rewrite, const struct mark *mark)
{
	struct rewrite *w = rewrite;

	w->rc = mark_put(w->log, mark);
	return w->rc == 0;
}

static int marks_keep(void *file, struct sealed_log *l)
{
	struct rewrite w = { .log = l };

	(void)marks_each(((struct marks_file *)file)->set, 0, rewrite_one, &w);
	return w.rc;
}

static const struct sealed_log_form form = {
	.name = "marks",
	.bind = "gba marks 1",
	.len = RECORD_LEN,
	.lock = true,
	.take = mark_take,
	.keep = marks_keep,
	.cure = "take it away where another BSF that knows the same revocations is running",
};

static void most_anew(struct marks_file *f)
{
	struct marks_figures m;

	marks_figures(f->set, &m);
	f->most = 2 * m.marks + SPARE;
}

int marks_file_check(const char *dir, struct seal *seal, struct err *err)
{
	struct sealed_log_form look = form;

	look.take = NULL;
	return sealed_log_check(&look, dir, seal, NULL, err);
}

struct marks_file *marks_file_open(const char *dir, struct seal *seal, struct marks *set, int64_t now_ms,
				   struct err *err)
{
	struct marks_file *f = calloc(1, sizeof(*f));

	err_set(err, -ENOMEM, "store: no memory");
	if (!f)
		return NULL;
	*f = (struct marks_file){ .set = set, .now_ms = now_ms };
	f->log = sealed_log_open(&form, dir, seal, f, err);
	if (f->log) {
		most_anew(f);
		return f;
	}
	free(f);
	return NULL;
}

void marks_file_free(struct marks_file *f)
{
	if (f)
		sealed_log_free(f->log);
	free(f);
}

void marks_file_add(struct marks_file *f, const struct mark *mark)
{
	f->lacks |= mark_put(f->log, mark) < 0;
}

int marks_file_sync(struct marks_file *f)
{
	bool anew = f->lacks || sealed_log_count(f->log) > f->most;
	int rc = anew ? sealed_log_renew(f->log) : sealed_log_sync(f->log);

	if (rc == 0 && anew)
		most_anew(f);
	else if (anew && !f->lacks) { /* on a full disk it goes on as it is */
		f->most += SPARE;
		rc = sealed_log_sync(f->log);
	}
	f->lacks = f->lacks && rc < 0;
	return rc;
}
