/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file vpcd.h
 *  The card's end of vsmartcard-vpcd: the reader listens, the card connects. Each message is a length of two octets and so
 *  many octets; one of a single octet, to the card, is a signal of the reader. */
#pragma once

#include "common/base/bytes.h"
#include "common/base/err.h"

#define VPCD_PORT        35963 /* of vpcd when it is told nothing else */
#define VPCD_MESSAGE_MAX 65535

enum vpcd_kind { VPCD_OFF, VPCD_ON, VPCD_RESET, VPCD_ATR, VPCD_COMMAND, VPCD_NOTHING };

struct vpcd {
	int fd; /* -1: not connected */
	size_t have;
	uint8_t in[2 + VPCD_MESSAGE_MAX];
};

/*! Connect to a reader of pcscd: the card is put in. \returns 0; -errno */
int vpcd_connect(struct vpcd *v, const char *host, const char *port, struct err *err);

/*! The card is taken out. */
void vpcd_close(struct vpcd *v);

/*! Read what is there. \returns 0; -ENOTCONN the reader is gone */
int vpcd_read(struct vpcd *v);

/*! The next whole message. \param[out] command of VPCD_COMMAND; lent until the next call of vpcd_read(), vpcd_next() */
enum vpcd_kind vpcd_next(struct vpcd *v, struct span *command);

/*! \returns 0; -ENOTCONN */
int vpcd_send(struct vpcd *v, const uint8_t *p, size_t len);
