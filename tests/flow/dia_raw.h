/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file dia_raw.h
 *  A peer made of octets, for what no library would send: one message at a time, written into raw. */
#pragma once

#include <stddef.h>
#include <stdint.h>

extern uint8_t raw[4096];
extern size_t raw_len;

/*! A new message. \param[in] flags of the command */
void raw_begin(uint32_t command, uint8_t flags, uint32_t app);
/*! \param[in] flags of the AVP; with the V flag vendor is written, too */
void raw_avp(uint32_t code, uint8_t flags, uint32_t vendor, const void *data, size_t len);
/*! Mandatory, of no vendor. */
void raw_text(uint32_t code, const char *text);
/*! A whole CER that offers Zn. */
void raw_capabilities(const char *identity);

/*! To 127.0.0.1; what is read from it fails after WAIT_S. */
int raw_connect(uint16_t port);
void raw_send(int fd);
