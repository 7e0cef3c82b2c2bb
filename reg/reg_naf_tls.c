/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "reg/reg_naf_tls.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/dia/dia_cert.h"
#include "common/rt/cfg_file.h"
#include "common/rt/tls_certs.h"
#include "reg/api_cert.h"
#include "reg/api_tls.h"

enum { CERTIFICATE, KEY, FILES };

static struct {
	char *typed, *path;
} files[FILES];
static int line; /* of the first of them */
static char *name;
static struct dia_cert_pem pem;

/* --- configuration */

static int set_file(struct vty *vty, int which, const char *path)
{
	CFG_AT_START_ONLY(vty);
	if (files[which].path)
		return cfg_fail(vty, "that stands here already; allowed: once");
	files[which].typed = talloc_strdup(tall_vty_ctx, path);
	files[which].path = cfg_path(tall_vty_ctx, path);
	line = line ? line : cfg_line();
	return CMD_SUCCESS;
}

#define OWN_TLS "The registry's own application, where a device asks which ones it may use\nHTTPS: both files, in PEM\n"

DEFUN(own_app_certificate, own_app_certificate_cmd, "own-app tls certificate PATH",
      OWN_TLS "For its name, then those between it and its CA\nRelative to the folder of this file\n")
{
	return set_file(vty, CERTIFICATE, argv[0]);
}

DEFUN(own_app_key, own_app_key_cmd, "own-app tls key PATH",
      OWN_TLS "Its key, that only we may read\nRelative to the folder of this file\n")
{
	return set_file(vty, KEY, argv[0]);
}

void reg_naf_tls_write(struct vty *vty)
{
	static const char *const words[] = { "certificate", "key" };

	for (int i = 0; i < FILES; i++)
		if (files[i].typed)
			vty_out(vty, " own-app tls %s %s%s", words[i], files[i].typed, VTY_NEWLINE);
}

void reg_naf_tls_cfg_init(int registry_node)
{
	install_element(registry_node, &own_app_certificate_cmd);
	install_element(registry_node, &own_app_key_cmd);
}

bool reg_naf_tls_is_on(void)
{
	return files[CERTIFICATE].path != NULL;
}

/* What a device will trust is its own affair; no CA is needed here. */
static int read_files(struct err *err)
{
	const struct dia_cert_conf conf = { .certificate = files[CERTIFICATE].path,
					    .key = files[KEY].path,
					    .ca = files[CERTIFICATE].path,
					    .name = name };
	SSL_CTX *c = NULL;

	if (dia_cert_read(&pem, &conf, err) == 0)
		c = dia_cert_make(&pem, &conf, NULL, err);
	if (!c)
		dia_cert_clear(&pem);
	SSL_CTX_free(c);
	return c ? 0 : -EINVAL;
}

int reg_naf_tls_verify(const char *fqdn, struct err *err)
{
	struct err why;

	if (!files[CERTIFICATE].path && !files[KEY].path)
		return 0;
	if (!files[CERTIFICATE].path || !files[KEY].path || !fqdn)
		return cfg_error(err, -EINVAL, line,
				 "'own-app tls certificate', 'own-app tls key' and 'own-app naf-conf' go together");
	name = talloc_strdup(tall_vty_ctx, fqdn);
	if (read_files(&why) < 0)
		return cfg_error(err, -EINVAL, line, "own-app tls: %s", why.text);
	dia_cert_clear(&pem);
	return 0;
}

/* --- in use */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the next: the server has threads of its own */
static struct api_cert *current;

static struct api_cert *exchange(struct api_cert *next)
{
	struct api_cert *former;

	pthread_mutex_lock(&lock);
	former = current;
	current = next;
	pthread_mutex_unlock(&lock);
	return former;
}

/* \returns NULL and why in err */
static struct api_cert *cert_of_pem(struct err *err)
{
	const gnutls_datum_t certificate = { (unsigned char *)pem.text[CERTIFICATE], (unsigned)pem.len[CERTIFICATE] };
	const gnutls_datum_t key = { (unsigned char *)pem.text[KEY], (unsigned)pem.len[KEY] };
	gnutls_certificate_credentials_t c;
	int rc = gnutls_certificate_allocate_credentials(&c);

