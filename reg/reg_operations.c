/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_operations.h"

#include <string.h>
#include "reg/api_call.h"
#include "reg/reg_discovery.h"
#include "reg/reg_inbox.h"
#include "reg/reg_orders.h"
#include "reg/reg_profile.h"
#include "reg/reg_proof.h"
#include "reg/reg_requests.h"
#include "reg/reg_returns.h"
#include "reg/reg_token.h"

const struct reg_operation reg_operations[] = {
	{ "listAudit", reg_audit_list, false },
	{ "listProfiles", reg_profile_list, false },
	{ "showOutbox", reg_outbox_show, false },
	{ "getOpenapi", api_openapi_show, false },
	{ "listTokens", reg_token_list, false },
	{ "addToken", reg_token_add, true },
	{ "getConfiguration", reg_discovery_show, false },
	{ "getReturnAddresses", reg_returns_get, false },
	{ "putReturnAddresses", reg_returns_put, true },
	{ "listRequests", reg_request_list, false },
	{ "addRequest", reg_request_add, true },
	{ "getRequest", reg_request_get, false },
	{ "answerRequest", reg_request_answer, true },
	{ "listInbox", reg_inbox_list, false },
	{ "revokeToken", reg_token_revoke, true },
	{ "showProof", reg_proof_show, false },
	{ "proofApp", reg_proof_order, true },
	{ 0 },
};

const struct reg_operation *reg_operation_named(const char *id)
{
	for (const struct reg_operation *op = reg_operations; op->id; op++) {
		if (strcmp(op->id, id) == 0)
			return op;
	}
	return NULL;
}
