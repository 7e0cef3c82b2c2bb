/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/base/clock.h"
#include "common/crypto/milenage.h"
#include "common/crypto/sqn.h"
#include "common/gba/guss.h"
#include "common/gba/zh_msg.h"
#include "common/rt/deadline.h"
#include "hss-sim/csv_import.h"

#define PROGRESS_ROWS 10000
#define PATH_LEN      4096

/* A whole file in memory. */
struct content {
	uint8_t *p;
	size_t len;
};

/* The GUSS read last: many subscribers of a file usually share one. */
struct guss_file {
	char path[PATH_LEN];
	struct content xml;
	bool has_timestamp;
	time_t timestamp;
};

struct import {
	struct subscriber_db *db;
	const char *path;
	struct csv_file csv;
	struct guss_file guss;
	unsigned long added, updated;
};

/* Without waiting: a pipe that nobody writes to would hold the import, and with it the database, for ever. */
static int import_open(struct stat *st, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;

	if (fd < 0 || fstat(fd, st) < 0)
		rc = err_set(err, -errno, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(st->st_mode))
		rc = err_set(err, -EINVAL, "%s: no regular file", path);
	if (rc == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return rc;
}

static int map_file(struct content *out, const char *path, struct err *err)
{
	struct stat st;
	void *p = NULL;
	int fd = import_open(&st, path, err), rc = 0;

	if (fd < 0)
		return fd;
	if (st.st_size > 0) {
		p = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			rc = err_set(err, -errno, "%s: %s", path, strerror(errno));
	}
	if (rc == 0 && st.st_mode & 077)
		fprintf(stderr, "%s: warning: holds keys and is readable by others (mode %03o); wanted: 600\n", path,
			st.st_mode & 0777);
	close(fd);
	if (rc == 0)
		*out = (struct content){ p, p ? st.st_size : 0 };
	return rc;
}

static int read_guss_file(struct content *out, const char *path, struct err *err)
{
	struct stat st;
	int fd = import_open(&st, path, err);
	uint8_t *p;
	size_t n;
	FILE *f;

	if (fd < 0)
		return fd;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return err_set(err, -ENOMEM, "no memory");
	}
	p = malloc(ZH_GUSS_CARRIED + 1);
	n = p ? fread(p, 1, ZH_GUSS_CARRIED + 1, f) : 0;
	if (!p || ferror(f) || n > ZH_GUSS_CARRIED) {
		int rc = !p ? err_set(err, -ENOMEM, "no memory")
			 : ferror(f)
				 ? err_set(err, -EIO, "%s: not readable", path)
				 : err_set(err, -E2BIG, "%s: more than the %d octets that a Diameter message can carry",
					   path, ZH_GUSS_CARRIED);

		fclose(f);
		free(p);
		return rc;
	}
	fclose(f);
	*out = (struct content){ p, n };
	return 0;
}

/* Path as written in the file, relative to the folder of the CSV. */
static int resolve(char out[PATH_LEN], const struct import *im, struct span path, struct err *err)
{
	const char *slash = strrchr(im->path, '/');
	int folder = slash && path.p[0] != '/' ? (int)(slash - im->path + 1) : 0;
	int n = snprintf(out, PATH_LEN, "%.*s%.*s", folder, im->path, (int)path.len, (const char *)path.p);

	return n >= PATH_LEN ? err_set(err, -ENAMETOOLONG, "path too long") : 0;
}

/* What can be served, and is probably not meant. Told once for a file that many share. */
static void warn_guss(const struct guss *g, const char *name, const struct impi *impi)
{
	if (g->has_life_time && g->life_time_s < 1)
		fprintf(stderr, "%s: warning: lifeTime %lld is no time a key can live; wanted: 1 or more, seconds\n",
			name, (long long)g->life_time_s);
	if (g->id && !impi_same(g->id, impi->s))
		fprintf(stderr, "%s: warning: its id is another subscriber's than the line's impi\n", name);
}

static int load_guss(struct import *im, struct span path, const struct impi *impi, struct err *err)
{
	struct guss_file *g = &im->guss;
	char name[PATH_LEN];
	struct content xml;
	struct guss *parsed = NULL;
	struct err why = { { 0 } };
	int rc = resolve(name, im, path, err);

	if (rc < 0 || strcmp(name, g->path) == 0)
		return rc;
	rc = read_guss_file(&xml, name, err);
	if (rc < 0)
		return rc;
	rc = guss_parse(&parsed, xml.p, xml.len, &why);
	if (rc == 0 && parsed->is_uss_list)
		rc = err_set(&why, -EBADMSG, "root element is ussList");
	if (rc < 0) {
		guss_free(parsed);
		free(xml.p);
		return err_set(err, rc, "%s: %s; allowed: a guss document (TS 29.109 annex A)", name, why.text);
	}
	warn_guss(parsed, name, impi);
	free(g->xml.p);
	g->xml = xml;
	g->has_timestamp = parsed->has_timestamp;
	g->timestamp = parsed->timestamp;
	snprintf(g->path, sizeof(g->path), "%s", name);
	guss_free(parsed);
	return 0;
}

