/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/card/sim_cfg.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/hex.h"
#include "common/crypto/aka_algorithm.h"

/* What has been read; op and opc are told apart until the end. */
struct reading {
	struct sim_cfg cfg;
	struct secret op;
	bool algorithm_ok, allow_test;
};

static int set_imsi(struct reading *r, const char *value)
{
	size_t n = strspn(value, "0123456789");

	if (value[n] || n < 6 || n > 15)
		return -EINVAL;
	memcpy(r->cfg.imsi, value, n + 1);
	return 0;
}

static int set_mnc_length(struct reading *r, const char *value)
{
	if (strcmp(value, "2") != 0 && strcmp(value, "3") != 0)
		return -EINVAL;
	r->cfg.mnc_len = value[0] - '0';
	return 0;
}

/* Which length is right says the algorithm, when all is read. */
static int set_key(struct secret *key, const char *value)
{
	uint8_t octets[AKA_K_MAX];
	int rc = hex_decode(octets, sizeof(octets), value, strlen(value));

	rc = rc == AKA_KEY_LEN || rc == AKA_K_MAX ? secret_set(key, octets, (size_t)rc) : -EINVAL;
	OPENSSL_cleanse(octets, sizeof(octets));
	return rc;
}

static int set_k(struct reading *r, const char *value)
{
	return set_key(&r->cfg.cred.k, value);
}

static int set_op(struct reading *r, const char *value)
{
	return set_key(&r->op, value);
}

static int set_opc(struct reading *r, const char *value)
{
	return set_key(&r->cfg.cred.opc, value);
}

static int set_algorithm(struct reading *r, const char *value)
{
	r->algorithm_ok = aka_algorithm_find(&r->cfg.cred.kind, value, strlen(value)) == 0;
	return r->algorithm_ok ? 0 : -EINVAL;
}

static int set_allow_test(struct reading *r, const char *value)
{
	r->allow_test = strcmp(value, "yes") == 0;
	return r->allow_test ? 0 : -EINVAL;
}

/* \returns 0; -EINVAL no decimal number from min to max */
static int set_number(uint64_t *out, const char *value, uint64_t min, uint64_t max)
{
	size_t n = strspn(value, "0123456789");

	if (!n || n > 15 || value[n])
		return -EINVAL;
	*out = strtoull(value, NULL, 10);
	return *out >= min && *out <= max ? 0 : -EINVAL;
}

static int set_res_length(struct reading *r, const char *value)
{
	uint64_t bits = 0;
	int rc = set_number(&bits, value, 8, 8 * AKA_RES_MAX);

	r->cfg.cred.res_len = (uint8_t)(bits / 8);
	return rc == 0 && bits % 8 ? -EINVAL : rc;
}

static int set_rounds(struct reading *r, const char *value)
{
	uint64_t n = 0;
	int rc = set_number(&n, value, 1, 255);

	r->cfg.cred.rounds = (uint8_t)n;
	return rc;
}

static int set_ind_length(struct reading *r, const char *value)
{
	uint64_t bits = 0;
	int rc = set_number(&bits, value, 0, SQN_IND_BITS);

	r->cfg.limits.ind_bits = (uint8_t)bits;
	return rc;
}

static int set_sqn_delta(struct reading *r, const char *value)
{
	return set_number(&r->cfg.limits.delta, value, 1, SQN_SEQ_MAX);
}

static int set_sqn_age(struct reading *r, const char *value)
{
	return set_number(&r->cfg.limits.age, value, 1, SQN_SEQ_MAX);
}

static int set_state_file(struct reading *r, const char *value)
{
	if (strlen(value) >= sizeof(r->cfg.state_file))
		return -EINVAL;
	strcpy(r->cfg.state_file, value);
	return 0;
}

static int set_gba(struct reading *r, const char *value)
{
	r->cfg.gba_u = strcmp(value, "u") == 0;
	return r->cfg.gba_u || strcmp(value, "me") == 0 ? 0 : -EINVAL;
}

static int set_mac_star(struct reading *r, const char *value)
{
	r->cfg.mac_star = strcmp(value, "sha256") == 0 ? GBA_U_SHA256 : GBA_U_SHA1;
	return r->cfg.mac_star == GBA_U_SHA256 || strcmp(value, "sha1") == 0 ? 0 : -EINVAL;
}

