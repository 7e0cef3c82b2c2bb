/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/import_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include "common/base/ascii.h"
#include "common/crypto/sqn.h"

/* --- the order: that of the IMPIs, whose domains have no case */

static int compare_octets(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t n = a_len < b_len ? a_len : b_len;
	bool domain = false;

	for (size_t i = 0; i < n; i++) {
		int x = domain ? ascii_lower((char)a[i]) : a[i], y = domain ? ascii_lower((char)b[i]) : b[i];

		if (x != y)
			return x - y;
		domain |= a[i] == '@';
	}
	return (a_len > b_len) - (a_len < b_len);
}

/* The IMPI of a row; of an IMSI it is made anew. */
static struct span id_of(const struct import_plan_row *r, int mnc_len, struct impi *made)
{
	char imsi[16];

	if (memchr(r->id, '@', r->id_len))
		return span_of(r->id, r->id_len);
	span_to_str(imsi, sizeof(imsi), span_of(r->id, r->id_len));
	if (impi_from_imsi(made, imsi, mnc_len) < 0)
		return span_of(r->id, r->id_len);
	return span_str(made->s);
}

static int compare(const void *va, const void *vb, void *mnc_len)
{
	const struct import_plan_row *a = va, *b = vb;
	bool a_imsi = !memchr(a->id, '@', a->id_len), b_imsi = !memchr(b->id, '@', b->id_len);
	struct impi made_a, made_b;
	struct span x = span_of(a->id, a->id_len), y = span_of(b->id, b->id_len);

	if (a_imsi != b_imsi) {
		x = id_of(a, *(const int *)mnc_len, &made_a);
		y = id_of(b, *(const int *)mnc_len, &made_b);
	}
	return compare_octets(x.p, x.len, y.p, y.len);
}

static int by_order_then_line(const void *va, const void *vb, void *mnc_len)
{
	const struct import_plan_row *a = va, *b = vb;
	int c = compare(va, vb, mnc_len);

	return c ? c : (a->line > b->line) - (a->line < b->line);
}

/* --- reading */

static int plan_add(struct import_plan *p, const struct csv_subscriber *s, int mnc_len)
{
	struct import_plan_row *rows = p->rows, *r;

	if (p->n == p->cap) {
		p->cap = p->cap ? 2 * p->cap : 4096;
		rows = realloc(p->rows, p->cap * sizeof(*rows));
		if (!rows)
			return -ENOMEM;
		p->rows = rows;
	}
	r = &p->rows[p->n++];
	*r = (struct import_plan_row){ p->csv.row_at, s->id.p, p->csv.lines.line, (uint16_t)s->id.len };
	if (p->n > 1 && compare(r - 1, r, &mnc_len) >= 0)
		p->in_order = false;
	return 0;
}

static int read_guss(struct import_plan *p, const struct csv_subscriber *s, struct err *err)
{
	struct err why = { "" };
	int rc = import_file_guss(&p->guss, p->path, s->guss, &s->impi, &why);

	return rc < 0 ? err_set(err, rc, "%s:%u:%u: guss: %s", p->path, p->csv.lines.line, s->guss_at, why.text) : rc;
}

/* \returns 1 read; 0 none, or the one read last; -errno */
static int plan_guss(struct import_plan *p, const struct csv_subscriber *s, struct err *err)
{
	return s->guss.len ? read_guss(p, s, err) : 0;
}

/* What can be served, and is probably not meant. Told once for a file that many share. */
static void say_guss(const struct import_guss *g)
{
	if (g->remarks[0])
		fprintf(stderr, "%s: warning: kept, but means nothing here: %s\n", g->path, g->remarks);
}

/* The AuC's own range of IND must fit where the row does not say another one. */
static int plan_ind(const struct import_plan *p, const struct csv_subscriber *s, const struct import_options *o,
		    struct err *err)
{
	unsigned max = (1u << s->ind_bits) - 1;

	if (s->ind >= 0 || (o->ind_from == 0 && o->ind_to == SQN_IND_MAX) || o->ind_to <= max)
		return 0;
	return err_set(err, -EBADMSG,
		       "%s:%u: ind: empty, and the range of this AuC, %u to %u, does not fit into %u bits;"
		       " allowed: 0 to %u, or another range in node subscribers",
		       p->path, p->csv.lines.line, o->ind_from, o->ind_to, s->ind_bits, max);
}

