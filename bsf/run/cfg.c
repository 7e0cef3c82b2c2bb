/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/cfg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <talloc.h>
#include "bsf/run/cfg_vty.h"
#include "bsf/run/hlr_cfg.h"
#include "bsf/run/hss_nodes.h"
#include "bsf/run/naf_load.h"
#include "bsf/run/peer_cfg.h"
#include "common/rt/kek_cfg.h"
#include "common/rt/cfg_file.h"

#define MAP_SIZE_GIB 64

int bsf_cfg_init(void *ctx)
{
	bsf_cfg = talloc_zero(ctx, struct bsf_cfg);
	if (!bsf_cfg)
		return -ENOMEM;
	bsf_cfg->map_size_gib = MAP_SIZE_GIB;
	bsf_limits_default(bsf_cfg);
	bsf_cfg_vty_init();
	bsf_limits_vty_init(ctx);
	bsf_form_vty_init();
	bsf_cfg_hss_vty_init();
	hlr_cfg_vty_init();
	peer_cfg_vty_init();
	naf_cfg_vty_init();
	naf_load_vty_init();
	bsf_tls_vty_init();
	bsf_redis_vty_init();
	return 0;
}

void bsf_cfg_free(void)
{
	if (!bsf_cfg)
		return;
	naf_cfg_free(bsf_cfg);
	hss_nodes_free(bsf_cfg);
	peer_cfg_free(bsf_cfg);
	talloc_free(bsf_cfg);
	bsf_cfg = NULL;
}

static int missing(struct err *err, const char *what, const char *allowed)
{
	return cfg_error(err, -EINVAL, 0, "%s; allowed: %s", what, allowed);
}

static int check_ports(const struct bsf_cfg *c, struct err *err)
{
	const struct bsf_listen *first[2] = { NULL };

	for (size_t i = 0; i < c->n_dia; i++) {
		const struct bsf_listen *l = &c->dia[i], **f = &first[l->tls];

		*f = *f ? *f : l;
		if (sockaddr_port(&l->addr) != sockaddr_port(&(*f)->addr))
			return cfg_error(err, -EINVAL, 0,
					 "diameter: listen %s has another port than listen %s; allowed: "
					 "several addresses, one port, and one for TLS",
					 l->text, (*f)->text);
	}
	return 0;
}

int bsf_cfg_check(struct err *err)
{
	const struct bsf_cfg *c = bsf_cfg;
	uint8_t keks[SEAL_KEKS_MAX];
	int rc;

	if (!c->n_names)
		return missing(err, "bsf: no name", "name FQDN");
	if (bsf_limits_check(err) < 0)
		return -EINVAL;
	if (!c->n_ub)
		return missing(err, "ub: no address to listen on", "listen ADDRESS PORT");
	if (!c->identity[0])
		return missing(err, "diameter: no identity", "identity FQDN");
	if (!c->realm[0])
		return missing(err, "diameter: no realm", "realm REALM");
	if (!c->n_dia)
		return missing(err, "diameter: no address to listen on", "listen ADDRESS PORT");
	if (c->store == BSF_STORE_NONE)
		return missing(err, "store: none chosen", "lmdb DIRECTORY, memory, redis ADDRESS PORT");
	if (c->store != BSF_STORE_MEMORY && kek_cfg_ids(keks) == 0)
		return missing(err,
			       c->store == BSF_STORE_LMDB ? "store: lmdb without a key to seal with"
							  : "store: redis without a key to seal with",
			       "kek ID file PATH, kek ID credential NAME, kek ID pkcs11 ...");
	rc = bsf_redis_check(c, err);
	if (rc == 0)
		rc = check_ports(c, err);
	if (rc == 0)
		rc = hss_nodes_check(c, err);
	if (rc == 0)
		rc = hlr_cfg_check(c, err);
	if (rc == 0)
		rc = peer_cfg_check(c, err);
	if (rc == 0)
		rc = bsf_tls_check(c, err);
	return rc ? rc : naf_cfg_check(c, err);
}

int bsf_cfg_read(const char *path, struct err *err)
{
	int rc = cfg_file_read(path, err);

	if (rc == 0)
		rc = bsf_cfg_check(err);
	return rc;
}