static int set_digits(char *out, const char *value, size_t min, size_t max)
{
	size_t n = strspn(value, "0123456789");

	if (value[n] || n < min || n > max)
		return -EINVAL;
	memcpy(out, value, n + 1);
	return 0;
}

static int set_iccid(struct reading *r, const char *value)
{
	return set_digits(r->cfg.iccid, value, 18, 20);
}

static int set_pin(struct reading *r, const char *value)
{
	return set_digits(r->cfg.pin, value, 4, 8);
}

static int set_puk(struct reading *r, const char *value)
{
	return set_digits(r->cfg.puk, value, 8, 8);
}

static int set_impi(struct reading *r, const char *value)
{
	return impi_parse(&r->cfg.impi, (const uint8_t *)value, strlen(value));
}

static int set_domain(struct reading *r, const char *value)
{
	if (!fqdn_valid(span_str(value), BSF_NAME_MAX))
		return -EINVAL;
	strcpy(r->cfg.domain, value);
	return 0;
}

static int set_size(unsigned *out, const char *value, unsigned min)
{
	size_t n = strspn(value, "0123456789");
	unsigned long v = n && n < 4 && !value[n] ? strtoul(value, NULL, 10) : 0;

	if (v < min || v > 254)
		return -EINVAL;
	*out = (unsigned)v;
	return 0;
}

static int set_gbabp(struct reading *r, const char *value)
{
	return set_size(&r->cfg.gbabp_len, value, 105);
}

static int set_gbanl(struct reading *r, const char *value)
{
	return set_size(&r->cfg.gbanl_len, value, 108);
}

static const struct {
	const char *word;
	int (*set)(struct reading *r, const char *value);
	const char *allowed;
} words[] = {
	{ "imsi", set_imsi, "6 to 15 digits" },
	{ "mnc-length", set_mnc_length, "2 or 3" },
	{ "k", set_k, "32 hexadecimal digits, 64 with some TUAK" },
	{ "op", set_op, "32 hexadecimal digits, 64 with some TUAK" },
	{ "opc", set_opc, "32 hexadecimal digits, 64 with some TUAK" },
	{ "algorithm", set_algorithm, "milenage, tuak, and with allow-test-algorithms yes xor" },
	{ "allow-test-algorithms", set_allow_test, "yes" },
	{ "res-length", set_res_length, "bits, as the algorithm has them" },
	{ "rounds", set_rounds, "1 to 255" },
	{ "ind-length", set_ind_length, "0 to 5 bits" },
	{ "sqn-delta", set_sqn_delta, "1 to 8796093022207" },
	{ "sqn-age", set_sqn_age, "1 to 8796093022207" },
	{ "state-file", set_state_file, "a path, relative to this file" },
	{ "gba", set_gba, "me (the device keeps the keys) or u (the card does)" },
	{ "mac-star", set_mac_star, "sha1 or sha256" },
	{ "iccid", set_iccid, "18 to 20 digits" },
	{ "impi", set_impi, "user@domain" },
	{ "domain", set_domain, "a DNS name" },
	{ "pin", set_pin, "4 to 8 digits" },
	{ "puk", set_puk, "8 digits" },
	{ "gbabp-length", set_gbabp, "105 to 254" },
	{ "gbanl-record", set_gbanl, "108 to 254" },
};

/* The value is never repeated in the reason: it may be K. */
static int read_word(struct reading *r, char *line, const char *path, int n, struct err *err)
{
	char *word = strtok(line, " \t\r\n"), *value = strtok(NULL, " \t\r\n");

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i].word) != 0)
			continue;
		if (!value || strtok(NULL, " \t\r\n") || words[i].set(r, value) < 0)
			return err_set(err, -EINVAL, "%s:%d: %s: allowed is %s", path, n, word, words[i].allowed);
		return 0;
	}
	/* a long one may be a key whose name was forgotten */
	return err_set(
		err, -EINVAL,
		"%s:%d: unknown word '%s'; allowed: imsi, mnc-length, k, op, opc, algorithm, state-file, gba, mac-star and what gba-ue(1) and gba-vuicc(1) have",
		path, n, strlen(word) > 12 ? "..." : word);
}

