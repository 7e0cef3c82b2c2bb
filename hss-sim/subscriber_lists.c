/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Subscribers in pages: for people, and as an import and 'subscriber add' take them. K and OPc never leave but sealed: whoever has them
 * needs the KEK, too, and they open for their own IMPI alone. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/base/hex.h"
#include "common/crypto/sqn.h"
#include "hss-sim/subscriber_orders.h"

struct listing {
	json_t *list; /* NULL: csv */
	FILE *csv;
	bool sealed;
	char last[IMPI_MAX + 1];
	int n;
	size_t octets; /* about */
};

/* \returns is there room for one more? */
static bool counted(struct listing *l, const struct subscriber_brief *b)
{
	l->n++;
	l->octets += 512 + 2 * b->sealed.len + 2 * b->guss.len;
	snprintf(l->last, sizeof(l->last), "%s", b->impi);
	return l->octets < SUBSCRIBER_PAGE_OCTETS;
}

static bool list_one(void *owner, const struct subscriber_brief *b)
{
	struct listing *l = owner;

	json_array_append_new(l->list, json_pack("{sssssssssb}", "impi", b->impi, "imsi", b->imsi, "algorithm",
						 b->algorithm, "amf", b->amf, "guss", b->has_guss));
	return counted(l, b);
}

/* --- export */

#define SEALED_TEXT (2 * SUBSCRIBER_SEALED_MAX + 1)
#define SQN_TEXT    13

static const char *sealed_text(char out[SEALED_TEXT], struct span sealed)
{
	out[0] = '\0';
	if (sealed.len <= SUBSCRIBER_SEALED_MAX)
		hex_encode(out, SEALED_TEXT, sealed.p, sealed.len);
	return out;
}

static const char *sqn_text(char out[SQN_TEXT], const struct subscriber_brief *b)
{
	const int bits = b->ind_length >= 0 ? b->ind_length : SQN_IND_BITS;

	snprintf(out, SQN_TEXT, "%012" PRIx64, ((uint64_t)b->seq << bits) & UINT64_C(0xffffffffffff));
	return out;
}

static void csv_number(FILE *f, int n)
{
	if (n >= 0)
		fprintf(f, "%d", n);
	fputc(',', f);
}

static bool export_csv(void *owner, const struct subscriber_brief *b)
{
	char sqn[SQN_TEXT], sealed[SEALED_TEXT];
	struct listing *l = owner;

	fprintf(l->csv, "%s,%s,%s,", b->impi, b->imsi, b->algorithm);
	csv_number(l->csv, b->res_octets > 0 ? 8 * b->res_octets : -1);
	csv_number(l->csv, b->rounds);
	fprintf(l->csv, "%s,", b->amf);
	csv_number(l->csv, b->ind_length);
	fprintf(l->csv, "%s,%s,", sqn_text(sqn, b), b->sqn_profile);
	csv_number(l->csv, b->ind);
	if (l->sealed)
		fprintf(l->csv, "%s,", sealed_text(sealed, b->sealed));
	fputs("\n", l->csv);
	return counted(l, b);
}

static void json_text(json_t *o, const char *name, const char *text)
{
	if (*text)
		json_object_set_new(o, name, json_string(text));
}

static void json_number(json_t *o, const char *name, int n)
{
	if (n >= 0)
		json_object_set_new(o, name, json_integer(n));
}

static bool export_json(void *owner, const struct subscriber_brief *b)
{
	char sqn[SQN_TEXT], sealed[SEALED_TEXT];
	struct listing *l = owner;
	json_t *o = json_pack("{ss}", "impi", b->impi);

	json_text(o, "imsi", b->imsi);
	json_text(o, "algorithm", b->algorithm);
	json_number(o, "res-length", b->res_octets > 0 ? 8 * b->res_octets : -1);
	json_number(o, "rounds", b->rounds);
	json_text(o, "amf", b->amf);
	json_number(o, "ind-length", b->ind_length);
	json_text(o, "sqn", sqn_text(sqn, b));
	json_text(o, "sqn-profile", b->sqn_profile);
	json_number(o, "ind", b->ind);
	if (l->sealed)
		json_text(o, "sealed", sealed_text(sealed, b->sealed));
	if (b->guss.len)
		json_object_set_new(o, "guss", json_stringn((const char *)b->guss.p, b->guss.len));
	json_array_append_new(l->list, o);
	return counted(l, b);
}

/* --- pages */

static const char *list_from(const struct provision_order *o)
{
	return o->ask.impi ? o->ask.impi : "";
}

/* More may come: then the last one is what the next page begins behind. */
static void say_next(json_t *answer, const struct listing *l)
{
	if (l->n == SUBSCRIBER_PAGE || l->octets >= SUBSCRIBER_PAGE_OCTETS)
		json_object_set_new(answer, "next", json_string(l->last));
}

static int list_page(struct provision_order *o, struct subscriber_db *db, struct listing *l, bool whole,
		     bool (*fn)(void *owner, const struct subscriber_brief *b))
{
	int rc;

	l->list = json_array();
	rc = subscriber_db_list(db, list_from(o), SUBSCRIBER_PAGE, whole, fn, l);
	o->answer = json_pack("{so}", "subscribers", l->list);
	say_next(o->answer, l);
	return rc < 0 ? rc : 0;
}

int subscriber_order_list(struct provision_order *o, struct subscriber_db *db)
{
	struct listing l = { 0 };

	return list_page(o, db, &l, false, list_one);
}

static int csv_page(struct provision_order *o, struct subscriber_db *db, struct listing *l)
{
	char *text = NULL;
	size_t len = 0;
	int rc;

	l->csv = open_memstream(&text, &len);
	if (!l->csv)
		return provision_refuse(o, -ENOMEM, CTL_FAILED, "no memory");
	if (!*list_from(o))
		fprintf(l->csv, "impi,imsi,algorithm,res-length,rounds,amf,ind-length,sqn,sqn-profile,ind,%sguss\n",
			l->sealed ? "sealed," : "");
	rc = subscriber_db_list(db, list_from(o), SUBSCRIBER_PAGE, l->sealed, export_csv, l);
	fclose(l->csv);
	o->answer = json_pack("{ss}", "csv", text ? text : "");
	free(text);
	say_next(o->answer, l);
	return rc < 0 ? rc : 0;
}

int subscriber_order_export(struct provision_order *o, struct subscriber_db *db)
{
	struct listing l = { .sealed = o->ask.how & SUBSCRIBER_EXPORT_SEALED };

	return o->ask.how & SUBSCRIBER_EXPORT_JSON ? list_page(o, db, &l, true, export_json) : csv_page(o, db, &l);
}
