/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/telnet_close.h"

#include <osmocom/core/linuxlist.h>
#include <osmocom/core/logging.h>
#include <osmocom/core/select.h>
#include <osmocom/vty/telnet_interface.h>
#include <talloc.h>

int telnet_close_client(struct osmo_fd *fd); /* exported by libosmovty, in none of its headers */

/* Called by vty_close(), which then closes the socket itself. */
int telnet_close_client(struct osmo_fd *fd)
{
	struct telnet_connection *c = fd->data;

	osmo_fd_unregister(fd);
	if (c->dbg) {
		log_del_target(c->dbg);
		talloc_free(c->dbg);
	}
	llist_del(&c->entry);
	talloc_free(c);
	return 0;
}

void telnet_close_once(void)
{
}
