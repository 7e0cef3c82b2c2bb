/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The small things an application does with a key, and the words for results. */
#include <errno.h>
#include <stdlib.h>

#include "common/base/b64.h"
#include "common/base/secret.h"
#include "common/crypto/kdf.h"
#include "common/gba/cause.h"
#include "common/gba/run_id.h"
#include "gba/naf.h"
#include "naf-lib/naf_ks.h"
#include "naf-lib/naf_sized.h"

_Static_assert(GBA_NAF_FINGERPRINT_LEN == KEY_FINGERPRINT_LEN, "one fingerprint everywhere");
_Static_assert(GBA_NAF_RUN_LEN == RUN_ID_LEN, "one name of a run everywhere");
_Static_assert(GBA_NAF_PASSWORD_LEN == B64_LEN(GBA_NAF_KEY_LEN), "base64 of the key");

void gba_naf_key_free(struct gba_naf_key *key)
{
	if (!key)
		return;
	naf_key_clear(key);
	free(key);
}

void gba_naf_key_fingerprint(const struct gba_naf_key *key, char out[GBA_NAF_FINGERPRINT_LEN + 1])
{
	SECRET_AUTO k = { 0 };

	out[0] = '\0';
	if (!key)
		return;
	secret_set(&k, key->key, GBA_NAF_KEY_LEN);
	if (key_fingerprint(out, &k) < 0)
		out[0] = '\0';
}

void gba_naf_key_password(const struct gba_naf_key *key, char out[GBA_NAF_PASSWORD_LEN + 1])
{
	out[0] = '\0';
	if (key)
		b64_encode(out, GBA_NAF_PASSWORD_LEN + 1, key->key, GBA_NAF_KEY_LEN);
}

static const enum cause names[GBA_NAF_CAUSE_COUNT] = {
	[GBA_NAF_CAUSE_OK] = CAUSE_naf_ok,
	[GBA_NAF_CAUSE_CHALLENGED] = CAUSE_naf_challenged,
	[GBA_NAF_CAUSE_SYNTAX] = CAUSE_naf_syntax,
	[GBA_NAF_CAUSE_URI_MISMATCH] = CAUSE_naf_uri_mismatch,
	[GBA_NAF_CAUSE_DOWNGRADE] = CAUSE_naf_downgrade,
	[GBA_NAF_CAUSE_NONCE_STALE] = CAUSE_naf_nonce_stale,
	[GBA_NAF_CAUSE_REPLAY] = CAUSE_naf_replay,
	[GBA_NAF_CAUSE_RESPONSE] = CAUSE_naf_response,
	[GBA_NAF_CAUSE_BTID_UNKNOWN] = CAUSE_naf_btid_unknown,
	[GBA_NAF_CAUSE_KEY_EXPIRED] = CAUSE_naf_key_expired,
	[GBA_NAF_CAUSE_BSF_FOREIGN] = CAUSE_naf_bsf_foreign,
	[GBA_NAF_CAUSE_NOT_AUTHORIZED] = CAUSE_naf_not_authorized,
	[GBA_NAF_CAUSE_BSF_DOWN] = CAUSE_naf_bsf_down,
	[GBA_NAF_CAUSE_BSF_ERROR] = CAUSE_naf_bsf_error,
	[GBA_NAF_CAUSE_KEY_ENDING] = CAUSE_naf_key_ending,
};

const char *gba_naf_cause_name(enum gba_naf_cause cause)
{
	return (unsigned)cause < GBA_NAF_CAUSE_COUNT ? cause_name(names[cause]) : "?";
}

const char *gba_naf_verdict_name(enum gba_naf_verdict verdict)
{
	static const char *const words[] = { "accept", "challenge", "deny", "temporary" };

	return (unsigned)verdict < sizeof(words) / sizeof(words[0]) ? words[verdict] : "?";
}

static const struct {
	int rc;
	enum gba_naf_verdict verdict;
	enum gba_naf_cause cause;
	const char *words;
} results[] = {
	{ 0, GBA_NAF_ACCEPT, GBA_NAF_CAUSE_OK, "key given" },
	{ -EINVAL, GBA_NAF_DENY, GBA_NAF_CAUSE_SYNTAX, "no B-TID, a host name that is not ours, or a NULL" },
	{ -ENOENT, GBA_NAF_CHALLENGE, GBA_NAF_CAUSE_BTID_UNKNOWN, "the BSF does not know this B-TID" },
	{ -EKEYEXPIRED, GBA_NAF_CHALLENGE, GBA_NAF_CAUSE_KEY_EXPIRED, "the life of the key is over" },
	{ -EREMOTE, GBA_NAF_DENY, GBA_NAF_CAUSE_BSF_FOREIGN, "B-TID of a BSF that is none of ours" },
	{ -EPERM, GBA_NAF_DENY, GBA_NAF_CAUSE_NOT_AUTHORIZED, "the BSF does not give us this key" },
	{ -EHOSTDOWN, GBA_NAF_TEMPORARY, GBA_NAF_CAUSE_BSF_DOWN, "no BSF connected" },
	{ -ETIMEDOUT, GBA_NAF_TEMPORARY, GBA_NAF_CAUSE_BSF_DOWN, "no answer of the BSF in time" },
	{ -EBUSY, GBA_NAF_TEMPORARY, GBA_NAF_CAUSE_BSF_DOWN, "too many questions to the BSF on their way" },
	{ -ECANCELED, GBA_NAF_TEMPORARY, GBA_NAF_CAUSE_BSF_DOWN, "the context was freed meanwhile" },
	{ -ECHILD, GBA_NAF_TEMPORARY, GBA_NAF_CAUSE_BSF_DOWN, "a fetch of the parent of this process" },
	{ -EPROTO, GBA_NAF_TEMPORARY, GBA_NAF_CAUSE_BSF_ERROR, "the BSF answered with an error" },
	{ -ENOMEM, GBA_NAF_TEMPORARY, GBA_NAF_CAUSE_BSF_ERROR, "no memory" },
};
#define N_RESULTS (sizeof(results) / sizeof(results[0]))

static size_t naf_key_find(int rc)
{
	size_t i = 0;

	while (i < N_RESULTS && results[i].rc != rc)
		i++;
	return i;
}

const char *gba_naf_strerror(int rc)
{
	size_t i = naf_key_find(rc);

	return i < N_RESULTS ? results[i].words : "unknown result";
}

enum gba_naf_verdict gba_naf_key_verdict(int rc, enum gba_naf_cause *cause)
{
	size_t i = naf_key_find(rc);

	if (cause)
		*cause = i < N_RESULTS ? results[i].cause : GBA_NAF_CAUSE_BSF_ERROR;
	return i < N_RESULTS ? results[i].verdict : GBA_NAF_TEMPORARY;
}
