/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "tools/keys_input.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"

#define NAME_SHOWN 12 /* an unknown name that is longer may be a key whose name was forgotten */

enum form { HEX, HEX_OR_TWICE, TEXT, IGNORED };

static const struct field {
	const char *name;
	enum form form;
	unsigned octets; /* of HEX: exactly that many; of HEX_OR_TWICE: that or twice; 0: 4 to 32 */
	bool secret;
	const char *what;
} fields[IN_COUNT] = {
	[IN_K] = { "k", HEX_OR_TWICE, 16, true, "subscriber key (twice as long with some TUAK)" },
	[IN_OP] = { "op", HEX_OR_TWICE, 16, true, "operator key; OPc is made from it (TUAK: TOP, twice as long)" },
	[IN_OPC] = { "opc", HEX_OR_TWICE, 16, true, "OPc itself, instead of op (TUAK: TOPc)" },
	[IN_CK] = { "ck", HEX, 16, true, "cipher key, with ik instead of k" },
	[IN_IK] = { "ik", HEX, 16, true, "integrity key" },
	[IN_KS] = { "ks", HEX, 32, true, "Ks, instead of all above" },
	[IN_RES] = { "res", HEX, 0, true, "response of the card, for HA1 without k" },
	[IN_RAND] = { "rand", HEX, 16, false, "random challenge" },
	[IN_SQN] = { "sqn", HEX, 6, false, "sequence number of the vector" },
	[IN_AMF] = { "amf", HEX, 2, false, "AMF of the vector; 0000 if not given" },
	[IN_AUTN] = { "autn", HEX, 16, false, "AUTN received, instead of sqn: is opened and checked" },
	[IN_AUTS] = { "auts", HEX, 14, false, "AUTS received: is opened and checked" },
	[IN_SQN_MS] = { "sqn-ms", HEX, 6, false, "sequence number of the card: gives an AUTS" },
	[IN_IMPI] = { "impi", TEXT, 0, false, "private identity" },
	[IN_IMSI] = { "imsi", TEXT, 0, false, "gives IMPI and BSF name, with mnc-length" },
	[IN_MNC_LENGTH] = { "mnc-length", TEXT, 0, false, "2 or 3" },
	[IN_BSF] = { "bsf", TEXT, 0, false, "BSF name as in the B-TID" },
	[IN_NAF] = { "naf", TEXT, 0, false, "host name of the application" },
	[IN_UA] = { "ua", HEX, 5, false, "Ua security protocol; 0100000002 (HTTP Digest) if not given" },
	[IN_ALGORITHM] = { "algorithm", TEXT, 0, false, "milenage, tuak or xor; milenage if not given" },
	[IN_RES_LENGTH] = { "res-length", TEXT, 0, false, "bits of RES; the algorithm's usual ones if not given" },
	[IN_ROUNDS] = { "rounds", TEXT, 0, false, "of TUAK: how often Keccak is applied; 1 if not given" },
	[IN_STATE_FILE] = { "state-file", IGNORED, 0, false, NULL },
	[IN_GBA] = { "gba", IGNORED, 0, false, NULL },
	[IN_MAC_STAR] = { "mac-star", IGNORED, 0, false, NULL },
};

static int keys_find(const char *name, size_t len)
{
	for (int i = 0; i < IN_COUNT; i++) {
		if (strlen(fields[i].name) == len && memcmp(fields[i].name, name, len) == 0)
			return i;
	}
	return -1;
}

static bool length_fits(const struct field *f, int n)
{
	if (!f->octets)
		return n >= 4 && n <= 32;
	return n == (int)f->octets || (f->form == HEX_OR_TWICE && n == 2 * (int)f->octets);
}

static void digits_of(const struct field *f, char *out, size_t size, const char *digits)
{
	if (f->form == HEX_OR_TWICE)
		snprintf(out, size, "%u or %u %s", 2 * f->octets, 4 * f->octets, digits);
	else if (f->octets)
		snprintf(out, size, "%u %s", 2 * f->octets, digits);
	else
		snprintf(out, size, "8 to 64 %s", digits);
}

