/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A card far away behind HTTP, in the form of pySim's sim-rest-server: 3G context alone, no GBA, no files. Whoever listens on the
 * way, or is the server, learns CK and IK. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>
#include <jansson.h>

#include "common/base/hex.h"
#include "common/base/visible.h"
#include "ue/card/card_choice.h"
#include "ue/card/card_ops.h"

#define BODY_MAX      65536
#define DEFAULT_STATE "gba-ue-card.state"

struct rest {
	struct card base;
	CURL *http;
	char url[CARD_WHERE_MAX + 1]; /* without a path */
	unsigned slot;
	int timeout_s;
	char iccid[24];
	char *body; /* of the last answer */
	size_t body_len;
};

static size_t rest_on_body(char *p, size_t size, size_t n, void *arg)
{
	struct rest *r = arg;
	char *more;

	if (r->body_len + size * n > BODY_MAX)
		return 0;
	more = realloc(r->body, r->body_len + size * n + 1);
	if (!more)
		return 0;
	r->body = more;
	memcpy(r->body + r->body_len, p, size * n);
	r->body_len += size * n;
	return size * n;
}

static void drop_body(struct rest *r)
{
	if (r->body)
		OPENSSL_cleanse(r->body, r->body_len);
	free(r->body);
	r->body = NULL;
	r->body_len = 0;
}