	if (rc < 0) {
		err_set(err, -ENOMEM, "no memory");
		return NULL;
	}
	rc = gnutls_certificate_set_x509_key_mem(c, &certificate, &key, GNUTLS_X509_FMT_PEM);
	if (rc >= 0)
		return api_cert_of(c, err);
	gnutls_certificate_free_credentials(c);
	err_set(err, -EINVAL, "%s: %s", files[CERTIFICATE].path, gnutls_strerror(rc));
	return NULL;
}

static int use_pem(struct tls_cert *cert, struct err *err)
{
	struct api_cert *c = cert_of_pem(err);

	if (!c)
		return -EINVAL;
	tls_certs_use(cert, api_tls_expires(c->c));
	api_cert_drop(exchange(c));
	return 0;
}

static int use_files(void *cert, struct err *err)
{
	int rc = read_files(err);

	if (rc == 0)
		rc = use_pem(cert, err);
	dia_cert_clear(&pem);
	return rc;
}

static struct tls_cert cert = {
	.of = "TLS of own-app", .then = ", devices refuse it", .reload = use_files, .owner = &cert
};

void reg_naf_tls_end(void)
{
	tls_certs_drop(&cert);
	api_cert_drop(exchange(NULL));
}

void reg_naf_tls_on_connection(void *unused, struct MHD_Connection *c, void **used,
			       enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *i = MHD_get_connection_info(c, MHD_CONNECTION_INFO_GNUTLS_SESSION);

	if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
		api_cert_drop(*used);
		*used = NULL;
		return;
	}
	pthread_mutex_lock(&lock);
	if (i && current)
		*used = api_cert_use(current, i->tls_session);
	pthread_mutex_unlock(&lock);
}

/* --- for the server */

int reg_naf_tls_begin(struct MHD_OptionItem out[REG_NAF_TLS_OPTIONS], struct err *err)
{
	struct err why;

	out[0] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	if (!reg_naf_tls_is_on())
		return 0;
	cert.certificate = files[CERTIFICATE].path;
	cert.key = files[KEY].path;
	if (read_files(&why) < 0 || use_pem(&cert, &why) < 0) {
		dia_cert_clear(&pem);
		return cfg_error(err, -EINVAL, line, "own-app tls: %s", why.text);
	}
	for (int i = 0; i < FILES; i++)
		pem.text[i][pem.len[i]] = '\0'; /* there is room for it */
	out[0] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_CERT, 0, pem.text[CERTIFICATE] };
	out[1] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_MEM_KEY, 0, pem.text[KEY] };
	out[2] = (struct MHD_OptionItem){ MHD_OPTION_HTTPS_PRIORITIES, 0, API_TLS_PRIORITIES };
	out[3] = (struct MHD_OptionItem){ MHD_OPTION_END, 0, NULL };
	return 0;
}

void reg_naf_tls_done(void)
{
	dia_cert_clear(&pem);
}

/* A suite as GnuTLS lists them; in TLS 1.3 the exchange of keys is no part of it. */
struct suite {
	unsigned char id[2];
	gnutls_kx_algorithm_t kx;
	gnutls_cipher_algorithm_t cipher;
	gnutls_mac_algorithm_t mac;
	gnutls_protocol_t since;
};

static bool is_of(const struct suite *s, gnutls_session_t session)
{
	bool is_13 = gnutls_protocol_get_version(session) == GNUTLS_TLS1_3;

	return is_13 == (s->since == GNUTLS_TLS1_3) && (is_13 || s->kx == gnutls_kx_get(session)) &&
	       s->cipher == gnutls_cipher_get(session) && s->mac == gnutls_mac_get(session);
}

bool reg_naf_tls_ua(uint8_t out[UA_ID_LEN], gnutls_session_t session)
{
	struct suite s;

	for (size_t i = 0; gnutls_cipher_suite_info(i, s.id, &s.kx, &s.cipher, &s.mac, &s.since); i++) {
		if (!is_of(&s, session))
			continue;
		memcpy(out, (const uint8_t[]){ 0x01, 0x00, 0x01, s.id[0], s.id[1] }, UA_ID_LEN);
		return true;
	}
	return false;
}