static int make_row(struct import *im, struct subscriber_row *r, const struct csv_subscriber *s, struct err *err)
{
	int rc = 0;

	*r = (struct subscriber_row){ .impi = s->impi, .ind_fixed = s->ind, .seq = sqn_seq(s->sqn) };
	memcpy(r->imsi, s->imsi, sizeof(r->imsi));
	memcpy(r->cred.amf, s->amf, sizeof(r->cred.amf));
	r->cred.k = s->k;
	r->cred.opc = s->opc;
	if (!s->opc.len)
		rc = milenage_opc(&r->cred.opc, &s->k, &s->op);
	if (rc < 0)
		return err_set(err, rc, "%s:%u: OPc cannot be computed", im->path, im->csv.line);
	if (s->guss.len) {
		struct err why = { { 0 } };

		rc = load_guss(im, s->guss, &s->impi, &why);
		if (rc < 0)
			return err_set(err, rc, "%s:%u:%u: guss: %s", im->path, im->csv.line, s->guss_at, why.text);
		/* lent to the row; the row's own clear is not called */
		r->guss = im->guss.xml.p;
		r->guss_len = im->guss.xml.len;
		r->has_guss_timestamp = im->guss.has_timestamp;
		r->guss_timestamp = im->guss.timestamp;
	}
	return 0;
}

static int put_row(struct import *im, const struct csv_subscriber *s, struct err *err)
{
	struct subscriber_row r;
	unsigned first = 0;
	int rc = make_row(im, &r, s, err);

	if (rc == 0) {
		rc = subscriber_db_put(im->db, &r, im->csv.line, &first);
		if (rc == -EEXIST)
			err_set(err, rc, "%s:%u: impi: the same as in line %u; allowed: each once", im->path,
				im->csv.line, first);
		else if (rc < 0)
			err_set(err, rc, "%s:%u: database: %s", im->path, im->csv.line, subscriber_db_errmsg(im->db));
	}
	aka_cred_clear(&r.cred);
	if (rc < 0)
		return rc;
	im->added += rc;
	im->updated += !rc;
	return 0;
}

static int put_all(struct import *im, const struct content *csv, struct err *err)
{
	struct csv_subscriber s;
	struct err why = { { 0 } };
	int rc = csv_open(&im->csv, csv->p, csv->len, &why);

	while (rc >= 0) {
		rc = csv_next(&im->csv, &s, &why);
		if (rc <= 0)
			break;
		rc = put_row(im, &s, err);
		csv_subscriber_clear(&s);
		if (rc < 0)
			return rc;
		if ((im->added + im->updated) % PROGRESS_ROWS == 0)
			fprintf(stderr, "%lu subscribers read\n", im->added + im->updated);
	}
	return rc < 0 ? err_set(err, rc, "%s:%s", im->path, why.text) : 0;
}

int import_csv(struct subscriber_db *db, const char *path, struct err *err)
{
	struct import im = { .db = db, .path = path };
	uint64_t start = clock_mono_ms();
	struct content csv = { 0 };
	int rc = map_file(&csv, path, err);

	if (rc < 0)
		return rc;
	rc = subscriber_db_begin(db);
	if (rc < 0)
		err_set(err, rc, "database: %s", subscriber_db_errmsg(db));
	if (rc == 0) {
		rc = put_all(&im, &csv, err);
		if (rc < 0)
			subscriber_db_rollback(db);
	}
	if (rc == 0) {
		rc = subscriber_db_commit(db);
		if (rc < 0)
			err_set(err, rc, "database: %s: nothing was changed",
				rc == -ENOSPC ? "disk full" : "write failed");
	}
	if (rc == 0)
		fprintf(stderr, "%s: %lu subscribers imported (%lu new, %lu updated) in %.1f s\n", path,
			im.added + im.updated, im.added, im.updated, (clock_mono_ms() - start) / 1000.0);
	free(im.guss.xml.p);
	if (csv.p)
		munmap(csv.p, csv.len);
	return rc;
}
