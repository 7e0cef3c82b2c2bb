/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A PKCS#11 module with one token, "fake", and one key, "key". FAKE_TOKEN="FUNCTION NUMBER" in the environment: that function fails so;
 * "locked": its PIN is; "none", "two": so many keys; "short": its HMAC is. */
#include <stdlib.h>
#include <string.h>
#include <p11-kit/pkcs11.h>

static CK_RV result(const char *function)
{
	const char *say = getenv("FAKE_TOKEN");
	size_t n = strlen(function);

	return say && strncmp(say, function, n) == 0 && say[n] == ' ' ? strtoul(say + n, NULL, 16) : CKR_OK;
}

static CK_RV initialize(void *args)
{
	return result("initialize");
}

static CK_RV finalize(void *reserved)
{
	return CKR_OK;
}

static CK_RV slots(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *n)
{
	list[0] = 7;
	*n = 1;
	return result("slots");
}

static CK_RV token_info(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	const char *say = getenv("FAKE_TOKEN");

	memset(info, 0, sizeof(*info));
	memset(info->label, ' ', sizeof(info->label));
	memcpy(info->label, "fake", 4);
	if (say && strcmp(say, "locked") == 0)
		info->flags = CKF_USER_PIN_LOCKED;
	return CKR_OK;
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
	*session = 9;
	return result("session");
}

static CK_RV close_session(CK_SESSION_HANDLE session)
{
	return CKR_OK;
}

static CK_RV login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG len)
{
	return result("login");
}

static CK_RV find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *want, CK_ULONG n)
{
	return result("find");
}

static CK_RV find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *found, CK_ULONG max, CK_ULONG *n)
{
	const char *say = getenv("FAKE_TOKEN");

	found[0] = 3;
	*n = say && strcmp(say, "none") == 0 ? 0 : say && strcmp(say, "two") == 0 ? 2 : 1;
	return CKR_OK;
}

static CK_RV find_final(CK_SESSION_HANDLE session)
{
	return CKR_OK;
}

static CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM *how, CK_OBJECT_HANDLE key)
{
	return how->mechanism == CKM_SHA256_HMAC && key == 3 ? result("sign") : CKR_ARGUMENTS_BAD;
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG len, CK_BYTE *out, CK_ULONG *n)
{
	const char *say = getenv("FAKE_TOKEN");

	memset(out, data[0], *n);
	if (say && strcmp(say, "short") == 0)
		*n = 20;
	return CKR_OK;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	static CK_FUNCTION_LIST f = {
		.C_Initialize = initialize,
		.C_Finalize = finalize,
		.C_GetSlotList = slots,
		.C_GetTokenInfo = token_info,
		.C_OpenSession = open_session,
		.C_CloseSession = close_session,
		.C_Login = login,
		.C_FindObjectsInit = find_init,
		.C_FindObjects = find,
		.C_FindObjectsFinal = find_final,
		.C_SignInit = sign_init,
		.C_Sign = sign,
	};

	*list = &f;
	return CKR_OK;
}
