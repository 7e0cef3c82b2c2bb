/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file raw_link.h
 *  A Diameter connection of the benches, the least there can be: a socket, a buffer each way, capabilities exchanged. No peer
 *  machine, no timers; a watchdog is answered. What goes wrong ends the program. */
#pragma once

#include "common/dia/dia_base.h"
#include "common/gba/naf_id.h"

#define RAW_ROOM (256 * 1024)

struct raw_link {
	int fd;
	char identity[256]; /* ours on it */
	size_t in_len, out_len;
	uint8_t in[RAW_ROOM], out[RAW_ROOM];
};

/*! Who we are on every connection, and which application. */
void raw_init(const char *identity, const char *realm, uint32_t app);

__attribute__((noreturn)) void raw_die(const char *what);
int raw_listen(uint16_t port);
/*! Connect to 127.0.0.1 and exchange capabilities as identity (NULL: as raw_init() says). \returns new link */
struct raw_link *raw_connect(uint16_t port, const char *identity);
struct raw_link *raw_accept(int listener);
/*! Say goodbye and wait for the answer, so that the next connection of this identity is welcome. */
void raw_close(struct raw_link *l);

/*! Read once, and give each whole message of our application to fn; those of the base protocol are answered here.
 *  \returns false: the other side has closed, the link is freed */
bool raw_read(struct raw_link *l, void (*fn)(struct raw_link *l, struct span msg));
/*! Room for the next message; raw_wrote() says how long it became. */
void raw_room(struct raw_link *l, struct writer *w);
void raw_wrote(struct raw_link *l, int len);
/*! Send what was written. */
void raw_flush(struct raw_link *l);

/*! Watch a descriptor, with what raw_wait() returns for it. */
void raw_watch(int epoll, int fd, void *what);
/*! \returns how many of out are set; waits for one */
int raw_wait(int epoll, void **out, int max);

double raw_now_s(void);
/*! CPU of this process, user and system. */
double raw_cpu_us(void);
