/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file cfg.h
 *  Configuration of gba-bsfd: what the file says, and the limits, which the VTY may change while shards read them. */
#pragma once

#include <stdint.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <osmocom/vty/command.h>
#include "bsf/policy/limits.h"
#include "bsf/policy/policy.h"
#include "bsf/store/store.h"
#include "common/base/err.h"
#include "common/crypto/seal.h"
#include "common/gba/btid.h"
#include "common/rt/tls_cfg.h"

struct vty;

#define BSF_NAMES_MAX  16
#define BSF_LISTEN_MAX 8
#define BSF_HSS_MAX    8
#define BSF_SHARDS_MAX 64
#define BSF_ID_MAX     255 /* characters of a Diameter identity */

struct bsf_listen {
	struct sockaddr_storage addr;
	char text[64]; /* "ADDRESS PORT" as written */
	bool tls;      /* from the first octet */
	int line;
};

struct bsf_hlr; /* run/hlr_cfg.h */
struct bsf_hss; /* run/hss_nodes.h */

enum bsf_store_kind { BSF_STORE_NONE, BSF_STORE_LMDB, BSF_STORE_MEMORY, BSF_STORE_REDIS };

/*! How we come to a Redis server, or to a Sentinel. */
struct bsf_redis_login {
	const char *command;           /* "redis ", "redis sentinel-" */
	char user[64];                 /* "": default */
	bool credential;               /* the password is one of systemd's */
	char *where;                   /* of the password, as written; NULL: none */
	char *path;                    /* absolute */
	char tls_name[BSF_ID_MAX + 1]; /* "": plain */
	int user_line, password_line, tls_line;
};

/*! "redis ..." of the node store. */
struct bsf_redis {
	struct bsf_listen at; /* without Sentinels */
	char sentinel_name[64];
	struct bsf_listen sentinels[STORE_SENTINELS_MAX];
	size_t n_sentinels;
	struct bsf_redis_login login, sentinel_login;
	int timeout_line, lease_line, grace_line, marks_line;
	char *marks_dir, *marks_path; /* as written, absolute; NULL: none */
	unsigned timeout_ms, lease_ms, grace_ms;
};

/*! A "naf" node while it is being written; becomes a struct naf_policy. */
struct naf_cfg;
struct peer_cfg;

struct bsf_cfg {
	char names[BSF_NAMES_MAX][BSF_NAME_MAX + 1];
	size_t n_names;
	unsigned shards; /* 0: max(1, cores - 2) */
	struct bsf_listen ub[BSF_LISTEN_MAX];
	size_t n_ub;
	char *ub_path; /* NULL: any */
	char identity[BSF_ID_MAX + 1], realm[BSF_ID_MAX + 1];
	struct bsf_listen dia[BSF_LISTEN_MAX];
	size_t n_dia;
	struct tls_cfg tls;
	struct bsf_hss *hss[BSF_HSS_MAX];
	size_t n_hss;
	struct bsf_hlr *hlr;    /* in the place of all of them; NULL: none */
	struct peer_cfg *peers; /* list, run/peer_cfg.c */
	struct naf_cfg *nafs;   /* list, run/naf_cfg.c */
	enum bsf_store_kind store;
	int store_line;
	char *lmdb_dir, *lmdb_path; /* as written, absolute */
	unsigned map_size_gib;
	struct bsf_redis redis;
	struct policy_form forms[POLICY_FORMS_MAX];
	size_t n_forms;
	struct limits limits;
	uint32_t connections_cap; /* what the descriptors allow; 0: as configured */
};

/*! The one configuration of this process; valid after bsf_cfg_init(). Shards read its limits, nothing else changes. */
extern struct bsf_cfg *bsf_cfg;

/*! Main thread, after vty_init(): defaults, nodes and commands. \returns 0; -ENOMEM */
int bsf_cfg_init(void *ctx);
void bsf_cfg_free(void);

/*! Read the file and look at it as a whole.
 *  \returns 0; -errno and in err the line to print ("FILE:LINE: what: ...; allowed: ...") */
int bsf_cfg_read(const char *path, struct err *err);
/*! What no single line can get wrong; also of what was changed while running. \returns as bsf_cfg_read() */
int bsf_cfg_check(struct err *err);

/* run/cfg_redis.c */
void bsf_redis_vty_init(void);
void bsf_redis_write(struct vty *vty);
/*! \returns 0; -EINVAL and the reason */
int bsf_redis_check(const struct bsf_cfg *c, struct err *err);
/*! Read the password. \param[out] out empty where none is configured; the caller wipes it \returns 0; -errno and the reason */
int bsf_redis_password(struct secret *out, const struct bsf_redis_login *l, struct err *err);

/* run/cfg_tls.c */
/*! What is said of TLS, as a whole: a peer that needs it, and no certificate. \returns 0; -EINVAL and the reason */
int bsf_tls_check(const struct bsf_cfg *c, struct err *err);
/*! Say who is beyond loopback without it. Once, at start. */
void bsf_tls_say_plain(const struct bsf_cfg *c);
void bsf_tls_vty_init(void);

/* run/cfg_limits.c */
static inline uint32_t bsf_limit(enum bsf_limit l)
{
	return limits_number(&bsf_cfg->limits, l);
}
/*! Connections we really serve: never written into the configuration, which is what the operator wants. */
static inline uint32_t bsf_connections(void)
{
	return bsf_cfg->connections_cap ? bsf_cfg->connections_cap : bsf_limit(LIM_CONNECTIONS);
}
void bsf_limits_default(struct bsf_cfg *c);
/*! Limits that contradict each other. \returns 0; -EINVAL, err: as cfg_error() */
int bsf_limits_check(struct err *err);
void bsf_limits_vty_init(void *ctx);
/*! Write the limits of one node that are not as by default or were set. */
void bsf_limits_write(struct vty *vty, int node);

/*! digest-form of the node ub (run/cfg_form.c). */
void bsf_form_vty_init(void);
void bsf_form_write(struct vty *vty);
/*! VTY nodes of this program. */
enum bsf_node {
	BSF_NODE_BSF = _LAST_OSMOVTY_NODE + 1,
	BSF_NODE_UB,
	BSF_NODE_DIAMETER,
	BSF_NODE_PEER,
	BSF_NODE_HSS,
	BSF_NODE_HLR,
	BSF_NODE_NAF,
	BSF_NODE_POLICY,
	BSF_NODE_STORE
};

void naf_cfg_vty_init(void); /* run/cfg_naf.c */
/* run/naf_cfg.c */
/*! A NAF that no address binds and that comes over no peer, that speaks for no name, or whose identity is another's.
 *  \returns 0; -EINVAL and the reason */
int naf_cfg_check(const struct bsf_cfg *c, struct err *err);
/*! Publish the policy that the peer and naf nodes make, and tell the Diameter node of it. \returns 0; -ENOMEM */
int naf_cfg_publish(const struct bsf_cfg *c);
/*! What that would publish. \returns policy_free() it; NULL no memory */
struct policy *naf_cfg_policy(const struct bsf_cfg *c);
/*! The same, and say is called with it and the former one, which may be NULL, before it is. */
int naf_cfg_publish_saying(const struct bsf_cfg *c, void (*say)(const struct policy *now, const struct policy *before));
/*! Whom naf_cfg_publish() tells; fn NULL: nobody. */
void naf_cfg_on_publish(void (*fn)(void *owner), void *owner);
void naf_cfg_free(struct bsf_cfg *c);
