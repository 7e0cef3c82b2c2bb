/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file tls_cfg.h
 *  What a configuration says of TLS on Diameter: our certificate, and for each peer how it is protected. The commands are the
 *  same in all programs. Main thread. */
#pragma once

#include <openssl/types.h>
#include "common/base/err.h"
#include "common/dia/dia_hub.h"

struct vty;

#define TLS_CFG_NAMES 16

#define TLS_CFG_WORDS "tls certificate, tls key, tls ca"

/*! Files of the node "diameter", or of another one, as written and absolute. */
struct tls_cfg {
	char *certificate, *key, *ca;
	char *certificate_path, *key_path, *ca_path;
	int line;         /* of the first */
	const char *node; /* for messages, lent; NULL: diameter */
};

/*! "tls certificate FILE", "tls key FILE", "tls ca FILE" in this node; not live. \param[in] c lent, talloc object of ctx */
void tls_cfg_vty_init(struct tls_cfg *c, void *ctx, int node);
enum tls_cfg_file { TLS_CFG_CERTIFICATE, TLS_CFG_KEY, TLS_CFG_CA };
/*! For other nodes' commands of the same words. \param[in] ctx owns what is kept. \returns CMD_SUCCESS; CMD_WARNING, vty has been told why */
int tls_cfg_set(struct vty *vty, void *ctx, struct tls_cfg *c, enum tls_cfg_file which, const char *file);
#define TLS_CFG_HELP "TLS with peers: all three files, in PEM\n"
#define TLS_CFG_CERTIFICATE_HELP \
	TLS_CFG_HELP "Our certificate, then those between it and its CA\n" \
		     "Path, relative to this file\n"
#define TLS_CFG_KEY_HELP \
	TLS_CFG_HELP "Its key, without a passphrase, that only we may read\n" \
		     "Path, relative to this file\n"
#define TLS_CFG_CA_HELP \
	TLS_CFG_HELP "CAs whose certificates peers may have\n" \
		     "Path, relative to this file\n"
void tls_cfg_write(struct vty *vty, const struct tls_cfg *c);
/*! Is all of it there, or nothing? \returns 1 all; 0 nothing; -EINVAL and the reason */
int tls_cfg_check(const struct tls_cfg *c, struct err *err);
/*! Read the files. \param[in] name that our certificate must be for. \param[out] out NULL: nothing is written
 *  \returns 0; -errno and the reason */
int tls_cfg_open(SSL_CTX **out, const struct tls_cfg *c, const char *name, struct err *err);

/*! Of one peer. */
struct tls_peer {
	enum dia_hub_protection how; /* DIA_HUB_BEYOND_LOOPBACK: not written */
	struct tls_words {
		char *s[TLS_CFG_NAMES];
		size_t n;
	} names, keys; /* its certificate may have */
	bool cn;
};

#define TLS_PEER_HOW "(plain|tls|tls-after-cer)"
#define TLS_PEER_HOW_HELP \
	"How its connections are protected (default: by TLS, but plain on loopback)\n" \
	"By its address alone: who is in the way reads keys\n" \
	"By TLS from the first octet\n" \
	"By TLS after CER and CEA, as old peers do it (RFC 3588)\n"
#define TLS_PEER_NAME_HELP \
	"Name its certificate must have, in the place of its identity; several: one of them\n" \
	"dNSName\n"
#define TLS_PEER_KEY_HELP \
	"Public key that its certificate must be for, beside its name; several: one of them\n" \
	"sha256: and 64 hex digits, of SubjectPublicKeyInfo\n"
#define TLS_PEER_CN_HELP "Where its certificate has no dNSName the CN of its subject counts\n"

/*! \param[in] own our certificate, which there must be where TLS is written live. \param[in] word of TLS_PEER_HOW; NULL: it is not written
 *  \returns CMD_SUCCESS; CMD_WARNING, vty has been told why */
int tls_peer_set_how(struct vty *vty, struct tls_peer *p, const struct tls_cfg *own, const char *word);
/*! \param[in] ctx owns what is kept. \returns CMD_SUCCESS; CMD_WARNING, vty has been told why */
int tls_peer_add_name(struct vty *vty, void *ctx, struct tls_peer *p, const char *name);
int tls_peer_del_name(struct vty *vty, struct tls_peer *p, const char *name);
/*! \param[in] own as in tls_peer_set_how() */
int tls_peer_add_key(struct vty *vty, void *ctx, struct tls_peer *p, const struct tls_cfg *own, const char *key);
int tls_peer_del_key(struct vty *vty, struct tls_peer *p, const char *key);
bool tls_peer_is_written(const struct tls_peer *p);
/*! Without a certificate of ours, what stands against it? \param[in] beyond it comes from beyond loopback
 *  \returns words behind its name; NULL: nothing */
const char *tls_peer_needs(const struct tls_peer *p, bool beyond);
/*! For dia_hub_callbacks.security. \param[out] out lent by p */
void tls_peer_security(const struct tls_peer *p, struct dia_hub_security *out);
void tls_peer_write(struct vty *vty, const struct tls_peer *p);
