/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file control.h
 *  The socket that takes the card out and puts it back: one line in, one line out, then the connection ends. */
#pragma once

#include <stddef.h>
#include "common/base/err.h"

struct control {
	int listen_fd, client_fd; /* -1: none; one client at a time */
	char path[108];
	size_t have;
	char line[32];
};

#define CONTROL_NONE ((struct control){ .listen_fd = -1, .client_fd = -1 })

/*! Mode 0600; what a dead process left is replaced. \returns 0; -EADDRINUSE another listens there; -errno */
int control_open(struct control *c, const char *path, struct err *err);
void control_close(struct control *c);

/*! What to wait for; -1: nothing. */
int control_fd(const struct control *c);

/*! Do what is there without waiting. \param[in] run answers a word by a line */
void control_serve(struct control *c, const char *(*run)(const char *word));

/*! The other end: one word. \param[out] text the answer \returns 0; -errno */
int control_ask(const char *path, const char *word, char *text, size_t cap, struct err *err);