static int plan_sealed(const struct import_plan *p, const struct csv_subscriber *s, struct err *err)
{
	struct aka_cred cred = s->cred;
	struct err why = { "" };
	int rc = 0;

	if (s->sealed_len)
		rc = subscriber_db_unseal(p->db, &cred, &s->impi, span_of(s->sealed, s->sealed_len), &why);
	aka_cred_clear(&cred);
	return rc < 0 ? err_set(err, rc, "%s:%u: %s", p->path, p->csv.lines.line, why.text) : 0;
}

static int plan_read(struct import_plan *p, const struct import_options *o, struct err *err)
{
	struct csv_subscriber s;
	struct err why = { "" };
	int rc = csv_open(&p->csv, p->file.p, p->file.len, &o->csv, &why);

	while (rc >= 0 && (rc = csv_next(&p->csv, &s, &why)) > 0) {
		rc = plan_guss(p, &s, err);
		if (rc > 0)
			say_guss(&p->guss);
		if (rc >= 0)
			rc = plan_sealed(p, &s, err);
		if (rc >= 0)
			rc = plan_ind(p, &s, o, err);
		if (rc == 0 && plan_add(p, &s, o->csv.mnc_len) < 0)
			rc = err_set(err, -ENOMEM, "no memory");
		csv_subscriber_clear(&s);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? err_set(err, rc, "%s:%s", p->path, why.text) : 0;
}

static int plan_sort(struct import_plan *p, int mnc_len, struct err *err)
{
	if (p->in_order)
		return 0;
	qsort_r(p->rows, p->n, sizeof(*p->rows), by_order_then_line, &mnc_len);
	for (size_t i = 1; i < p->n; i++) {
		if (compare(&p->rows[i - 1], &p->rows[i], &mnc_len) == 0)
			return err_set(err, -EEXIST, "%s:%u: impi: the same as in line %u; allowed: each once", p->path,
				       p->rows[i].line, p->rows[i - 1].line);
	}
	return 0;
}

/* The same file read in another way is another import. */
static int plan_digest(struct import_plan *p, const struct import_options *o)
{
	const struct csv_options *c = &o->csv;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t how[3] = { (uint8_t)c->mnc_len, c->clear_separation_bit, c->allow_test };
	int ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) && EVP_DigestUpdate(md, how, sizeof(how)) &&
		 EVP_DigestUpdate(md, p->file.p, p->file.len);

	if (ok && c->transport)
		ok = EVP_DigestUpdate(md, c->transport, sizeof(*c->transport));
	ok = ok && EVP_DigestFinal_ex(md, p->digest, NULL);
	EVP_MD_CTX_free(md);
	return ok ? 0 : -EIO;
}

int import_plan_make(struct import_plan *p, const char *path, const struct subscriber_db *db,
		     const struct import_options *o, struct err *err)
{
	int rc;

	*p = (struct import_plan){ .path = path, .db = db, .in_order = true };
	rc = import_file_map(&p->file, path, err);
	if (rc == 0)
		rc = plan_read(p, o, err);
	if (rc == 0)
		rc = plan_sort(p, o->csv.mnc_len, err);
	if (rc == 0 && plan_digest(p, o) < 0)
		rc = err_set(err, -EIO, "%s: no digest can be made", path);
	if (rc < 0)
		import_plan_clear(p);
	return rc;
}

void import_plan_clear(struct import_plan *p)
{
	free(p->rows);
	import_file_guss_clear(&p->guss);
	import_file_unmap(&p->file);
	*p = (struct import_plan){ 0 };
}

int import_plan_get(struct import_plan *p, size_t i, struct csv_subscriber *s, struct err *err)
{
	int rc;

	csv_seek(&p->csv, p->rows[i].at, p->rows[i].line);
	rc = csv_next(&p->csv, s, NULL);
	if (rc <= 0)
		return err_set(err, -EBADMSG, "%s:%u: has changed while it was read", p->path, p->rows[i].line);
	rc = plan_guss(p, s, err);
	if (rc < 0)
		csv_subscriber_clear(s);
	return rc;
}
