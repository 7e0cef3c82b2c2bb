/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file reg_operations.h
 *  The operations of the document, each with the order that does it. */
#pragma once

#include "reg/reg_call.h"

struct reg_operation {
	const char *id; /* operationId */
	int (*work)(struct reg_order *o, struct reg_db *db);
	bool writes;
};

/*! id NULL ends. */
extern const struct reg_operation reg_operations[];

/*! \returns NULL: there is no such operation */
const struct reg_operation *reg_operation_named(const char *id);
