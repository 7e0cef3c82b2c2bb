/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/card/sim_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "common/base/hex.h"
#include "common/crypto/kdf.h"

static void put_hex(struct writer *w, const char *word, const uint8_t *p, size_t len)
{
	char hex[2 * KDF_OUT_LEN + 1];

	hex_encode(hex, sizeof(hex), p, len);
	writer_printf(w, "%s %s\n", word, hex);
	OPENSSL_cleanse(hex, sizeof(hex));
}

void sim_state_put(struct writer *w, const struct sim *s)
{
	for (unsigned i = 0; i <= SQN_IND_MAX; i++)
		writer_printf(w, "%" PRIu64 "\n", s->sqn.seq[i]);
	if (!s->ks.len)
		return;
	put_hex(w, "ks", s->ks.b, s->ks.len);
	put_hex(w, "rand", s->gbabp.rand, AKA_RAND_LEN);
	if (s->gbabp.btid[0])
		writer_printf(w, "btid %s\n", s->gbabp.btid);
	if (s->gbabp.lifetime[0])
		writer_printf(w, "lifetime %s\n", s->gbabp.lifetime);
}

static int get_numbers(struct sim *s, const char **p)
{
	for (unsigned i = 0; i <= SQN_IND_MAX; i++) {
		char *end;

		errno = 0;
		s->sqn.seq[i] = strtoull(*p, &end, 10);
		if (end == *p || *end != '\n' || errno ||
		    s->sqn.seq[i] > sqn_seq_max(s->sqn.limits.delta ? s->sqn.limits.ind_bits : SQN_IND_BITS))
			return -EBADMSG;
		*p = end + 1;
	}
	return 0;
}

static int get_ks(struct sim *s, struct span v)
{
	uint8_t ks[KDF_OUT_LEN];
	int rc = hex_decode(ks, sizeof(ks), v.p, v.len) == KDF_OUT_LEN ? secret_set(&s->ks, ks, sizeof(ks)) : -EBADMSG;

	OPENSSL_cleanse(ks, sizeof(ks));
	return rc;
}

static int get_rand(struct sim *s, struct span v)
{
	s->gbabp.has_rand = true;
	return hex_decode(s->gbabp.rand, AKA_RAND_LEN, v.p, v.len) == AKA_RAND_LEN ? 0 : -EBADMSG;
}

static int get_btid(struct sim *s, struct span v)
{
	return span_to_str(s->gbabp.btid, sizeof(s->gbabp.btid), v);
}

static int get_lifetime(struct sim *s, struct span v)
{
	return span_to_str(s->gbabp.lifetime, sizeof(s->gbabp.lifetime), v);
}

static const struct {
	const char *word;
	int (*get)(struct sim *s, struct span value);
} lines[] = { { "ks ", get_ks }, { "rand ", get_rand }, { "btid ", get_btid }, { "lifetime ", get_lifetime } };

int sim_state_get(struct sim *s, const char **p)
{
	int rc = get_numbers(s, p);

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]) && rc == 0; i++) {
		size_t n = strlen(lines[i].word);
		const char *end = strchr(*p, '\n');

		if (strncmp(*p, lines[i].word, n) != 0)
			continue;
		if (!end)
			return -EBADMSG;
		rc = lines[i].get(s, span_of(*p + n, (size_t)(end - *p) - n));
		*p = end + 1;
	}
	return rc < 0 || !s->ks.len != !s->gbabp.has_rand ? -EBADMSG : 0;
}
