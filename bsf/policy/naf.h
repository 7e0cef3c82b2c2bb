/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file naf.h
 *  What one application server (NAF) may ask and is given: a value, however it came to be written: in a "naf" node of the
 *  configuration, or in a file of the policy directory (naf_text.h). What each word means stands once, in the table of naf_words.c.
 *  Immutable once published. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include "bsf/policy/names.h"
#include "common/base/err.h"
#include "common/rt/rate.h"

/*! Which keys it is given, `keys`. */
enum naf_keys {
	NAF_KEYS_BOTH, /* as 33.220 says: Ks_(ext_)NAF, and Ks_int_NAF for one that knows GBA_U and a card that can it */
	NAF_KEYS_ME,   /* Ks_(ext_)NAF only */
	NAF_KEYS_UICC,    /* Ks_int_NAF only; where there is none it is refused */
	NAF_KEYS_REFUSED, /* none: every BIR is refused */
};

#define NAF_WORDS_MAX 24 /* rows of naf_words, and some */

struct naf_policy {
	char *identity;              /* its Origin-Host */
	char *via;                   /* identity of the peer it comes over */
	struct names speaks_for;     /* FQDNs; "*.x" matches exactly one label more */
	struct names groups;         /* naf-group: of a service's USSs the first of these that has one (33.220 4.4.6) */
	bool private_identity;       /* may learn the IMPI (User-Name) */
	bool anonymous;              /* never gets IMPI or uid, whatever else is written and asked */
	struct names gsids;          /* gaa-service: USSs it may have; none: none */
	struct names required_gsids; /* uss-required: without them 5402, also if not asked for */
	uint8_t keys;                /* enum naf_keys */
	uint8_t variants;            /* 1u << enum gba_variant each: how Ks may have come to be; 0: GBA_ME and GBA_U */
	uint32_t key_uses_max;       /* key-uses-max: how often it is given a key of one Ks; 0: as often as it asks */
	uint32_t key_age_max_s;      /* key-age-max: of a Ks made longer ago there is no key; 0: as long as it lives */
	struct names
		ua_protocols; /* 10 hex digits, or the first of them and "*" (33.220 annex H); none: each that is valid */
	char *visited_network; /* the domain of the network it is in, whose Zn-Proxy answers for it; NULL: at home */
	uint32_t per_s;        /* rate: requests a second; 0: no limit */
	bool proxy; /* Zn-Proxy: what comes from it under a name that is no NAF of its own is its responsibility */
	uint16_t lines
		[NAF_WORDS_MAX]; /* of each row of naf_words: the line it first stood in; 0: it was typed, or is not written */
	struct rate *rate; /* the bucket of per_s, which outlives a policy; held. NULL: no limit */
	const char *
		source; /* what it was read from, for people: a file of the policy directory; NULL: the configuration. Lent */
	const char *refused; /* why all it asks is refused, for people; NULL: it is not. Lent */
};

/*! Frees what is in it. */
void naf_policy_clear(struct naf_policy *n);
/*! Deep, but for the rate, which is held once more, and what is lent. out is clear on error. \returns 0; -ENOMEM */
int naf_policy_copy(struct naf_policy *out, const struct naf_policy *n);

/*! Pure. Do its words contradict each other? \returns 0; -EINVAL and what is allowed */
int naf_policy_check(const struct naf_policy *n, struct err *err);

/*! Pure. \returns true: a Ks that came to be so may be used; variant: enum gba_variant */
bool naf_policy_variant(const struct naf_policy *n, unsigned variant);
/*! Pure. \param[in] ua 5 octets \returns true: keys for this Ua security protocol may be asked for; not whether it is a valid one */
bool naf_policy_ua(const struct naf_policy *n, const uint8_t ua[5]);
