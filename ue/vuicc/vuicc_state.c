/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/vuicc/vuicc_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"
#include "ue/state_file.h"

#define HEAD      "gba-vuicc state v1\n"
#define TEXT_SIZE 16384

/* RIDs and applications of 101.220; the rest says which issuer, here nobody's. */
static const uint8_t aid[VUICC_APPS][VUICC_AID_LEN] = {
	{ 0xa0, 0, 0, 0, 0x87, 0x10, 0x02, 0xff, 0xff, 0xff, 0xff, 0x89, 0, 0, 0x01, 0 },
	{ 0xa0, 0, 0, 0, 0x87, 0x10, 0x04, 0xff, 0xff, 0xff, 0xff, 0x89, 0, 0, 0x01, 0 },
};

static struct vuicc_pin pin_of(const char *digits, uint8_t tries)
{
	struct vuicc_pin p = { .tries = tries };

	memset(p.value, 0xff, sizeof(p.value));
	memcpy(p.value, digits, strlen(digits));
	return p;
}

int vuicc_state_new(struct vuicc *u, const struct sim_cfg *cfg, const char *path, struct err *err)
{
	memset(u, 0, sizeof(*u));
	if (!cfg->iccid[0])
		return err_set(err, -EINVAL, "%s: gba-vuicc needs 'iccid'", path);
	if (!cfg->pin[0] != !cfg->puk[0])
		return err_set(err, -EINVAL, "%s: 'pin' and 'puk' come together", path);
	memcpy(u->imsi, cfg->imsi, sizeof(u->imsi));
	memcpy(u->iccid, cfg->iccid, sizeof(u->iccid));
	u->mnc_len = cfg->mnc_len;
	u->impi = cfg->impi;
	snprintf(u->domain, sizeof(u->domain), "%s",
		 cfg->domain[0] ? cfg->domain : strchrnul(cfg->impi.s, '@') + !!cfg->impi.s[0]);
	u->gba = cfg->gba_u;
	u->gbabp_len = (uint8_t)(cfg->gbabp_len ? cfg->gbabp_len : 128);
	u->gbanl_len = (uint8_t)(cfg->gbanl_len ? cfg->gbanl_len : 140);
	u->has_pin = cfg->pin[0] != '\0';
	u->pin = pin_of(cfg->pin, 3);
	u->puk = pin_of(cfg->puk, 10);
	for (size_t i = 0; i < VUICC_APPS; i++) {
		struct vuicc_app *a = &u->app[i];

		a->there = i == VUICC_USIM || cfg->impi.s[0];
		a->kind = i == VUICC_USIM ? CARD_APP_USIM : CARD_APP_ISIM;
		memcpy(a->aid, aid[i], VUICC_AID_LEN);
		a->sim.cred = cfg->cred;
		a->sim.sqn.limits = cfg->limits;
		a->sim.mac_star = cfg->mac_star;
		memset(a->gbabp, 0xff, sizeof(a->gbabp));
	}
	vuicc_reset(u);
	return 0;
}

static void put_hex(struct writer *w, const char *word, const void *p, size_t len)
{
	char hex[2 * VUICC_FILE_MAX + 1];

	hex_encode(hex, sizeof(hex), p, len);
	writer_printf(w, "%s%s", word, hex);
	OPENSSL_cleanse(hex, sizeof(hex));
}

static void put_app(struct writer *w, const struct vuicc_app *a)
{
	sim_state_put(w, &a->sim);
	put_hex(w, "gbabp ", a->gbabp, sizeof(a->gbabp));
	writer_str(w, "\n");
	for (size_t i = 0; i < VUICC_NAFS; i++) {
		const struct vuicc_naf *n = &a->naf[i];

		if (!n->len)
			continue;
		put_hex(w, "naf ", n->naf_id, n->len);
		put_hex(w, " ", n->ks_int.b, n->ks_int.len);
		writer_printf(w, " %" PRIu64 " %s\n", n->used, n->btid);
	}
}

