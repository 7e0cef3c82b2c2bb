/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/telnet_close.h"

#include <fcntl.h>
#include <osmocom/core/signal.h>
#include <osmocom/vty/telnet_interface.h>
#include <osmocom/vty/vty.h>

/* Told before the telnet side closes: it gets a descriptor of its own to close, and the VTY flushes and closes the other. */
static int on_vty_event(unsigned int subsys, unsigned int signal, void *handler_data, void *signal_data)
{
	const struct vty_signal_data *sig = signal_data;
	struct telnet_connection *conn = sig->vty->priv;

	if (signal == S_VTY_EVENT && sig->event == VTY_CLOSED && conn)
		conn->fd.fd = fcntl(sig->vty->fd, F_DUPFD_CLOEXEC, 0);
	return 0;
}

void telnet_close_once(void)
{
	osmo_signal_register_handler(SS_L_VTY, on_vty_event, NULL);
}
