/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_nodes.h
 *  The nodes of the configuration: one number each. */
#pragma once

#include <osmocom/vty/command.h>

enum reg_node { REGISTRY_NODE = _LAST_OSMOVTY_NODE + 1, TARGET_NODE, PROFILE_NODE, API_NODE };
