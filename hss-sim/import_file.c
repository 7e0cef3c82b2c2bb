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
#include "common/gba/guss.h"
#include "common/gba/zh_msg.h"

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
	struct stat st;
	int fd = import_open(&st, path, err), rc = 0;
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

/* What can be served, and is probably not meant. Told once for a file that many share. */
static void warn_guss(const struct guss *g, const char *name, const struct impi *impi)
{
	if (g->has_life_time && g->life_time_s < 1)
		fprintf(stderr, "%s: warning: lifeTime %lld is no time a key can live; wanted: 1 or more, seconds\n",
			name, (long long)g->life_time_s);
	if (g->id && !impi_same(g->id, impi->s))
		fprintf(stderr, "%s: warning: its id is another subscriber's than the line's impi\n", name);
}

int import_file_guss(struct import_guss *g, const char *csv_path, struct span path, const struct impi *impi,
		     struct err *err)
{
	char name[IMPORT_PATH_LEN];
	struct import_content xml;
	struct guss *parsed = NULL;
	struct err why = { { 0 } };
	int rc = resolve(name, csv_path, path, err);

	if (rc < 0 || strcmp(name, g->path) == 0)
		return rc;
	rc = import_file_read(&xml, name, ZH_GUSS_CARRIED, err);
	if (rc == -E2BIG)
		err_set(err, rc, "%s: more than the %d octets that a Diameter message can carry", name,
			ZH_GUSS_CARRIED);
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
	return 1;
}

void import_file_guss_clear(struct import_guss *g)
{
	free(g->xml.p);
	*g = (struct import_guss){ 0 };
}
