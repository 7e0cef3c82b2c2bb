/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file mem.h
 *  Inside the back end in memory: three hash tables of 256 stripes, a lock per stripe, copy in and copy out. Locks are taken
 *  in the order identity, session, TMPI. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "bsf/store/backend.h"
#include "bsf/store/challenges.h"

#define MEM_STRIPES 256
#define MEM_BUCKETS 256 /* per stripe */

struct mem_session_node {
	struct mem_session_node *next;
	bool revoked; /* tombstone: Ks is wiped, expires_at still holds */
	struct gba_session s;
};

struct mem_session_ref {
	struct mem_session_ref *next;
	uint8_t rand[AKA_RAND_LEN];
	char bsf_name[BSF_NAME_MAX + 1];
};

struct mem_identity_node {
	struct mem_identity_node *next;
	struct mem_session_ref *sessions;
	bool has_tmpi; /* stays when its session is over (33.220 4.4.13) */
	uint8_t tmpi[TMPI_LEN];
	struct impi impi;
};

struct mem_tmpi_node {
	struct mem_tmpi_node *next;
	uint8_t tmpi[TMPI_LEN];
	int64_t until_s;
	struct impi impi;
};

struct mem_session_stripe {
	pthread_mutex_t lock;
	struct mem_session_node *buckets[MEM_BUCKETS];
};

struct mem_identity_stripe {
	pthread_mutex_t lock;
	struct mem_identity_node *buckets[MEM_BUCKETS];
};

struct mem_tmpi_stripe {
	pthread_mutex_t lock;
	struct mem_tmpi_node *buckets[MEM_BUCKETS];
};

struct store_mem {
	struct store_shared sh; /* must be first */
	struct challenges *challenges;
	uint64_t seed; /* of the IMPI hash */
	atomic_uint sweep_at;
	_Atomic uint64_t sessions, tmpis, puts, swept;
	struct mem_session_stripe by_rand[MEM_STRIPES];
	struct mem_identity_stripe by_impi[MEM_STRIPES];
	struct mem_tmpi_stripe by_tmpi[MEM_STRIPES];
};

/* store/mem_session.c: sessions under their RAND */
void mem_session_node_free(struct mem_session_node *n);
/*! \returns 0; -EEXIST this RAND is there already, n is still the caller's */
int mem_session_add(struct store_mem *m, struct mem_session_node *n);
/*! \param[in] tombstone remove also what was revoked. \returns is it gone? */
bool mem_session_remove(struct store_mem *m, const uint8_t *rand, bool tombstone);
/*! \returns 0 and a copy in out; -ENOENT */
int mem_session_get(struct store_mem *m, const struct btid *id, struct gba_session *out);
/*! \param[in] domain NULL: any. \returns 1 if a session that still counted was revoked */
unsigned mem_session_revoke(struct store_mem *m, const uint8_t *rand, const char *domain);
void mem_session_guss(struct store_mem *m, const uint8_t *rand, struct store_req *r, int64_t when);
/*! The first session of a stripe that is over. \param[in] beyond an expiry later than this is none */
bool mem_session_expired(struct mem_session_stripe *st, int64_t now, int64_t beyond, struct impi *impi, uint8_t *rand);

/* store/mem_identity.c: who has which sessions, and which TMPI */
/*! \returns 0; -EEXIST this RAND is there; -ENOSPC no memory */
int mem_identity_put(struct store_mem *m, const struct gba_session *s);
int mem_identity_by_tmpi(struct store_mem *m, const uint8_t *tmpi, struct impi *out);
/*! \returns sessions revoked */
unsigned mem_identity_revoke(struct store_mem *m, const char *impi);
/*! Forget the TMPIs of a stripe that are over. */
void mem_identity_sweep(struct store_mem *m, struct mem_tmpi_stripe *st, int64_t now);
void mem_identity_guss(struct store_mem *m, struct store_req *r);
/*! Forget a session that is over; its identity stays as long as it has a TMPI or another session. */
void mem_identity_forget(struct store_mem *m, const struct impi *impi, const uint8_t *rand);
void mem_identity_free(struct mem_identity_node *id);
