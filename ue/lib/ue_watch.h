/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ue_watch.h
 *  What gba-ued says of its keys while a program holds some ("watch", gba-ued(8)). */
#pragma once

#include <stdbool.h>
#include <gba/ue.h>

struct ue_watch;

/*! Connect and ask to be told. \param[in] epoll_fd gets its descriptor \returns NULL: no agent, or no memory */
struct ue_watch *ue_watch_new(const char *path, int epoll_fd);

/*! NULL is fine. */
void ue_watch_free(struct ue_watch *w);

/*! Read what has come. \returns false: nothing more will, the agent does not tell or has ended */
bool ue_watch_step(struct ue_watch *w);

/*! The agent has just given this key: what it tells of the time before is older. */
void ue_watch_given(struct ue_watch *w, const char *realm, const char *btid);

/*! Is this the key of the active realm? Also true as long as nothing was told. */
bool ue_watch_holds(const struct ue_watch *w, const char *realm, const char *btid);
