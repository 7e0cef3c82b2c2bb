/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file telnet_close.h
 *  One close() per VTY connection. libosmovty 1.7.0 closes the socket when the VTY ends, and once more when it frees the
 *  VTY: in between another thread may have been given the same number, and loses its connection. (Seen by ThreadSanitizer,
 *  and as "Failed to remove FD from epoll set", with which libmicrohttpd ends the process.) */
#pragma once

/*! Does nothing but bring our telnet_close_client() into the program, where it takes the place of the library's. */
void telnet_close_once(void);
