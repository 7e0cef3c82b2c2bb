/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file record.h
 *  A session as it lies on a disk: a head in clear, by which indexes are built and what is over is found without
 *  opening anything, and the sealed session. The RAND is the key beside it; RAND and head are bound to the sealed part.
 *
 *    kind 1 | expires_at 6 | tag of IMPI 12 | tag of BSF name 4 | tag of TMPI 8 |
 *    sealed session (seal.h, gba_session_pack())
 *
 *  The tags of IMPI and BSF name are HMACs under the index key, so they name nobody; the tag of a TMPI is its
 *  beginning, which is a key derivation's output and says nothing either. 136 octets for 3GPP names without GUSS and
 *  TMPI. */
#pragma once

#include "bsf/store/gba_session.h"
#include "common/crypto/seal.h"

#define RECORD_HEAD_LEN     31
#define RECORD_IMPI_TAG_LEN 12
#define RECORD_MAX          (RECORD_HEAD_LEN + SEAL_OVERHEAD_MAX + GBA_RECORD_MAX)

enum record_kind {
	RECORD_SESSION = 1,
	RECORD_TOMBSTONE = 2, /* revoked; until expires_at. With a TMPI: IMPI and TMPI without keys, else bare */
	RECORD_REMNANT = 3,   /* of a session that is over: IMPI and TMPI without keys (33.220 4.4.13) */
};

struct record_head {
	enum record_kind kind;
	int64_t expires_at;
	uint8_t impi_tag[RECORD_IMPI_TAG_LEN];
	uint32_t name_tag;
	uint64_t tmpi_tag; /* 0: no TMPI */
};

struct record_keys {
	struct seal *seal;
	struct secret index_key; /* RECORD_INDEX_LEN octets */
};

#define RECORD_INDEX_LEN 32

/*! The index key as it lies sealed in a store. */
struct record_index {
	uint8_t sealed[RECORD_INDEX_LEN + SEAL_OVERHEAD_MAX];
	size_t len;
};

/*! Pure. \returns false: it cannot be one */
bool record_index_take(struct record_index *out, struct span value);
struct span record_index_span(const struct record_index *i);
/*! \param[in] bind of the store \returns 0; -EIO */
int record_index_seal(struct record_index *out, const struct record_keys *k, const char *bind);
/*! Open it into k. That it opens also tells a right KEK from a wrong one. \returns 0; -EBADMSG, -ENOKEY, and k is as it was */
int record_index_open(struct record_keys *k, struct span value, const char *bind);

/*! Pure. \returns 0; -EBADMSG */
int record_head_read(struct record_head *out, struct span value);

/*! Is it a session, and not over? \param[in] now_s Unix seconds */
bool record_head_lives(const struct record_head *h, int64_t now_s);

/*! \returns 0; -EIO */
int record_head_make(struct record_head *out, const struct record_keys *k, enum record_kind kind,
		     const struct gba_session *s);
int record_impi_tag(uint8_t out[RECORD_IMPI_TAG_LEN], const struct record_keys *k, const char *impi);
uint64_t record_tmpi_tag(const uint8_t tmpi[TMPI_LEN]);

/*! \param[in] s what is sealed; NULL: only the head is written (tombstone without a TMPI)
 *  \returns octets; -ENOSPC; -EINVAL; -EIO */
int record_write(uint8_t *out, size_t cap, const struct record_keys *k, const struct record_head *h,
		 const uint8_t rand[AKA_RAND_LEN], const struct gba_session *s);

/*! Open what is sealed. \param[out] out clear it after use; untouched on error
 *  \returns 0; -EBADMSG damaged or nothing sealed; -ENOKEY the KEK is not configured; -ENOMEM */
int record_read(struct gba_session *out, const struct record_keys *k, const uint8_t rand[AKA_RAND_LEN],
		struct span value);

/*! The same record, sealed anew under the first KEK. \returns octets; as seal_again(); -EBADMSG nothing sealed */
int record_reseal(uint8_t *out, size_t cap, const struct record_keys *k, const uint8_t rand[AKA_RAND_LEN],
		  struct span value);

/*! What is sealed in a value; empty: nothing. */
struct span record_sealed(struct span value);