static int read_lines(struct reading *r, FILE *f, const char *path, struct err *err)
{
	char line[5000];
	bool in_usim = false;
	int rc = 0;

	for (int n = 1; rc == 0 && fgets(line, sizeof(line), f); n++) {
		const char *p = line + strspn(line, " \t\r\n");

		if (!*p || *p == '!')
			continue;
		if (line[0] != ' ') {
			in_usim = strncmp(line, "usim", 4) == 0 && line[4 + strspn(line + 4, " \t\r\n")] == '\0';
			if (!in_usim)
				rc = err_set(err, -EINVAL,
					     "%s:%d: allowed here is 'usim', its words indented by one blank", path, n);
		} else if (!in_usim) {
			rc = err_set(err, -EINVAL, "%s:%d: words of a card stand below a line 'usim'", path, n);
		} else {
			rc = read_word(r, line + 1, path, n, err);
		}
	}
	OPENSSL_cleanse(line, sizeof(line));
	return rc;
}

static int sim_algorithm_complete(struct reading *r, const char *path, struct err *err)
{
	struct aka_cred *c = &r->cfg.cred;
	const struct aka_algorithm *a = aka_algorithm_of(c);
	struct err why = { "" };

	if (a->test_only && !r->allow_test)
		return err_set(err, -EINVAL,
			       "%s: algorithm: %s is for tests and protects nothing; allowed where it is wanted: a line"
			       " allow-test-algorithms yes",
			       path, a->name);
	if (a->op_len && !r->op.len == !c->opc.len)
		return err_set(err, -EINVAL, "%s: exactly one of op and opc is needed", path);
	if (aka_algorithm_check(c, r->op.len ? r->op.len : c->opc.len, &why) < 0)
		return err_set(err, -EINVAL, "%s: %s", path, why.text);
	if (r->op.len && aka_opc_make(&c->opc, c, &r->op) < 0)
		return err_set(err, -EIO, "%s: OPc cannot be computed", path);
	return 0;
}

static int sim_complete(struct reading *r, const char *path, struct err *err)
{
	struct sim_cfg *c = &r->cfg;

	if (!c->imsi[0] || !c->mnc_len || !c->cred.k.len || !c->state_file[0] || !r->algorithm_ok)
		return err_set(err, -EINVAL, "%s: imsi, mnc-length, k, algorithm and state-file are needed", path);
	return sim_algorithm_complete(r, path, err);
}

static int absolute_state_file(struct sim_cfg *c, const char *path, struct err *err)
{
	char folder[PATH_MAX], joined[PATH_MAX + sizeof(c->state_file)];

	if (c->state_file[0] == '/')
		return 0;
	if (strlen(path) >= sizeof(folder))
		return err_set(err, -EINVAL, "%s: path too long", path);
	strcpy(folder, path);
	snprintf(joined, sizeof(joined), "%s/%s", dirname(folder), c->state_file);
	if (strlen(joined) >= sizeof(c->state_file))
		return err_set(err, -EINVAL, "%s: state-file: path too long", path);
	strcpy(c->state_file, joined);
	return 0;
}

int sim_cfg_read(struct sim_cfg *out, const char *path, struct err *err)
{
	struct reading r = { .cfg.limits = { .delta = SQN_DELTA, .ind_bits = SQN_IND_BITS } };
	char buf[4096];
	struct stat st;
	FILE *f = fopen(path, "re");
	int rc;

	if (!f)
		return err_set(err, errno == ENOENT ? -ENOENT : -EACCES, "%s: %s", path, strerror(errno));
	setvbuf(f, buf, _IOFBF, sizeof(buf)); /* ours, so that it can be wiped */
	if (fstat(fileno(f), &st) < 0 || (st.st_mode & 077))
		rc = err_set(err, -EACCES, "%s: holds K and is readable or writable by others; do: chmod 600 %s", path,
			     path);
	else
		rc = read_lines(&r, f, path, err);
	fclose(f);
	OPENSSL_cleanse(buf, sizeof(buf));
	if (rc == 0)
		rc = sim_complete(&r, path, err);
	if (rc == 0)
		rc = absolute_state_file(&r.cfg, path, err);
	if (rc == 0)
		*out = r.cfg;
	OPENSSL_cleanse(&r, sizeof(r));
	return rc;
}

void sim_cfg_clear(struct sim_cfg *c)
{
	OPENSSL_cleanse(c, sizeof(*c));
}