static const char *text_of(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

/* What stands for a status that is not 200. 500 with a status word is the card's own answer. */
static int rest_refused(const struct rest *r, long status, const json_t *o, struct err *err)
{
	const json_t *e = json_object_get(o, "error");
	const char *sw = text_of(e, "status_word");

	if (status == 410 || status == 404)
		return err_set(err, -ENODEV, "%s: slot %u: %s", r->url, r->slot,
			       status == 410 ? "no card" : "no such slot");
	if (status == 500 && strcmp(sw, "9862") == 0)
		return -EBADMSG;
	if (status == 500 && strcmp(sw, "6982") == 0)
		return err_set(err, -EACCES, "%s: slot %u: the card wants its PIN (6982)", r->url, r->slot);
	return err_set(err, -EIO, "%s: slot %u: HTTP %ld%s%.4s", r->url, r->slot, status, *sw ? ", status word " : "",
		       strspn(sw, "0123456789abcdefABCDEF") == 4 ? sw : "");
}

/* \param[in] post NULL: GET \returns 0 and an object, which the caller frees; -EBADMSG the card found a wrong MAC */
static int rest_ask(struct rest *r, const char *api, const char *post, json_t **out, struct err *err)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	char url[CARD_WHERE_MAX + 64];
	long status = 0;
	CURLcode rc;
	int e = 0;

	snprintf(url, sizeof(url), "%s/%s/v1/slot/%u", r->url, api, r->slot);
	drop_body(r);
	curl_easy_reset(r->http);
	curl_easy_setopt(r->http, CURLOPT_URL, url);
	curl_easy_setopt(r->http, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(r->http, CURLOPT_TIMEOUT, (long)r->timeout_s);
	curl_easy_setopt(r->http, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(r->http, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(r->http, CURLOPT_WRITEFUNCTION, rest_on_body);
	curl_easy_setopt(r->http, CURLOPT_WRITEDATA, r);
	if (post)
		curl_easy_setopt(r->http, CURLOPT_POSTFIELDS, post);
	rc = curl_easy_perform(r->http);
	curl_slist_free_all(headers);
	curl_easy_getinfo(r->http, CURLINFO_RESPONSE_CODE, &status);
	if (rc == CURLE_OPERATION_TIMEDOUT)
		return err_set(err, -EIO, "%s: no answer within %d s", r->url, r->timeout_s);
	if (rc != CURLE_OK)
		return err_set(err, -EIO, "%s: %s", r->url, curl_easy_strerror(rc));
	*out = json_loadb(r->body ? r->body : "", r->body_len, 0, NULL);
	drop_body(r);
	if (status != 200)
		e = rest_refused(r, status, *out, err);
	else if (!*out)
		e = err_set(err, -EIO, "%s: the answer is no JSON", r->url);
	if (e < 0) {
		json_decref(*out);
		*out = NULL;
	}
	return e;
}

static int secret_text(struct secret *out, const json_t *o, const char *name, size_t min, size_t max)
{
	const char *text = text_of(o, name);
	uint8_t octets[SECRET_MAX];
	int n = hex_decode(octets, sizeof(octets), text, strlen(text));

	if (n < (int)min || n > (int)max)
		return -EBADMSG;
	secret_set(out, octets, (size_t)n);
	OPENSSL_cleanse(octets, sizeof(octets));
	return 0;
}

static int rest_read(struct card_answer *a, const json_t *o)
{
	const json_t *ok = json_object_get(o, "successful_3g_authentication"),
		     *sync = json_object_get(o, "synchronisation_failure");
	const char *auts = text_of(sync, "auts");

	if (ok) {
		a->outcome = CARD_OK;
		return secret_text(&a->res, ok, "res", AKA_RES_MIN, 16) < 0 || secret_text(&a->ck, ok, "ck", 16, 16) < 0
			       ? -EBADMSG
			       : secret_text(&a->ik, ok, "ik", 16, 16);
	}
	a->outcome = CARD_SYNC_FAILURE;
	return hex_decode(a->auts, sizeof(a->auts), auts, strlen(auts)) == AKA_AUTS_LEN ? 0 : -EBADMSG;
}

static int rest_authenticate(struct card *base, struct card_answer *out, enum card_context context,
			     const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN], struct err *err)
{
	struct rest *r = (struct rest *)base;
	char rand_hex[2 * AKA_RAND_LEN + 1], autn_hex[2 * AKA_AUTN_LEN + 1], post[128];
	struct card_answer a = { 0 };
	json_t *o;
	int rc;

	hex_encode(rand_hex, sizeof(rand_hex), rand, AKA_RAND_LEN);
	hex_encode(autn_hex, sizeof(autn_hex), autn, AKA_AUTN_LEN);
	snprintf(post, sizeof(post), "{\"rand\":\"%s\",\"autn\":\"%s\"}", rand_hex, autn_hex);
	rc = rest_ask(r, "sim-auth-api", post, &o, err);
	if (rc == -EBADMSG) {
		*out = (struct card_answer){ .outcome = CARD_MAC_FAILURE };
		return 0;
	}
	if (rc < 0)
		return rc;
	rc = rest_read(&a, o);
	json_decref(o);
	if (rc < 0)
		err_set(err, -EIO, "%s: neither RES, CK, IK nor AUTS in the answer", r->url);
	else
		*out = a;
	card_answer_clear(&a);
	return rc < 0 ? -EIO : 0;
}

/* \param[out] imsi may be NULL */
static int rest_info(struct rest *r, char iccid[24], char imsi[16], struct err *err)
{
	json_t *o;
	int rc = rest_ask(r, "sim-info-api", NULL, &o, err);

	if (rc < 0)
		return rc == -EBADMSG ? -EIO : rc;
	if (span_to_str(iccid, 24, span_str(text_of(o, "iccid"))) < 0 || !iccid[0] ||
	    iccid[strspn(iccid, "0123456789fF")] ||
	    (imsi &&
	     (span_to_str(imsi, 16, span_str(text_of(o, "imsi"))) < 0 || !imsi[0] || imsi[strspn(imsi, "0123456789")])))
		rc = err_set(err, -EIO, "%s: no IMSI and ICCID in the answer", r->url);
	json_decref(o);
	return rc;
}

static int rest_check(struct card *base, struct err *err)
{
	struct rest *r = (struct rest *)base;
	char iccid[24];
	int rc = rest_info(r, iccid, NULL, err);

	if (rc == 0 && strcmp(iccid, r->iccid) != 0)
		rc = err_set(err, -ENODEV, "%s: slot %u: there is another card", r->url, r->slot);
	return rc;
}

static void rest_close(struct card *base)
{
	struct rest *r = (struct rest *)base;

	drop_body(r);
	curl_easy_cleanup(r->http);
	free(r->base.state_path);
	OPENSSL_cleanse(r, sizeof(*r));
	free(r);
}

static const struct card_ops rest_ops = {
	.authenticate = rest_authenticate,
	.check = rest_check,
	.close = rest_close,
};

/* URL, or URL#SLOT */
static int rest_where(struct rest *r, const char *where, struct err *err)
{
	size_t n = strcspn(where, "#");
	const char *slot = where + n + (where[n] == '#');
	size_t digits = strspn(slot, "0123456789");

	while (n && where[n - 1] == '/')
		n--;
	if ((strncmp(where, "http://", 7) != 0 && strncmp(where, "https://", 8) != 0) || slot[digits] || digits > 4)
		return err_set(err, -EINVAL, "rest: allowed is http://HOST:PORT or http://HOST:PORT#SLOT");
	memcpy(r->url, where, n);
	r->slot = (unsigned)strtoul(slot, NULL, 10);
	return 0;
}

static int rest_take(struct rest *r, const struct card_choice *how, struct err *err)
{
	char imsi[16];
	int rc = rest_where(r, how->where, err);

	if (rc < 0)
		return rc;
	if (!how->mnc_len)
		return err_set(err, -EINVAL, "rest: mnc-length=2 or 3 is needed: the server does not tell it");
	if (how->wish == CARD_WISH_LABEL)
		return err_set(err, -ENOENT, "rest: the server shows the USIM alone");
	rc = rest_info(r, r->iccid, imsi, err);
	if (rc < 0)
		return rc;
	r->base.caps = CARD_CAP_3G;
	snprintf(r->base.serial, sizeof(r->base.serial), "%s", r->iccid);
	r->base.state_path = strdup(how->state[0] ? how->state : DEFAULT_STATE);
	return r->base.state_path ? card_set_usim(&r->base, imsi, how->mnc_len, err) : -ENOMEM;
}

int card_rest_open(struct card **out, const struct card_choice *how, struct err *err)
{
	struct rest *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return -ENOMEM;
	r->base.ops = &rest_ops;
	r->http = curl_easy_init();
	r->timeout_s = how->timeout_s;
	rc = r->http ? rest_take(r, how, err) : -ENOMEM;
	if (rc < 0) {
		rest_close(&r->base);
		return rc;
	}
	*out = &r->base;
	return 0;
}
