/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file telnet_close.h
 *  One close() per VTY connection. libosmovty 1.7.0 closes the socket when the VTY ends, flushes what is unsent to its number
 *  and closes the number once more: in between another thread may have been given it, and its client got our output or lost
 *  its connection. (Seen by ThreadSanitizer, and as "Close socket failed", with which libmicrohttpd ends the process.) */
#pragma once

/*! Main thread, before the first VTY connection. */
void telnet_close_once(void);