int vuicc_state_save(const struct vuicc *u, const char *path, struct err *err)
{
	char text[TEXT_SIZE];
	struct writer w;
	int rc;

	writer_init(&w, text, sizeof(text));
	writer_printf(&w, HEAD "clock %" PRIu64 "\n", u->naf_clock);
	put_hex(&w, "pin ", u->pin.value, sizeof(u->pin.value));
	writer_printf(&w, " %u\n", u->pin.tries);
	put_hex(&w, "puk ", u->puk.value, sizeof(u->puk.value));
	writer_printf(&w, " %u\n", u->puk.tries);
	for (size_t i = 0; i < VUICC_APPS; i++)
		put_app(&w, &u->app[i]);
	rc = writer_end(&w);
	if (rc >= 0)
		rc = state_file_replace(path, text, w.len, err);
	OPENSSL_cleanse(text, sizeof(text));
	return rc;
}

/* One word of the line at *p, behind it a blank or the end of the line. \returns false: none */
static bool word(struct span *out, const char **p)
{
	size_t n = strcspn(*p, " \n");

	*out = span_of(*p, n);
	*p += n;
	if (!**p)
		return false;
	(*p)++;
	return true;
}

static bool get_number(uint64_t *out, const char **p)
{
	struct span w;
	char *end;

	if (!word(&w, p) || !w.len || w.p[0] < '0' || w.p[0] > '9')
		return false;
	*out = strtoull((const char *)w.p, &end, 10);
	return end == (const char *)w.p + w.len;
}

static bool octets(uint8_t *out, size_t cap, int want, const char **p, int *got)
{
	struct span w;

	if (!word(&w, p))
		return false;
	*got = hex_decode(out, cap, w.p, w.len);
	return *got > 0 && (want < 0 || *got == want);
}

static bool expect_word(const char *name, const char **p)
{
	size_t n = strlen(name);

	if (strncmp(*p, name, n) != 0)
		return false;
	*p += n;
	return true;
}

static bool get_pin(struct vuicc_pin *pin, const char *name, unsigned most, const char **p)
{
	uint64_t tries;
	int n;

	if (!expect_word(name, p) || !octets(pin->value, VUICC_PIN_LEN, VUICC_PIN_LEN, p, &n) ||
	    !get_number(&tries, p) || tries > most)
		return false;
	pin->tries = (uint8_t)tries;
	return true;
}

static bool get_naf(struct vuicc_naf *naf, const char **p)
{
	uint8_t key[SECRET_MAX];
	struct span btid;
	int n, n_key;
	bool ok = octets(naf->naf_id, sizeof(naf->naf_id), -1, p, &n) && octets(key, sizeof(key), 32, p, &n_key) &&
		  get_number(&naf->used, p) && word(&btid, p) && span_to_str(naf->btid, sizeof(naf->btid), btid) == 0;

	if (ok) {
		naf->len = (uint8_t)n;
		secret_set(&naf->ks_int, key, (size_t)n_key);
	}
	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

static bool get_app(struct vuicc_app *a, const char **p)
{
	int n;

	if (sim_state_get(&a->sim, p) < 0 || !expect_word("gbabp ", p) ||
	    !octets(a->gbabp, sizeof(a->gbabp), sizeof(a->gbabp), p, &n))
		return false;
	for (size_t i = 0; i < VUICC_NAFS && expect_word("naf ", p); i++) {
		if (!get_naf(&a->naf[i], p))
			return false;
	}
	return true;
}

static bool get_all(struct vuicc *u, const char *p)
{
	if (!expect_word(HEAD, &p) || !expect_word("clock ", &p) || !get_number(&u->naf_clock, &p) ||
	    !get_pin(&u->pin, "pin ", 3, &p) || !get_pin(&u->puk, "puk ", 10, &p))
		return false;
	for (size_t i = 0; i < VUICC_APPS; i++) {
		if (!get_app(&u->app[i], &p))
			return false;
	}
	return !*p;
}

int vuicc_state_load(struct vuicc *u, const char *path, struct err *err)
{
	char *text;
	size_t len;
	int rc = state_file_read(path, &text, &len, err);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	if (!get_all(u, text))
		rc = err_set(err, -EBADMSG, "%s: is no state of a gba-vuicc; move it away to start with a new card",
			     path);
	OPENSSL_cleanse(text, len);
	free(text);
	return rc;
}
