/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file naf_ks.h
 *  The keys a NAF holds: per B-TID and NAF_Id, bounded in number and by their life (TS 33.220 4.5.3), and beside them,
 *  bounded apart, the B-TIDs the BSF has refused, so that an old B-TID sent again and again costs the BSF one question.
 *  Thread-safe; nothing waits here. In a child the keys are gone, by the kernel, and nothing of it may be called. */
#pragma once

#include "common/gba/btid.h"
#include "common/gba/naf_id.h"
#include "gba/naf.h"

/*! Instants of one request: what the wire says is wall clock, what is ours is monotonic. */
struct naf_now {
	int64_t wall_s;  /* Unix time */
	int64_t mono_ms; /* CLOCK_MONOTONIC */
};

#define NAF_TIME_NONE \
	INT64_MIN /* expires_at, created_at of a key on its way here: the BSF did not say. 0 is an instant */

#define NAF_KS_ID_MAX (BTID_RAND_LEN + BSF_NAME_MAX + 1 + NAF_ID_MAX + 1 + GBA_NAF_SOURCE_MAX)

/*! RAND, domain in lower case, NUL, NAF_Id: however the domain is spelt, it is the same key. Of what one source was refused
 *  also a NUL and the source. */
struct naf_ks_id {
	size_t len;
	uint8_t b[NAF_KS_ID_MAX];
};

void naf_ks_id_make(struct naf_ks_id *out, const struct btid *btid, const struct naf_id *naf_id);
int naf_ks_id_cmp(const struct naf_ks_id *a, const struct naf_ks_id *b);

struct naf_ks_cfg {
	unsigned keys, refusals; /* bounds, at least 1 */
	unsigned refusal_s;
	unsigned age_max_s; /* 0: none */
	unsigned
		recheck_s; /* no key is used that the BSF has confirmed longer ago, if it can be asked. 0: never asked again */
	unsigned renew_s; /* a device is told so long before the end of its key. 0: not */
};

/*! What naf_ks_get() says of a key besides. Said once: the next time is half of recheck_s later. */
#define NAF_KS_DUE 1 /* half of recheck_s is over: ask the BSF again, and use the key meanwhile */
#define NAF_KS_OLD 2 /* all of it is, and nobody came in between: ask first */

struct naf_ks;

/*! After naf_fork_init(). \returns new object for naf_ks_free(), or NULL: no memory */
struct naf_ks *naf_ks_new(const struct naf_ks_cfg *cfg);
void naf_ks_free(struct naf_ks *ks);

/*! \param[in] source who asks, or p NULL; of a longer one the first GBA_NAF_SOURCE_MAX octets
 *  \param[out] out   a copy for naf_key_clear(); untouched on error
 *  \returns 0, NAF_KS_DUE, NAF_KS_OLD; -EAGAIN nothing known: ask the BSF; -EKEYEXPIRED; or what naf_ks_refuse() was told (-ENOENT, -EPERM);
 *           -ENOMEM */
int naf_ks_get(struct naf_ks *ks, const struct naf_ks_id *id, struct span source, const struct naf_now *now,
	       struct gba_naf_key *out);

/*! Keep what the BSF gave; takes *key (contents move). The expiry in *key is first brought to our own limit; NAF_TIME_NONE is
 *  allowed in both its times.
 *  \param[out] out a copy as of naf_ks_get(), also when it cannot be kept
 *  \returns 0; -EKEYEXPIRED over already; -ENOMEM */
int naf_ks_put(struct naf_ks *ks, const struct naf_ks_id *id, const struct naf_now *now, struct gba_naf_key *key,
	       struct gba_naf_key *out);

/*! The BSF has refused: remember rc for refusal_s. An unknown B-TID (-ENOENT) may become a known one, and a stranger who
 *  has seen it on Ub may ask before its owner: that is remembered for this source only, and not at all for none. */
void naf_ks_refuse(struct naf_ks *ks, const struct naf_ks_id *id, struct span source, const struct naf_now *now,
		   int rc);

/*! The BSF does not know it (any more): the key goes. */
void naf_ks_forget(struct naf_ks *ks, const struct naf_ks_id *id);

/*! What is known of a B-TID for any NAF_Id goes, or every key with this uid in its USSs. \param[in] btid or uid NULL
 *  \returns how many keys went */
unsigned naf_ks_drop(struct naf_ks *ks, const struct btid *btid, const char *uid);

/*! A wrong response was seen, or a right one. \returns wrong ones since the last right one; 0 if the key is gone */
unsigned naf_ks_failed(struct naf_ks *ks, const struct naf_ks_id *id);
void naf_ks_proved(struct naf_ks *ks, const struct naf_ks_id *id);

/*! Copy with its own uss_list. \returns 0; -ENOMEM (out untouched) */
int naf_key_copy(struct gba_naf_key *out, const struct gba_naf_key *in);

/*! Wipe and release what is inside. */
void naf_key_clear(struct gba_naf_key *key);

/*! Is this key, which the device has proved, about to be over, so that the device be told? True once for each key. */
bool naf_ks_ending(struct naf_ks *ks, const struct naf_ks_id *id, const struct naf_now *now);

/*! For tests: how many are held. */
void naf_ks_count(struct naf_ks *ks, unsigned *keys, unsigned *refusals);
