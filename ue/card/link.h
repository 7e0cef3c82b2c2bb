/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file link.h
 *  A way to a card that carries commands as octets (PC/SC, a modem), and what is the same for all of them: GET RESPONSE, the
 *  right Le, the logical channel in the class octet. */
#pragma once

#include <stdbool.h>
#include "common/base/bytes.h"
#include "common/base/err.h"

#define LINK_COMMAND_MAX (5 + 255 + 1)
#define LINK_ANSWER_MAX  (256 + 2)
#define LINK_DATA_MAX    512 /* of an answer, gathered */

struct link;

struct link_ops {
	/*! One command as it is. \param[out] answer data and status word
	 *  \returns octets of answer, at least 2; -ENODEV the card is gone; -EIO; -errno */
	int (*transmit)(struct link *l, struct span command, uint8_t answer[LINK_ANSWER_MAX], struct err *err);

	/* The rest may be NULL. */

	/*! EF_DIR, if the way knows it without a command: its records one behind the other.
	 *  \returns octets; -ENOTSUP read it by commands */
	int (*dir)(struct link *l, uint8_t *out, size_t cap, struct err *err);

	/*! A channel of our own with this application selected, if the way opens channels itself: session is it.
	 *  \returns 0; -ENOTSUP open it by commands */
	int (*select)(struct link *l, struct span aid, struct err *err);

	/*! End the session. */
	void (*leave)(struct link *l);

	/*! Nobody else's command comes between ours. \returns 0; -EAGAIN another has reset the card: select again; -errno */
	int (*hold)(struct link *l, struct err *err);
	void (*let_go)(struct link *l);

	/*! As card_check(), if the way tells by itself. */
	int (*check)(struct link *l, struct err *err);
	void (*close)(struct link *l);
};

struct link {
	const struct link_ops *ops;
	int session;       /* of select(); -1: none, the channel is in the class octet */
	uint8_t channel;   /* 0..3, in the class octet of each command */
	bool le_with_data; /* T=1: a command with data names the length of its answer, too */
	char mark[24];     /* tells this stay of the card in its place from others; "" where the way cannot */
};

struct link_command {
	uint8_t cla, ins, p1, p2;
	struct span data;
	int le; /* 0..255 (0: 256); -1: no answer is wanted */
};

struct link_answer {
	uint16_t sw;
	size_t len;
	uint8_t data[LINK_DATA_MAX];
};

/*! Ask, fetch what waits behind 61xx and 9Fxx, ask again with the length that 6Cxx names.
 *  \param[out] out wiped by the caller if it holds keys
 *  \returns 0 and whatever status word; -ENODEV; -EMSGSIZE more than LINK_DATA_MAX or answers without end; -errno */
int link_ask(struct link *l, const struct link_command *c, struct link_answer *out, struct err *err);
