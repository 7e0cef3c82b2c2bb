/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file spare_fd.h
 *  A descriptor held back, for when there is none left: with it a connection that waits can be accepted and closed. Left
 *  where it is, it keeps its socket readable, and whoever accepts turns in circles; and its sender waits for nothing. */
#pragma once

#include <stdbool.h>

/*! Take one, unless it is held already.
 *  \param[in,out] spare -1 at first
 *  \returns true: held */
bool spare_fd_hold(int *spare);

/*! Close one connection that waits, if any does and no descriptor is left to serve it with.
 *  \param[in] listener a listening socket that nobody else accepts on in this moment
 *  \param[in,out] spare from spare_fd_hold(); held again afterwards where that can be
 *  \returns 1: one was closed; 0: none waits, or there is a descriptor; -errno: no spare (-EMFILE), or no listening socket.
 *           Unless it is 1, wait a moment before the next accept(): without descriptors that fails also when nobody waits */
int spare_fd_refuse(int listener, int *spare);
