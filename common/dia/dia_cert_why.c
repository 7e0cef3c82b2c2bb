/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Why a handshake failed, in words: our own verdict on the certificate first, then the alert that came, then OpenSSL's reason. */
#include "common/dia/dia_cert.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <openssl/err.h>
#include <openssl/sslerr.h>

#define OTHER_CA    "its certificate is of another CA"
#define NO_VERSION  "no common version of TLS; allowed: 1.2 and 1.3"
#define NO_TLS      "what it sends is not TLS"
#define CLOSED      "closed within TLS without a word"
#define ALERT_FIRST SSL_AD_REASON_OFFSET /* reasons from here on: an alert of the other side */

#define DAY_MS 86400000ULL

struct words {
	int code;
	const char *text;
};

static const struct words VERDICTS[] = {
	{ X509_V_ERR_CERT_HAS_EXPIRED, "its certificate, or one above it, has expired" },
	{ X509_V_ERR_CERT_NOT_YET_VALID, "its certificate is not valid yet" },
	{ X509_V_ERR_HOSTNAME_MISMATCH, "its certificate is for another name" },
	{ X509_V_ERR_INVALID_PURPOSE, "its certificate is not for this use (extended key usage)" },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, OTHER_CA },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, OTHER_CA },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, OTHER_CA },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, OTHER_CA },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, OTHER_CA },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, OTHER_CA },
	{ X509_V_ERR_CERT_UNTRUSTED, OTHER_CA },
};

static const struct words REASONS[] = {
	{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "it has shown no certificate" },
	{ SSL_R_UNSUPPORTED_PROTOCOL, NO_VERSION },
	{ SSL_R_NO_PROTOCOLS_AVAILABLE, NO_VERSION },
	{ SSL_R_UNSUPPORTED_SSL_VERSION, NO_VERSION },
	{ SSL_R_VERSION_TOO_LOW, NO_VERSION },
	{ SSL_R_VERSION_TOO_HIGH, NO_VERSION },
	{ SSL_R_WRONG_SSL_VERSION, NO_VERSION },
	{ SSL_R_NO_SHARED_CIPHER, "no common cipher" },
	{ SSL_R_WRONG_VERSION_NUMBER, NO_TLS },
	{ SSL_R_HTTP_REQUEST, NO_TLS },
	{ SSL_R_PACKET_LENGTH_TOO_LONG, NO_TLS },
	{ SSL_R_RECORD_LENGTH_MISMATCH, NO_TLS },
	{ SSL_R_UNEXPECTED_EOF_WHILE_READING, CLOSED },
};

#define WORDS_OF(table, code) words_of(table, sizeof(table) / sizeof(*(table)), code)

static const char *words_of(const struct words *t, size_t n, int code)
{
	for (size_t i = 0; i < n; i++)
		if (t[i].code == code)
			return t[i].text;
	return NULL;
}

static void say_verdict(char *out, size_t len, long verdict)
{
	const char *s = WORDS_OF(VERDICTS, (int)verdict);

	if (s)
		snprintf(out, len, "%s", s);
	else
		snprintf(out, len, "its certificate: %s", X509_verify_cert_error_string(verdict));
}

static const char *alert_name(int alert)
{
	/* the one that OpenSSL 3.0 calls "unknown" */
	return alert == SSL_AD_CERTIFICATE_REQUIRED ? "certificate required" : SSL_alert_desc_string_long(alert);
}

static void say_reason(char *out, size_t len, unsigned long e)
{
	int reason = ERR_GET_REASON(e);
	const char *s = ERR_GET_LIB(e) == ERR_LIB_SSL ? WORDS_OF(REASONS, reason) : NULL;

	if (ERR_GET_LIB(e) == ERR_LIB_SSL && reason >= ALERT_FIRST && reason < ALERT_FIRST + 256)
		snprintf(out, len, "alert \"%s\" from it", alert_name(reason - ALERT_FIRST));
	else
		snprintf(out, len, "%s",
			 s                            ? s
			 : ERR_reason_error_string(e) ? ERR_reason_error_string(e)
						      : "TLS failed");
}

void dia_cert_why(char *out, size_t len, SSL *ssl, int ssl_rc)
{
	int was = errno, kind = SSL_get_error(ssl, ssl_rc);
	unsigned long e = ERR_peek_error();
	long verdict = SSL_get_verify_result(ssl);

	if (ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK)
		say_verdict(out, len, verdict);
	else if (e)
		say_reason(out, len, e);
	else if (kind == SSL_ERROR_SYSCALL && was)
		snprintf(out, len, "%s", strerror(was));
	else
		snprintf(out, len, "%s", CLOSED);
	ERR_clear_error();
}

bool dia_cert_say_end(uint64_t *said_ms, uint64_t now_ms, time_t left)
{
	if (left > DIA_CERT_SOON_S || (*said_ms && now_ms - *said_ms < DAY_MS))
		return false;
	*said_ms = now_ms;
	return true;
}

void dia_cert_left(char *out, size_t len, time_t left)
{
	const char *unit = left >= 2 * 86400 ? "days" : left >= 7200 ? "hours" : "minutes";
	long each = left >= 2 * 86400 ? 86400 : left >= 7200 ? 3600 : 60;

	snprintf(out, len, "certificate ends in %ld %s", (long)left / each, unit);
}
