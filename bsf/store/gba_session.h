/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file gba_session.h
 *  What the BSF keeps of a device: the challenge between 401 and answer, and the session (B-TID, Ks) afterwards.
 *  Plain structs, they cross threads; the GUSS is a reference-counted blob. */
#pragma once

#include <stdbool.h>
#include "common/crypto/aka.h"
#include "common/crypto/aka_digest.h"
#include "common/gba/btid.h"
#include "common/gba/gba_variant.h"
#include "common/gba/impi.h"
#include "common/gba/tmpi.h"

/* What a nonce of Ub decodes to: RAND || AUTN || server data (RFC 3310 3.2), or 16 random octets. */
#define NONCE_LEN         (AKA_RAND_LEN + AKA_AUTN_LEN) /* of AKA without server data */
#define CHALLENGE_KEY_MIN 16
#define CHALLENGE_KEY_MAX 64

/*! What is kept of a GUSS (common/gba/guss_copy.h; an older release kept the XML), immutable, shared by reference. */
struct guss_blob;
struct guss_blob *guss_blob_new(struct span kept);
/*! The same with its octets yet to be written. \returns NULL: no memory */
struct guss_blob *guss_blob_room(size_t len, uint8_t **xml);
struct guss_blob *guss_blob_get(struct guss_blob *b);  /* one reference more; b may be NULL */
void guss_blob_put(struct guss_blob *b);               /* b may be NULL */
struct span guss_blob_span(const struct guss_blob *b); /* empty if NULL */

/*! "GBA_ME", "GBA_U", "2G", "Digest"; NULL for what is none. */
const char *gba_variant_name(enum gba_variant v);

/*! A value: nothing in it points to the connection or to the request it was made for. */
struct gba_challenge {
	uint8_t key[CHALLENGE_KEY_MAX]; /* the decoded nonce; its first 16 octets name the run, and the B-TID later */
	size_t key_len;
	enum gba_variant variant;
	enum digest_hash hash; /* form of Digest: AKAv1-MD5 but for a device the operator has named */
	bool akav2;
	union {
		struct {
			struct secret
				xres; /* the password of the digest: RES as the device answers it, or what AKAv2 makes of it */
			struct secret ks; /* 32 octets */
			bool uicc_gba_u;  /* the GUSS says that the card can GBA_U, whatever the variant */
		} aka;                    /* ME, U */
	};
	struct impi impi;                /* whose vector it is */
	uint32_t hss;                    /* which HSS gave it, as a number; 0: not known */
	char username[IMPI_MAX + 1];     /* as on the wire: IMPI or TMPI */
	char bsf_name[BSF_NAME_MAX + 1]; /* realm of the 401 */
	char opaque[33];                 /* 32 hex digits and NUL */
	struct guss_blob *guss;          /* owned reference or NULL */
	int64_t key_life_s;              /* what the Ks will live, GUSS and configuration already weighed */
	int64_t created_at;              /* Unix seconds, for people */
	uint64_t expires_mono_ms;        /* CLOCK_MONOTONIC */
	int64_t made_ms;                 /* store_clock_ms() when it was put */
};

/*! How long a TMPI outlives its Ks at most (33.220 4.4.13: local policy), s: a device that comes back later sends its IMPI. */
#define STORE_TMPI_S (30ll * 86400)

struct gba_session {
	uint8_t rand[AKA_RAND_LEN]; /* with bsf_name: the B-TID */
	char bsf_name[BSF_NAME_MAX + 1];
	struct impi impi;
	enum gba_variant variant;
	struct secret ks;               /* 32 octets */
	int64_t created_at, expires_at; /* Unix seconds */
	int64_t made_ms;                /* of its challenge */
	uint16_t maker;                 /* the process that has put it, where several use the store; 0: any */
	bool has_tmpi;
	uint8_t tmpi[TMPI_LEN];
	struct guss_blob *guss; /* owned reference or NULL */
};

/*! Deep copy but for the blob, whose reference count grows. out must be clear. */
void gba_session_copy(struct gba_session *out, const struct gba_session *in);
void gba_session_clear(struct gba_session *s);
void gba_challenge_copy(struct gba_challenge *out, const struct gba_challenge *in);
void gba_challenge_clear(struct gba_challenge *c);

static inline struct span gba_challenge_key(const struct gba_challenge *c)
{
	return span_of(c->key, c->key_len);
}

/*! What is known of a packed session by what lies beside it. */
struct gba_session_known {
	int64_t expires_at;
	uint64_t tmpi_tag; /* the first 8 octets of its TMPI */
};

/*! An IMPI without the domain that 3GPP gives to operators, and whole again. \returns octets, no NUL */
size_t gba_impi_short(char out[IMPI_MAX + 1], const char *impi);
/*! \returns 0; -EBADMSG it is too long, or holds a NUL */
int gba_impi_whole(struct impi *out, struct span text);

/*! Compact binary form of a session, for sealing: version, variant, times, names, Ks, TMPI, GUSS. The RAND is the
 *  lookup key and stays outside, as does what is beside it in clear. About 79 octets with 3GPP names, 16 more with a TMPI, 2 with its maker, and the GUSS.
 *  \param[in] s ks has 32 octets, or none (what is kept of an expired session with a TMPI)
 *  \returns octets; -ENOSPC; -EINVAL Ks or times out of range */
#define GBA_RECORD_MAX 132096 /* GUSS_COPY_MAX and the rest */
int gba_session_pack(uint8_t *out, size_t cap, const struct gba_session *s);

/*! The same of a challenge, for sealing. Its key stays outside, and which HSS gave it: another process counts them
 *  otherwise. Its end is packed as it is: who packs it makes it one of a clock that who unpacks it has. \returns octets; -ENOSPC; -EINVAL times out of range */
int gba_challenge_pack(uint8_t *out, size_t cap, const struct gba_challenge *c);
/*! \param[out] out without key; untouched on error. \returns 0; -EBADMSG; -ENOMEM */
int gba_challenge_unpack(struct gba_challenge *out, const uint8_t *buf, size_t len);

/*! Pure but for the new blob. out is untouched on error; clear it after use.
 *  \param[in] len 0..any
 *  \returns 0; -EBADMSG; -ENOMEM */
int gba_session_unpack(struct gba_session *out, const uint8_t rand[AKA_RAND_LEN], const struct gba_session_known *known,
		       const uint8_t *buf, size_t len);
