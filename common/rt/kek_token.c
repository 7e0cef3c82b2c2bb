/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/kek_token.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <p11-kit/pkcs11.h>

#define SLOTS_MAX 64

struct kek_token {
	void *module;
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	bool is_initialized, has_session;
	pid_t pid; /* the module's state belongs to the process that made it */
};

/* For people; NULL: its number must do. */
static const char *token_words(CK_RV rv)
{
	static const struct {
		CK_RV rv;
		const char *words;
	} rows[] = {
		{ CKR_PIN_INCORRECT, "the PIN is wrong" },
		{ CKR_PIN_INVALID, "the PIN is wrong" },
		{ CKR_PIN_LEN_RANGE, "the PIN is wrong: its length" },
		{ CKR_PIN_EXPIRED, "the PIN is over" },
		{ CKR_PIN_LOCKED,
		  "the PIN is locked after too many wrong ones; its security officer can give it anew" },
		{ CKR_USER_PIN_NOT_INITIALIZED, "the token has no PIN yet" },
		{ CKR_TOKEN_NOT_PRESENT, "the token is lost" },
		{ CKR_DEVICE_REMOVED, "the token is lost" },
		{ CKR_DEVICE_ERROR, "the token is lost, or broken" },
		{ CKR_SESSION_HANDLE_INVALID, "the token is lost, or has ended our session" },
		{ CKR_SESSION_CLOSED, "the token is lost, or has ended our session" },
		{ CKR_USER_NOT_LOGGED_IN, "we are not logged in any more" },
		{ CKR_CRYPTOKI_NOT_INITIALIZED, "this process has not opened the module" },
		{ CKR_KEY_TYPE_INCONSISTENT, "the key is no generic secret" },
		{ CKR_KEY_FUNCTION_NOT_PERMITTED, "the key may not sign" },
		{ CKR_MECHANISM_INVALID, "the token has no HMAC-SHA-256" },
		{ CKR_GENERAL_ERROR, "the module failed (its configuration?)" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].rv == rv)
			return rows[i].words;
	return NULL;
}

/* \returns 0; -EIO */
static int rv_take(CK_RV rv, const char *doing, struct err *err)
{
	const char *words = token_words(rv);

	if (rv == CKR_OK)
		return 0;
	if (words)
		return err_set(err, -EIO, "%s: %s", doing, words);
	return err_set(err, -EIO, "%s: PKCS#11 says 0x%lx", doing, rv);
}

static int module_load(struct kek_token *t, const char *path, struct err *err)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_C_GetFunctionList get;
	CK_RV rv;

	t->module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!t->module)
		return err_set(err, -ENOENT, "no module: %s", dlerror());
	*(void **)&get = dlsym(t->module, "C_GetFunctionList");
	if (!get || get(&t->f) != CKR_OK || !t->f)
		return err_set(err, -EINVAL, "%s is no PKCS#11 module", path);
	rv = t->f->C_Initialize(&args);
	t->is_initialized = rv == CKR_OK;
	/* by the one before, whose key is in a token of this module, too */
	return rv == CKR_CRYPTOKI_ALREADY_INITIALIZED ? 0 : rv_take(rv, "opening the module", err);
}

/* The label is filled up with blanks. */
static bool is_label(const CK_TOKEN_INFO *info, const char *label)
{
	size_t n = strlen(label);

	if (n > sizeof(info->label) || memcmp(info->label, label, n))
		return false;
	for (; n < sizeof(info->label); n++)
		if (info->label[n] != ' ')
			return false;
	return true;
}

static int slot_find(struct kek_token *t, const char *label, CK_SLOT_ID *slot, struct err *err)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	CK_TOKEN_INFO info;
	int rc = rv_take(t->f->C_GetSlotList(CK_TRUE, slots, &n), "looking for the token", err);

	for (CK_ULONG i = 0; rc == 0 && i < n; i++) {
		if (t->f->C_GetTokenInfo(slots[i], &info) != CKR_OK || !is_label(&info, label))
			continue;
		*slot = slots[i];
		if (info.flags & CKF_USER_PIN_LOCKED)
			return rv_take(CKR_PIN_LOCKED, "logging in", err);
		return 0;
	}
	return rc < 0 ? rc : err_set(err, -ENOENT, "there is no token of this label");
}

static int log_in(struct kek_token *t, CK_SLOT_ID slot, const struct secret *pin, struct err *err)
{
	CK_RV rv = t->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &t->session);

	t->has_session = rv == CKR_OK;
	if (rv_take(rv, "opening a session", err) < 0)
		return -EIO;
	rv = t->f->C_Login(t->session, CKU_USER, (CK_UTF8CHAR *)pin->b, pin->len);
	return rv == CKR_USER_ALREADY_LOGGED_IN ? 0 : rv_take(rv, "logging in", err);
}

static int key_find(struct kek_token *t, const char *label, struct err *err)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_ATTRIBUTE want[] = { { CKA_CLASS, &class, sizeof(class) }, { CKA_LABEL, (void *)label, strlen(label) } };
	CK_OBJECT_HANDLE found[2];
	CK_ULONG n = 0;
	CK_RV rv = t->f->C_FindObjectsInit(t->session, want, 2);

	if (rv == CKR_OK) {
		rv = t->f->C_FindObjects(t->session, found, 2, &n);
		t->f->C_FindObjectsFinal(t->session);
	}
	if (rv_take(rv, "looking for the key", err) < 0)
		return -EIO;
	t->key = found[0];
	return n == 1 ? 0
		      : err_set(err, -ENOENT, "%s",
				n ? "several keys have this label" : "there is no key of this label");
}

struct kek_token *kek_token_open(const struct kek_token_cfg *cfg, struct err *err)
{
	struct kek_token *t = calloc(1, sizeof(*t));
	CK_SLOT_ID slot;
	uint8_t mac[32];
	int rc;

	if (!t) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	t->pid = getpid();
	rc = module_load(t, cfg->module, err);
	if (rc == 0)
		rc = slot_find(t, cfg->label, &slot, err);
	if (rc == 0)
		rc = log_in(t, slot, &cfg->pin, err);
	if (rc == 0)
		rc = key_find(t, cfg->key, err);
	if (rc == 0) /* may it do what we need? */
		rc = kek_token_hmac(t, mac, span_str("gba"), err);
	OPENSSL_cleanse(mac, sizeof(mac));
	if (rc == 0)
		return t;
	kek_token_free(t);
	return NULL;
}

int kek_token_hmac(void *token, uint8_t out[32], struct span what, struct err *err)
{
	CK_MECHANISM hmac = { CKM_SHA256_HMAC, NULL, 0 };
	struct kek_token *t = token;
	CK_ULONG n = 32;
	CK_RV rv;

	if (getpid() != t->pid)
		return err_set(err, -EIO, "asking the token: another process has opened it, of which this is a child");
	rv = t->f->C_SignInit(t->session, &hmac, t->key);
	if (rv == CKR_OK)
		rv = t->f->C_Sign(t->session, (CK_BYTE *)what.p, what.len, out, &n);
	if (rv == CKR_OK && n != 32)
		rv = CKR_GENERAL_ERROR;
	return rv_take(rv, "asking the token", err);
}

void kek_token_free(struct kek_token *t)
{
	if (!t)
		return;
	if (getpid() == t->pid) {
		if (t->has_session)
			t->f->C_CloseSession(t->session); /* the last one logs out */
		if (t->is_initialized)
			t->f->C_Finalize(NULL);
		if (t->module)
			dlclose(t->module);
	}
	free(t);
}
