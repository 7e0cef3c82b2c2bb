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
#include "reg/reg_usage.h"

/* clang-format off: one a line */
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
	{ "listAsps", reg_asp_list, false },
	{ "addAsp", reg_asp_add, true },
	{ "getAsp", reg_asp_get, false },
	{ "putAsp", reg_asp_put, true },
	{ "deleteAsp", reg_asp_delete, true },
	{ "listApps", reg_app_list, false },
	{ "addApp", reg_app_register, true },
	{ "getApp", reg_app_show, false },
	{ "putApp", reg_app_put, true },
	{ "deleteApp", reg_app_remove, true },
	{ "getAppConf", reg_app_conf, false },
	{ "listCatalogue", reg_catalogue, false },
	{ "listUsers", reg_user_list, false },
	{ "addUser", reg_user_add, true },
	{ "getUser", reg_user_get, false },
	{ "putUser", reg_user_put, true },
	{ "deleteUser", reg_user_delete, true },
	{ "listDevices", reg_device_list, false },
	{ "addDevice", reg_device_add, true },
	{ "getDevice", reg_device_get, false },
	{ "putDevice", reg_device_put, true },
	{ "deleteDevice", reg_device_delete, true },
	{ "putDeviceState", reg_device_state, true },
	{ "putDeviceCustodian", reg_device_custodian, true },
	{ "forgetDevice", reg_pseudonym_renew, true },
	{ "listGroups", reg_group_list, false },
	{ "getGroup", reg_group_get, false },
	{ "putGroup", reg_group_put, true },
	{ "deleteGroup", reg_group_delete, true },
	{ "listMembers", reg_member_list, false },
	{ "addMembers", reg_member_add, true },
	{ "removeMember", reg_member_delete, true },
	{ "listGrants", reg_grant_list, false },
	{ "getGrant", reg_grant_get, false },
	{ "putGrant", reg_grant_put, true },
	{ "deleteGrant", reg_grant_delete, true },
	{ "bulkGrants", reg_grant_bulk, true },
	{ "listUsage", reg_usage_list, false },
	{ 0 },
};
/* clang-format on */

const struct reg_operation *reg_operation_named(const char *id)
{
	for (const struct reg_operation *op = reg_operations; op->id; op++) {
		if (strcmp(op->id, id) == 0)
			return op;
	}
	return NULL;
}