/* \returns NULL, or what is allowed */
static const char *set(struct keys_input *in, int i, const char *value, char *allowed, size_t size)
{
	const struct field *f = &fields[i];
	struct keys_value *v = &in->v[i];
	uint8_t octets[SECRET_MAX];
	int n;

	if (f->form == IGNORED)
		return NULL;
	if (f->form == TEXT) {
		snprintf(allowed, size, "1 to %d characters", KEYS_TEXT_MAX - 1);
		if (!*value || strlen(value) >= sizeof(v->text))
			return allowed;
		strcpy(v->text, value);
		v->set = true;
		return NULL;
	}
	n = hex_decode(octets, sizeof(octets), value, strlen(value));
	if (!length_fits(f, n)) {
		digits_of(f, allowed, size, "hexadecimal digits");
		OPENSSL_cleanse(octets, sizeof(octets));
		return allowed;
	}
	secret_set(&v->octets, octets, (size_t)n);
	OPENSSL_cleanse(octets, sizeof(octets));
	v->set = true;
	return NULL;
}

static int read_line(struct keys_input *in, char *line, const char *path, int n, struct err *err)
{
	char *name = line + strspn(line, " \t"), *value, *end;
	char allowed[60];
	const char *bad;
	size_t len;
	int i;

	for (end = name + strlen(name); end > name && isspace((unsigned char)end[-1]);)
		*--end = '\0';
	if (!*name || *name == '!' || *name == '#' || strcmp(name, "usim") == 0)
		return 0;
	len = strcspn(name, " \t=");
	value = name + len + strspn(name + len, " \t");
	if (*value == '=')
		value += 1 + strspn(value + 1, " \t");
	i = keys_find(name, len);
	if (i < 0)
		return err_set(err, -EINVAL, "%s:%d: unknown name '%.*s'; gba-keys --help lists the names", path, n,
			       len > NAME_SHOWN ? 3 : (int)len, len > NAME_SHOWN ? "..." : name);
	if (in->v[i].set)
		return err_set(err, -EINVAL, "%s:%d: %s is given twice", path, n, fields[i].name);
	bad = set(in, i, value, allowed, sizeof(allowed));
	return bad ? err_set(err, -EINVAL, "%s:%d: %s: allowed is %s", path, n, fields[i].name, bad) : 0;
}

int keys_input_read(struct keys_input *in, FILE *f, const char *path, struct err *err)
{
	char line[1000];
	int rc = 0;

	for (int n = 1; rc == 0 && fgets(line, sizeof(line), f); n++)
		rc = read_line(in, line, path, n, err);
	OPENSSL_cleanse(line, sizeof(line));
	if (rc == 0 && ferror(f))
		rc = err_set(err, -EIO, "%s: %s", path, strerror(errno));
	return rc;
}

int keys_input_environment(struct keys_input *in, struct err *err)
{
	char name[40], allowed[60];
	const char *value, *bad;

	for (int i = 0; i < IN_COUNT; i++) {
		snprintf(name, sizeof(name), "GBA_%s", fields[i].name);
		for (char *p = name; *p; p++)
			*p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
		value = getenv(name);
		if (!value || in->v[i].set)
			continue;
		bad = set(in, i, value, allowed, sizeof(allowed));
		if (bad)
			return err_set(err, -EINVAL, "environment: %s: allowed is %s", name, bad);
	}
	return 0;
}

/* The dashes of --name=value and the case do not matter where a secret has to be recognised. */
static bool names_secret(const char *word)
{
	word += strspn(word, "-");
	for (int i = 0; i < IN_COUNT; i++) {
		size_t len = strlen(fields[i].name);

		if (fields[i].secret && strncasecmp(word, fields[i].name, len) == 0 && strchr("=: ", word[len]))
			return true;
	}
	return false;
}

int keys_input_word(struct keys_input *in, const char *word, struct err *err)
{
	const char *eq = strchr(word, '=');
	char allowed[60];
	const char *bad;
	int i;

	if (names_secret(word))
		return err_set(err, -EPERM,
			       "a secret on the command line is shown to everybody by ps and kept in the shell's"
			       " history: give it with --in FILE, on standard input or in the environment;"
			       " if this one was real, it is no secret any more");
	i = eq ? keys_find(word, (size_t)(eq - word)) : -1;
	if (i < 0)
		return err_set(err, -EINVAL,
			       "not understood: a word must be NAME=VALUE, with a name of gba-keys --help");
	bad = set(in, i, eq + 1, allowed, sizeof(allowed));
	return bad ? err_set(err, -EINVAL, "%s: allowed is %s", fields[i].name, bad) : 0;
}

void keys_input_describe(FILE *to)
{
	char form[24];

	for (int i = 0; i < IN_COUNT; i++) {
		const struct field *f = &fields[i];

		if (!f->what)
			continue;
		snprintf(form, sizeof(form), "text");
		if (f->form != TEXT)
			digits_of(f, form, sizeof(form), "hex digits");
		fprintf(to, "  %-11s %-19s %s%s\n", f->name, form, f->secret ? "SECRET: " : "", f->what);
	}
}
