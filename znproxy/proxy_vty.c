/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "znproxy/proxy_vty.h"

#include <errno.h>
#include <stdlib.h>
#include <osmocom/core/utils.h>
#include <talloc.h>
#include "common/dia/dia_addr.h"
#include "common/gba/btid.h"
#include "znproxy/proxy_vty_in.h"

static struct proxy_cfg *cfg;

int proxy_vty_add_word(struct vty *vty, void *ctx, struct words *w, const char *word)
{
	int rc = words_add(ctx, w, word);

	if (rc == -E2BIG)
		return cfg_fail(vty, "too many of them; allowed: %d", WORDS_MAX);
	return rc < 0 ? cfg_fail(vty, "no memory") : CMD_SUCCESS;
}

DEFUN(proxy_own_realm, proxy_own_realm_cmd, "own-realm NAME",
      "One more realm, or name of a BSF, of our own operator: never asked for from here; may be repeated\nDNS name\n")
{
	int rc;

	CFG_AT_START_ONLY(vty);
	rc = cfg_dns_name(vty, argv[0], DIA_NAME_MAX);
	return rc == CMD_SUCCESS ? proxy_vty_add_word(vty, cfg, &cfg->own_realms, argv[0]) : rc;
}

static void write_own_realms(struct vty *vty)
{
	words_write(vty, "own-realm", &cfg->own_realms);
}

void proxy_vty_init(struct proxy_cfg *c)
{
	cfg = c;
	dia_node_vty_init(&c->dia, c, PROXY_NODE_DIAMETER, write_own_realms);
	install_element(PROXY_NODE_DIAMETER, &proxy_own_realm_cmd);
	proxy_vty_naf_init(c);
	proxy_vty_home_init(c);
}
