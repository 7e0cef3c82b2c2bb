/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file owner_of.h
 *  From a member that a callback is handed (a timer, a word, a list entry) to the object it is in. */
#pragma once

#include <stddef.h>

#define owner_of(member_ptr, type, member) ((type *)((char *)(member_ptr)-offsetof(type, member)))
