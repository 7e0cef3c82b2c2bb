/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* One reader for each column; a key is never repeated in an error. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include "common/base/ascii.h"
#include "common/base/hex.h"
#include "common/crypto/sqn.h"
#include "hss-sim/auc.h"
#include "hss-sim/csv_import.h"

#define SQN_MAX ((1ull << 48) - 1)

/* What a reader is given beside its field. */
struct reading {
	const struct csv_options *options;
	struct csv_place *place;
	struct err *err;
};

static int wrong_value(const struct reading *r, const char *what, const char *allowed)
{
	return csv_wrong(r->err, r->place, what, allowed);
}

static int read_impi(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	if (f.len == 0 && r->options->mnc_len)
		return 0; /* made of the IMSI when that is read */
	if (f.len == 0)
		return wrong_value(r, "empty", "user@domain; or --mnc-length 2 or 3, to make it of the imsi");
	s->id = f;
	return impi_parse(&s->impi, f.p, f.len) < 0
		       ? wrong_value(r, "no private identity", "user@domain, at most 255 octets, domain a DNS name")
		       : 0;
}

static int read_imsi(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	size_t i;

	for (i = 0; i < f.len && isdigit(f.p[i]); i++)
		;
	if (f.len && (i < f.len || f.len < 6 || f.len > 15))
		return wrong_value(r, "no IMSI", "6 to 15 digits, or empty");
	span_to_str(s->imsi, sizeof(s->imsi), f);
	if (s->impi.s[0] || !f.len)
		return 0;
	s->id = f;
	return impi_from_imsi(&s->impi, s->imsi, r->options->mnc_len) < 0
		       ? wrong_value(r, "no IMPI can be made of it",
				     "6 to 15 digits, and the --mnc-length of its network")
		       : 0;
}

static int csv_read_key(struct secret *out, struct span f, const struct reading *r)
{
	SECRET_AUTO k = { 0 };
	char what[64];

	if (f.len == 0)
		return 0;
	if (f.len != 2 * AKA_KEY_LEN && f.len != 2 * AKA_K_MAX) {
		snprintf(what, sizeof(what), "%zu characters", f.len);
		return wrong_value(r, what, CSV_KEY_ALLOWED);
	}
	k.len = (uint8_t)(f.len / 2);
	if (hex_decode(k.b, k.len, f.p, f.len) < 0)
		return wrong_value(r, "a character that is no hex digit", CSV_KEY_ALLOWED);
	if (transport_keys_open(r->options->transport, r->place->column, &k) < 0)
		return wrong_value(r, "cannot be decrypted", "a value encrypted with AES-CBC by the transport key");
	*out = k;
	return 0;
}

static int read_k(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	return csv_read_key(&s->cred.k, f, r);
}

static int read_sealed(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	if (f.len % 2 || f.len / 2 > sizeof(s->sealed) || hex_decode(s->sealed, f.len / 2, f.p, f.len) < 0)
		return wrong_value(r, "no sealed keys",
				   "what 'subscriber export sealed' wrote, or empty where k is given");
	s->sealed_len = (uint8_t)(f.len / 2);
	return 0;
}

static int read_op(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	return csv_read_key(&s->op, f, r);
}

static int read_opc(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	if (f.len && s->op.len)
		return wrong_value(r, "op and opc are both given", "one of them");
	return csv_read_key(&s->cred.opc, f, r);
}

#define AMF_ALLOWED "0000 to 00ff (TS 33.102 annex H)"

static int read_amf(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	const char *why;

	if (f.len == 0)
		return 0;
	if (f.len != 4 || hex_decode(s->cred.amf, sizeof(s->cred.amf), f.p, f.len) < 0)
		return wrong_value(r, "not 4 hex digits", "0000 to 00ff");
	if (r->options->clear_separation_bit)
		s->cred.amf[0] &= 0x7f;
	why = auc_amf_wrong(s->cred.amf);
	if (!why)
		return 0;
	return wrong_value(r, why,
			   s->cred.amf[0] == 0x80 ? AMF_ALLOWED "; or --clear-separation-bit, which takes 8000 as 0000"
						  : AMF_ALLOWED);
}

static int read_algorithm(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	const bool test = r->options->allow_test;

	if (f.len == 0)
		return 0;
	if (aka_algorithm_find(&s->cred.kind, (const char *)f.p, f.len) < 0)
		return wrong_value(r, "unknown algorithm", aka_algorithm_names(test));
	if (aka_algorithm_of(&s->cred)->test_only && !test)
		return wrong_value(r, "an algorithm for tests, which protects nothing",
				   "milenage, tuak; where it is wanted, allow-test-algorithms in node subscribers");
	return 0;
}

