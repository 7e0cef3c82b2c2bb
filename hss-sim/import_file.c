/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/import_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/base/regular.h"
#include "common/gba/zh_msg.h"

/* A pipe that nobody writes to would hold the import, and with it the database, for ever. */
static int import_open(struct stat *st, const char *path, struct err *err)
{
	int fd = regular_open(path, O_RDONLY, 0, err), rc;

	if (fd < 0 || fstat(fd, st) == 0)
		return fd;
	rc = err_set(err, -errno, "%s: %s", path, strerror(errno));
	close(fd);
	return rc;
}

int import_file_map(struct import_content *out, const char *path, struct err *err)
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
		*out = (struct import_content){ p, p ? st.st_size : 0 };
	return rc;
}

void import_file_unmap(struct import_content *c)
{
	if (c->p)
		munmap(c->p, c->len);
	*c = (struct import_content){ 0 };
}

int import_file_read(struct import_content *out, const char *path, size_t max, struct err *err)
{
	uint8_t *p;
	size_t n;
	FILE *f;
	int rc = regular_fopen(&f, path, err);

	if (rc < 0)
		return rc;
	p = malloc(max + 1);
	n = p ? fread(p, 1, max + 1, f) : 0;
	if (!p)
		rc = err_set(err, -ENOMEM, "no memory");
	else if (ferror(f))
		rc = err_set(err, -EIO, "%s: not readable", path);
	else if (n > max)
		rc = err_set(err, -E2BIG, "%s: more than %zu octets", path, max);
	fclose(f);
	if (rc == 0)
		*out = (struct import_content){ p, n };
	else
		free(p);
	return rc;
}

/* Path as written in the file, relative to the folder of the CSV. */
static int resolve(char out[IMPORT_PATH_LEN], const char *csv_path, struct span path, struct err *err)
{
	const char *slash = strrchr(csv_path, '/');
	int folder = slash && path.p[0] != '/' ? (int)(slash - csv_path + 1) : 0;
	int n = snprintf(out, IMPORT_PATH_LEN, "%.*s%.*s", folder, csv_path, (int)path.len, (const char *)path.p);

	return n >= IMPORT_PATH_LEN ? err_set(err, -ENAMETOOLONG, "path too long") : 0;
}

/* \returns 0; -errno, err names the file */
static int check_guss(struct guss_coming *out, struct span xml, const char *name, const struct impi *impi,
		      struct err *err)
{
	struct err why = { "no memory" };
	int rc = guss_change_read(out, xml, impi->s, time(NULL), &why);

	return rc < 0 ? err_set(err, rc, "%.200s: %.300s", name, why.text) : 0;
}

/* One that many share has no id, or is refused for all but one. */
static int check_again(const struct import_guss *g, const struct impi *impi, struct err *err)
{
	struct guss_coming c;

	if (!g->has_id || impi_same(g->impi, impi->s))
		return 0;
	return check_guss(&c, span_of(g->xml.p, g->xml.len), g->path, impi, err);
}

static int read_guss_file(struct import_content *out, const char *name, struct err *err)
{
	int rc = import_file_read(out, name, ZH_GUSS_CARRIED, err);

	if (rc == -E2BIG)
		err_set(err, rc, "%s: more than the %d octets that a Diameter message can carry", name,
			ZH_GUSS_CARRIED);
	return rc;
}

int import_file_guss(struct import_guss *g, const char *csv_path, struct span path, const struct impi *impi,
		     struct err *err)
{
	char name[IMPORT_PATH_LEN];
	struct import_content xml;
	struct guss_coming c;
	int rc = resolve(name, csv_path, path, err);

	if (rc < 0)
		return rc;
	if (strcmp(name, g->path) == 0)
		return check_again(g, impi, err);
	rc = read_guss_file(&xml, name, err);
	if (rc < 0)
		return rc;
	rc = check_guss(&c, span_of(xml.p, xml.len), name, impi, err);
	if (rc < 0) {
		free(xml.p);
		return rc;
	}
	free(g->xml.p);
	g->xml = xml;
	g->has_timestamp = c.has_timestamp;
	g->timestamp = c.timestamp;
	g->has_id = c.has_id;
	snprintf(g->impi, sizeof(g->impi), "%s", impi->s);
	snprintf(g->path, sizeof(g->path), "%s", name);
	snprintf(g->remarks, sizeof(g->remarks), "%s", c.remarks);
	return 1;
}

void import_file_guss_clear(struct import_guss *g)
{
	free(g->xml.p);
	*g = (struct import_guss){ 0 };
}
