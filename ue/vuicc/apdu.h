/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file apdu.h
 *  A command as it comes to a card (TS 102.221 10, ISO 7816-3 12.1): short lengths, four logical channels. Pure. */
#pragma once

#include "common/base/bytes.h"

#define APDU_MAX      (5 + 255 + 1) /* octets of a short command */
#define APDU_CHANNELS 4

/*! What answers a command; each is a status word of 102.221 10.2 or 31.102 7.3. */
enum apdu_sw {
	SW_OK = 0x9000,
	SW_MORE = 0x6100,        /* and how many octets GET RESPONSE gives */
	SW_CLOSED_FILE = 0x6283, /* selected file deactivated */
	SW_TRIES = 0x63c0,       /* and how many are left */
	SW_NOT_SAVED = 0x6581,   /* memory problem */
	SW_LENGTH = 0x6700,
	SW_NO_CHANNEL = 0x6881,
	SW_NO_SECURE = 0x6882,
	SW_FILE_KIND = 0x6981,
	SW_SECURITY = 0x6982,
	SW_BLOCKED = 0x6983,
	SW_CONDITIONS = 0x6985,
	SW_NO_EF = 0x6986,
	SW_DATA = 0x6a80,
	SW_NOT_FOUND = 0x6a82,
	SW_NO_RECORD = 0x6a83,
	SW_NO_SPACE = 0x6a84,
	SW_P1_P2 = 0x6a86,
	SW_NO_REFERENCE = 0x6a88,
	SW_OFFSET = 0x6b00,
	SW_LE = 0x6c00, /* and the right one */
	SW_INS = 0x6d00,
	SW_CLASS = 0x6e00,
	SW_FAULT = 0x6f00,
	SW_MAC = 0x9862,
	SW_CONTEXT = 0x9864,
	SW_NO_MEMORY = 0x9866,
};

struct apdu {
	uint8_t cla, ins, p1, p2;
	unsigned channel;
	struct span data; /* points into the command; 0..255 octets */
	unsigned le;      /* 1..256; 0: there is none */
};

/*! \param[in] buf lent, attacker-controlled \param[in] len 0..any
 *  \returns SW_OK; SW_LENGTH; SW_CLASS; SW_NO_CHANNEL; SW_NO_SECURE. out untouched on error */
enum apdu_sw apdu_parse(struct apdu *out, const uint8_t *buf, size_t len);