/* \returns 0; -1 no number of this base or above max */
static int read_number(uint64_t *out, struct span f, unsigned base, uint64_t max)
{
	uint64_t v = 0;
	size_t i;

	for (i = 0; i < f.len; i++) {
		unsigned d = isdigit(f.p[i])    ? f.p[i] - (unsigned)'0'
			     : isxdigit(f.p[i]) ? ascii_lower((char)f.p[i]) - 'a' + 10u
						: 99u;

		if (d >= base || d > max || v > (max - d) / base)
			return -1;
		v = v * base + d;
	}
	*out = v;
	return f.len ? 0 : -1;
}

static int read_res_length(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	uint64_t bits = 0;

	if (f.len && (read_number(&bits, f, 10, 8 * AKA_RES_MAX) < 0 || bits % 8 || bits == 0))
		return wrong_value(r, "no length of RES", "bits: 64, with TUAK 32, 64 or 128");
	s->cred.res_len = (uint8_t)(bits / 8);
	return 0;
}

static int read_rounds(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	uint64_t n = 0;

	if (f.len && (read_number(&n, f, 10, 255) < 0 || n == 0))
		return wrong_value(r, "no number of rounds", "1 to 255, or empty: 1");
	s->cred.rounds = (uint8_t)n;
	return 0;
}

static int read_ind_length(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	uint64_t bits = SQN_IND_BITS;

	if (f.len && read_number(&bits, f, 10, SQN_IND_BITS_MAX) < 0)
		return wrong_value(r, "no length of IND", "0 to 8 bits, or empty: 5");
	s->ind_bits = (uint8_t)bits;
	return 0;
}

#define SQN_ALLOWED \
	"0x and up to 12 hex digits; 12 hex digits that begin with 0 or hold a letter; decimal without a zero in front"

/* 12 digits are how everybody writes the 48 bits in hexadecimal; 12 that could as well be a decimal number are neither. */
static int read_sqn(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	bool marked = f.len > 2 && f.p[0] == '0' && ascii_lower((char)f.p[1]) == 'x', decimal;
	uint64_t v;

	if (f.len == 0)
		return 0;
	if (marked) {
		f = span_of(f.p + 2, f.len - 2);
		return f.len > 12 || read_number(&s->sqn, f, 16, SQN_MAX) < 0
			       ? wrong_value(r, "no sequence number", SQN_ALLOWED)
			       : 0;
	}
	decimal = read_number(&v, f, 10, SQN_MAX) == 0;
	if (f.len == 12 && decimal && f.p[0] != '0')
		return wrong_value(r, "12 digits that may be decimal or hexadecimal", SQN_ALLOWED);
	if (f.len == 12 && read_number(&s->sqn, f, 16, SQN_MAX) == 0)
		return 0;
	if (!decimal || (f.p[0] == '0' && f.len > 1))
		return wrong_value(r, "no sequence number", SQN_ALLOWED);
	s->sqn = v;
	return 0;
}

static int read_sqn_profile(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	enum sqn_profile p;

	if (f.len == 0)
		return 0;
	if (sqn_profile_find(&p, (const char *)f.p, f.len) < 0)
		return wrong_value(r, "no profile of sequence numbers",
				   "counter, part-time, time (TS 33.102 C.3.2, C.3.1, C.3.3)");
	s->profile = (int)p;
	return 0;
}

static int read_ind(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	char allowed[60];
	uint64_t v = 0;

	if (f.len == 0)
		return 0;
	snprintf(allowed, sizeof(allowed), "0 to %u, or empty: it runs", (1u << s->ind_bits) - 1);
	if (read_number(&v, f, 10, (1u << s->ind_bits) - 1) < 0)
		return wrong_value(r, "no index", allowed);
	s->ind = (int)v;
	return 0;
}

static int read_guss(struct csv_subscriber *s, struct span f, const struct reading *r)
{
	if (f.len > CSV_PATH_MAX)
		return wrong_value(r, "path too long", "at most 1024 octets");
	s->guss = f;
	s->guss_at = r->place->at;
	return 0;
}

static int (*const readers[CSV_COLUMNS])(struct csv_subscriber *s, struct span f, const struct reading *r) = {
	/* in the order they are read: impi before imsi, op before opc, ind-length before ind */
	[CSV_IMPI] = read_impi,
	[CSV_IMSI] = read_imsi,
	[CSV_ALGORITHM] = read_algorithm,
	[CSV_K] = read_k,
	[CSV_SEALED] = read_sealed,
	[CSV_OP] = read_op,
	[CSV_OPC] = read_opc,
	[CSV_RES_LENGTH] = read_res_length,
	[CSV_ROUNDS] = read_rounds,
	[CSV_AMF] = read_amf,
	[CSV_IND_LENGTH] = read_ind_length,
	[CSV_SQN] = read_sqn,
	[CSV_SQN_PROFILE] = read_sqn_profile,
	[CSV_IND] = read_ind,
	[CSV_GUSS] = read_guss,
};

int csv_value_read(struct csv_subscriber *s, enum csv_column c, struct span field, const struct csv_options *o,
		   struct csv_place *p, struct err *err)
{
	const struct reading r = { o, p, err };

	return readers[c](s, field, &r);
}
