/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "common/crypto/aka_algorithm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/crypto/aka_xor.h"
#include "common/crypto/milenage.h"
#include "common/crypto/tuak.h"

static int row_milenage_opc(struct secret *opc, const struct aka_cred *c, const struct secret *op)
{
	return milenage_opc(opc, &c->k, op);
}

/* What AKA can carry: AUTN has 8 octets of MAC, Ks is CK || IK of 32. */
static struct tuak_sizes tuak_sizes_of(const struct aka_cred *c)
{
	return (struct tuak_sizes){
		.mac = AKA_MAC_LEN,
		.res = aka_algorithm_res_len(c),
		.ck = AKA_KEY_LEN,
		.ik = AKA_KEY_LEN,
		.rounds = c->rounds ? c->rounds : 1,
	};
}

static int row_tuak_opc(struct secret *opc, const struct aka_cred *c, const struct secret *op)
{
	return tuak_topc(opc, &c->k, op, c->rounds ? c->rounds : 1);
}

static int row_tuak_f1(uint8_t mac_a[8], uint8_t mac_s[8], const struct aka_cred *c, const uint8_t rand[16],
		       const uint8_t sqn[6], const uint8_t amf[2])
{
	const struct tuak_sizes size = tuak_sizes_of(c);

	return tuak_f1(mac_a, mac_s, &c->k, &c->opc, &size, rand, sqn, amf);
}

static int row_tuak_f2345(struct secret *res, struct secret *ck, struct secret *ik, uint8_t ak[6], uint8_t ak_star[6],
			  const struct aka_cred *c, const uint8_t rand[16])
{
	const struct tuak_sizes size = tuak_sizes_of(c);

	return tuak_f2345(res, ck, ik, ak, ak_star, &c->k, &c->opc, &size, rand);
}

static const struct aka_algorithm rows[AKA_KINDS] = {
	[AKA_MILENAGE] = {
		.name = "milenage", .k_len = { 16 }, .op_len = 16, .res_len = { 8 }, .specified = "TS 35.206 4.1",
		.opc = row_milenage_opc, .f1 = milenage_f1, .f2345 = milenage_f2345,
	},
	[AKA_TUAK] = {
		.name = "tuak", .k_len = { 16, 32 }, .op_len = TUAK_OP_LEN, .res_len = { 8, 4, 16 },
		.has_rounds = true, .specified = "TS 35.231 6",
		.opc = row_tuak_opc, .f1 = row_tuak_f1, .f2345 = row_tuak_f2345,
	},
	[AKA_XOR] = {
		.name = "xor", .k_len = { 16 }, .res_len = { 16, 4, 8 }, .test_only = true,
		.specified = "TS 34.108 8.1.2", .f1 = aka_xor_f1, .f2345 = aka_xor_f2345,
	},
};

const struct aka_algorithm *aka_algorithm_of(const struct aka_cred *c)
{
	return &rows[c->kind];
}

int aka_algorithm_find(enum aka_kind *kind, const char *name, size_t len)
{
	for (int k = 0; k < AKA_KINDS; k++) {
		if (strlen(rows[k].name) == len && strncasecmp(rows[k].name, name, len) == 0) {
			*kind = (enum aka_kind)k;
			return 0;
		}
	}
	return -ENOENT;
}

const char *aka_algorithm_names(bool allow_test)
{
	return allow_test ? "milenage, tuak, xor" : "milenage, tuak";
}

uint8_t aka_algorithm_res_len(const struct aka_cred *c)
{
	return c->res_len ? c->res_len : rows[c->kind].res_len[0];
}

static bool is_among(const uint8_t *lens, size_t n, size_t len)
{
	for (size_t i = 0; i < n && lens[i]; i++) {
		if (lens[i] == len)
			return true;
	}
	return false;
}

/* What is wrong first, or NULL. */
static const char *misfit(const struct aka_cred *c, size_t op_len)
{
	const struct aka_algorithm *a = &rows[c->kind];

	if (!is_among(a->k_len, sizeof(a->k_len), c->k.len))
		return "k";
	if (op_len != a->op_len)
		return "op";
	if (!is_among(a->res_len, sizeof(a->res_len), aka_algorithm_res_len(c)))
		return "res";
	return c->rounds && !a->has_rounds ? "rounds" : NULL;
}

bool aka_algorithm_fits(const struct aka_cred *c)
{
	return c->kind < AKA_KINDS && !misfit(c, c->opc.len);
}

/* "4, 8 or 16", in octets times scale. */
static void list(char *out, size_t cap, const uint8_t *lens, size_t n, unsigned scale)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n && lens[i] && used < cap; i++)
		used += (size_t)snprintf(out + used, cap - used, "%s%u",
					 i == 0                     ? ""
					 : i + 1 < n && lens[i + 1] ? ", "
								    : " or ",
					 lens[i] * scale);
}

int aka_algorithm_check(const struct aka_cred *c, size_t op_len, struct err *err)
{
	const struct aka_algorithm *a = &rows[c->kind];
	const char *what = misfit(c, op_len);
	char lens[40];

	if (!what)
		return 0;
	if (strcmp(what, "k") == 0) {
		list(lens, sizeof(lens), a->k_len, sizeof(a->k_len), 8);
		return err_set(err, -EINVAL, "K of %u bits; allowed with %s: %s", c->k.len * 8u, a->name, lens);
	}
	if (strcmp(what, "op") == 0 && !a->op_len)
		return err_set(err, -EINVAL, "op or opc; allowed with %s: none, it has no OP", a->name);
	if (strcmp(what, "op") == 0)
		return err_set(err, -EINVAL, "op or opc of %zu bits; allowed with %s: %u", op_len * 8, a->name,
			       a->op_len * 8u);
	if (strcmp(what, "rounds") == 0)
		return err_set(err, -EINVAL, "keccak rounds; allowed with tuak only");
	list(lens, sizeof(lens), a->res_len, sizeof(a->res_len), 8);
	return err_set(err, -EINVAL, "RES of %u bits; allowed with %s: %s", c->res_len * 8u, a->name, lens);
}

int aka_opc_make(struct secret *opc, const struct aka_cred *c, const struct secret *op)
{
	const struct aka_algorithm *a = &rows[c->kind];

	if (!a->opc || misfit(c, op->len))
		return -EINVAL;
	return a->opc(opc, c, op);
}
