/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file harness.h
 *  Calls a store and waits for its answer; sessions and challenges to put in. */
#pragma once

#include <check.h>
#include <stdbool.h>
#include "bsf/store/store.h"

#define BSF_A "bsf.mnc001.mcc001.pub.3gppnetwork.org"
#define BSF_B "bsf.ims.mnc001.mcc001.pub.3gppnetwork.org"

/*! A store of one shard, on this thread. */
struct harness {
	struct store_shared *sh;
	struct store *st;
	uint64_t next_txn;
	/* the last answer */
	bool answered;
	uint64_t txn;
	struct store_answer a;
	struct gba_session session;
	struct gba_challenge challenge;
	struct store_spread spread;
	char impi[IMPI_MAX + 1];
};

/*! A fresh directory in TMPDIR; removed at exit. */
const char *temp_dir(void);
void temp_dir_remove(const char *dir);

void harness_open_mem(struct harness *h);
void harness_open_lmdb(struct harness *h, const char *dir, const struct store_lmdb_cfg *cfg);
/*! As harness_open_lmdb(), but it may fail. */
bool harness_try_lmdb(struct harness *h, const char *dir, const struct store_lmdb_cfg *cfg, struct err *err);
/*! Until its link is up. */
void harness_open_redis(struct harness *h, const struct store_redis_cfg *cfg);
void harness_close(struct harness *h);
/*! Turn the loop until the link of a shard is up, where it has one. */
void store_wait_up(struct store *st);
/*! Turn the loop until no link is up, and one says so in these words. */
void wait_why(struct harness *h, const char *words);
/*! One KEK as lmdb_cfg(), and deadlines for slow machines. */
struct store_redis_cfg redis_cfg(const struct sockaddr_storage *addr);

/*! A configuration with one KEK (id 1, octets 0x11) and a map of 1 GiB. */
extern const struct seal_kek kek_1, kek_2;
struct store_lmdb_cfg lmdb_cfg(void);

/* Each waits for the answer and returns its rc. A session that does not say when its challenge was made had it now. */
int put(struct harness *h, const struct gba_session *s);
int get(struct harness *h, const struct btid *id);
int use_again(struct harness *h, const struct gba_session *s, const char *naf);
/*! A session that is got first. \returns how often, that one too */
uint32_t use(struct harness *h, const struct btid *id, const char *naf);
int find_tmpi(struct harness *h, const uint8_t tmpi[TMPI_LEN]);
int revoke_impi(struct harness *h, const char *impi);
/*! \returns the GUSS that is kept, lent until the next call; NULL: none */
struct guss_blob *find_guss(struct harness *h, const char *impi);
/*! \param[in] guss taken */
int push_guss(struct harness *h, const char *impi, struct guss_blob *guss, uint64_t keep_ms);
int revoke_btid(struct harness *h, const struct btid *id);
int revoke_naf(struct harness *h, const char *fqdn);
int revoke_all(struct harness *h);
int reseal(struct harness *h, struct reseal_step *step);
int challenge_put(struct harness *h, const struct gba_challenge *c);
int challenge_put_counted(struct harness *h, const struct gba_challenge *c, const struct store_count *count);
int challenge_take(struct harness *h, const struct gba_challenge *c);

/*! A GUSS that does not deflate, the same each time. */
struct guss_blob *guss_noise(size_t len);
/*! A session of its own for each n: RAND, Ks and TMPI are made from n, times are now and now + 1000 s. */
struct gba_session session_make(unsigned n, const char *impi, const char *bsf_name, bool with_tmpi);
struct btid btid_of(const struct gba_session *s);
struct gba_challenge challenge_make(unsigned n, uint64_t life_ms);
void assert_same_session(const struct gba_session *got, const struct gba_session *want);
