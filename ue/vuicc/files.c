/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The files (TS 102.221 13, 31.102 4, 31.103 4) and the commands that reach them. */
#include <string.h>

#include "ue/vuicc/vuicc.h"

#define MF  0x3f00
#define ADF 0x7fff

/* Content of a file, or of record r (1..), padded by the caller. */
typedef size_t content_fn(const struct vuicc *u, const struct vuicc_app *app, unsigned r, uint8_t out[VUICC_FILE_MAX]);

struct vuicc_file {
	int where; /* VUICC_USIM, VUICC_ISIM, IN_MF */
	uint16_t fid;
	uint8_t sfi;      /* 0: none */
	bool pin;         /* READ, and UPDATE if there is one, want the PIN */
	bool gba;         /* there with service 68 (USIM) or 2 (ISIM) */
	unsigned records; /* 0: transparent */
	content_fn *content;
};

#define IN_MF -1

/* Digits, two an octet, the first in the low half; an odd end is filled with F. */
static size_t bcd(uint8_t *out, const char *digits, size_t octets)
{
	memset(out, 0xff, octets);
	for (size_t i = 0; digits[i] && i / 2 < octets; i++)
		out[i / 2] = i % 2 ? (uint8_t)((out[i / 2] & 0x0f) | (digits[i] - '0') << 4)
				   : (uint8_t)(0xf0 | (digits[i] - '0'));
	return octets;
}

static size_t ef_iccid(const struct vuicc *u, const struct vuicc_app *app, unsigned r, uint8_t *out)
{
	return bcd(out, u->iccid, 10);
}

/* 102.221 13.1: 61, then 4F AID and 50 label */
static size_t ef_dir(const struct vuicc *u, const struct vuicc_app *app, unsigned r, uint8_t *out)
{
	const struct vuicc_app *a = &u->app[r - 1];
	const char *label = r - 1 == VUICC_USIM ? "USIM" : "ISIM";

	memset(out, 0xff, 38);
	if (!a->there)
		return 38;
	out[0] = 0x61;
	out[1] = 2 + VUICC_AID_LEN + 2 + 4;
	out[2] = 0x4f;
	out[3] = VUICC_AID_LEN;
	memcpy(out + 4, a->aid, VUICC_AID_LEN);
	out[4 + VUICC_AID_LEN] = 0x50;
	out[5 + VUICC_AID_LEN] = 4;
	memcpy(out + 6 + VUICC_AID_LEN, label, 4);
	return 38;
}

/* 31.102 4.2.2: length, then parity and digits */
static size_t ef_imsi(const struct vuicc *u, const struct vuicc_app *app, unsigned r, uint8_t *out)
{
	char digits[18];
	size_t n = strlen(u->imsi);

	memset(out, 0xff, 9);
	out[0] = (uint8_t)(n / 2 + 1);
	digits[0] = n % 2 ? '9' : '1'; /* the first half octet: 1001 odd, 0001 even */
	strcpy(digits + 1, u->imsi);
	bcd(out + 1, digits, 8);
	return 9;
}

static size_t ef_ad(const struct vuicc *u, const struct vuicc_app *app, unsigned r, uint8_t *out)
{
	memset(out, 0, 3);
	out[3] = (uint8_t)u->mnc_len;
	return 4;
}

static void service(uint8_t *table, unsigned n)
{
	table[(n - 1) / 8] |= (uint8_t)(1 << (n - 1) % 8);
}

static size_t ef_ust(const struct vuicc *u, const struct vuicc_app *app, unsigned r, uint8_t *out)
{
	memset(out, 0, 17);
	service(out, 27); /* GSM access */
	service(out, 38); /* GSM security context */
	if (u->gba)
		service(out, 68);
	return 17;
}

static size_t ef_ist(const struct vuicc *u, const struct vuicc_app *app, unsigned r, uint8_t *out)
{
	memset(out, 0, 2);
	if (u->gba)
		service(out, 2);
	return 2;
}

/* 31.103: tag 80, length, text */
static size_t text_80(uint8_t *out, const char *text)
{
	size_t n = strlen(text);

	out[0] = 0x80;
	out[1] = (uint8_t)n;
	memcpy(out + 2, text, n);
	return n + 2;
}

static size_t ef_impi(const struct vuicc *u, const struct vuicc_app *app, unsigned r, uint8_t *out)
{
	return text_80(out, u->impi.s);
}

static size_t ef_domain(const struct vuicc *u, const struct vuicc_app *app, unsigned r, uint8_t *out)
{
	return text_80(out, u->domain);
}

static size_t ef_gbabp(const struct vuicc *u, const struct vuicc_app *app, unsigned r, uint8_t *out)
{
	memcpy(out, app->gbabp, u->gbabp_len);
	return u->gbabp_len;
}

static uint8_t *put_tlv(uint8_t *p, uint8_t tag, const void *value, size_t len)
{
	*p++ = tag;
	if (len > 127)
		*p++ = 0x81;
	*p++ = (uint8_t)len;
	memcpy(p, value, len);
	return p + len;
}

static size_t ef_gbanl(const struct vuicc *u, const struct vuicc_app *app, unsigned r, uint8_t *out)
{
	const struct vuicc_naf *naf = &app->naf[r - 1];

	memset(out, 0xff, u->gbanl_len);
	if (naf->len)
		put_tlv(put_tlv(out, 0x80, naf->naf_id, naf->len), 0x81, naf->btid, strlen(naf->btid));
	return u->gbanl_len;
}

static const struct vuicc_file files[] = {
	{ IN_MF, 0x2f00, 0x1e, false, false, VUICC_APPS, ef_dir },
	{ IN_MF, 0x2fe2, 0x02, false, false, 0, ef_iccid },
	{ VUICC_USIM, 0x6f07, 0x07, true, false, 0, ef_imsi },
	{ VUICC_USIM, 0x6fad, 0x03, false, false, 0, ef_ad },
	{ VUICC_USIM, 0x6f38, 0x04, true, false, 0, ef_ust },
	{ VUICC_USIM, 0x6fd6, 0x00, true, true, 0, ef_gbabp },
	{ VUICC_USIM, 0x6fda, 0x00, true, true, VUICC_NAFS, ef_gbanl },
	{ VUICC_ISIM, 0x6f02, 0x02, true, false, 0, ef_impi },
	{ VUICC_ISIM, 0x6f03, 0x05, true, false, 0, ef_domain },
	{ VUICC_ISIM, 0x6f07, 0x07, true, false, 0, ef_ist },
	{ VUICC_ISIM, 0x6fad, 0x03, false, false, 0, ef_ad },
	{ VUICC_ISIM, 0x6fd5, 0x00, true, true, 0, ef_gbabp },
	{ VUICC_ISIM, 0x6fd7, 0x00, true, true, VUICC_NAFS, ef_gbanl },
};

static int folder_of(const struct vuicc *u, const struct vuicc_app *app)
{
	return app ? (int)(app - u->app) : IN_MF;
}

static const struct vuicc_file *file_find(const struct vuicc *u, const struct vuicc_app *app, unsigned fid,
					  unsigned sfi)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const struct vuicc_file *f = &files[i];

		if (f->where == folder_of(u, app) && (fid ? f->fid == fid : f->sfi == sfi) && (!f->gba || u->gba))
			return f;
	}
	return NULL;
}

/* 102.221 11.1.1.3: what SELECT and STATUS tell */
static size_t fcp_of_file(const struct vuicc *u, const struct vuicc_app *app, const struct vuicc_file *f, uint8_t *out)
{
	uint8_t content[VUICC_FILE_MAX], *p = out + 2;
	size_t len = f->content(u, app, 1, content);
	const uint8_t kind[] = { f->records ? 0x42 : 0x41, 0x21, 0, (uint8_t)len, (uint8_t)f->records };
	uint8_t number[2];

	p = put_tlv(p, 0x82, kind, f->records ? 5 : 2);
	be16_put(number, f->fid);
	p = put_tlv(p, 0x83, number, 2);
	p = put_tlv(p, 0x8a, "\5", 1);
	p = put_tlv(p, 0x8b, (const uint8_t[]){ 0x2f, 0x06, f->pin ? 2 : 1 }, 3);
	be16_put(number, (uint16_t)(len * (f->records ? f->records : 1)));
	p = put_tlv(p, 0x80, number, 2);
	if (f->sfi)
		p = put_tlv(p, 0x88, (const uint8_t[]){ (uint8_t)(f->sfi << 3) }, 1);
	out[0] = 0x62;
	out[1] = (uint8_t)(p - out - 2);
	return (size_t)(p - out);
}

static size_t fcp_of_folder(const struct vuicc *u, const struct vuicc_app *app, uint8_t *out)
{
	const uint8_t pin_status[] = { 0x90, 0x01, u->has_pin ? 0x80 : 0x00, 0x83, 0x01, 0x01 };
	uint8_t number[2], *p = out + 2;

	p = put_tlv(p, 0x82, "\x78\x21", 2);
	be16_put(number, app ? ADF : MF);
	p = put_tlv(p, 0x83, number, 2);
	if (app)
		p = put_tlv(p, 0x84, app->aid, VUICC_AID_LEN);
	p = put_tlv(p, 0x8a, "\5", 1);
	p = put_tlv(p, 0xc6, pin_status, sizeof(pin_status));
	out[0] = 0x62;
	out[1] = (uint8_t)(p - out - 2);
	return (size_t)(p - out);
}

/* One step of a path. */
static enum apdu_sw step(const struct vuicc *u, struct vuicc_app **app, struct vuicc_app *active,
			 const struct vuicc_file **f, unsigned fid)
{
	*f = NULL;
	if (fid == MF) {
		*app = NULL;
	} else if (fid == ADF) {
		if (!active)
			return SW_NOT_FOUND;
		*app = active;
	} else {
		*f = file_find(u, *app, fid, 0);
		if (!*f && *app) /* files of the MF are found from everywhere, 102.221 8.4.1 has them one level up */
			*f = file_find(u, NULL, fid, 0);
		if (!*f)
			return SW_NOT_FOUND;
	}
	return SW_OK;
}

static enum apdu_sw select_path(struct vuicc *u, struct vuicc_channel *c, struct span path, struct vuicc_app **app,
				const struct vuicc_file **f)
{
	enum apdu_sw sw = SW_OK;

	if (!path.len || path.len % 2)
		return SW_LENGTH;
	for (size_t i = 0; i < path.len && sw == SW_OK; i += 2)
		sw = *f ? SW_NOT_FOUND : step(u, app, c->active, f, be16_get(path.p + i));
	return sw;
}

/* By the whole name or its beginning; the first that fits. */
static enum apdu_sw select_aid(struct vuicc *u, struct span aid, struct vuicc_app **app)
{
	for (size_t i = 0; i < VUICC_APPS; i++) {
		if (u->app[i].there && aid.len >= 5 && aid.len <= VUICC_AID_LEN &&
		    memcmp(u->app[i].aid, aid.p, aid.len) == 0) {
			*app = &u->app[i];
			return SW_OK;
		}
	}
	return SW_NOT_FOUND;
}

enum apdu_sw vuicc_select(struct vuicc *u, struct vuicc_channel *c, const struct apdu *a, uint8_t *out, size_t *n)
{
	const struct vuicc_file *f = NULL;
	struct vuicc_app *app = c->app;
	enum apdu_sw sw;

	if (a->p2 != 0x00 && a->p2 != 0x04 && a->p2 != 0x0c)
		return SW_P1_P2;
	switch (a->p1) {
	case 0x00:
		sw = a->data.len == 2 ? select_path(u, c, a->data, &app, &f) : SW_LENGTH;
		break;
	case 0x04:
		sw = select_aid(u, a->data, &app);
		break;
	case 0x08: /* from the MF; one that begins with the current ADF names it */
		app = NULL;
		sw = select_path(u, c, a->data, &app, &f);
		break;
	case 0x09:
		sw = select_path(u, c, a->data, &app, &f);
		break;
	default:
		return SW_P1_P2;
	}
	if (sw != SW_OK)
		return sw;
	/* a file of the MF beside an application leaves the application selected */
	if (a->p1 == 0x04 || !f || f->where != IN_MF)
		c->app = app;
	if (a->p1 == 0x04)
		c->active = app;
	c->file = f;
	if (a->p2 != 0x0c)
		*n = f ? fcp_of_file(u, app, f, out) : fcp_of_folder(u, app, out);
	return SW_OK;
}

enum apdu_sw vuicc_status(struct vuicc *u, struct vuicc_channel *c, const struct apdu *a, uint8_t *out, size_t *n)
{
	if (a->p1 > 2 || (a->p2 != 0x00 && a->p2 != 0x0c))
		return SW_P1_P2;
	if (a->p2 == 0x0c)
		return SW_OK;
	*n = fcp_of_folder(u, c->app, out);
	return a->le == 256 || a->le == *n ? SW_OK : SW_LE | (uint8_t)*n;
}

/* The file a READ or UPDATE means: the current one, or one by its short name in P1. */
static enum apdu_sw file_meant(const struct vuicc *u, struct vuicc_channel *c, unsigned sfi, bool records)
{
	if (sfi) {
		const struct vuicc_file *f = file_find(u, c->app, 0, sfi);

		if (!f)
			return SW_NOT_FOUND;
		c->file = f;
	}
	if (!c->file)
		return SW_NO_EF;
	if (!c->file->records != !records)
		return SW_FILE_KIND;
	return c->file->pin && !vuicc_may(u) ? SW_SECURITY : SW_OK;
}

static enum apdu_sw offset_of(const struct apdu *a, unsigned *sfi, size_t *offset)
{
	*sfi = a->p1 & 0x80 ? a->p1 & 0x1f : 0;
	*offset = a->p1 & 0x80 ? a->p2 : (size_t)a->p1 << 8 | a->p2;
	return (a->p1 & 0x80) && (!*sfi || (a->p1 & 0x60)) ? SW_P1_P2 : SW_OK;
}

enum apdu_sw vuicc_read_binary(struct vuicc *u, struct vuicc_channel *c, const struct apdu *a, uint8_t *out, size_t *n)
{
	uint8_t content[VUICC_FILE_MAX];
	size_t offset, len;
	unsigned sfi;
	enum apdu_sw sw = offset_of(a, &sfi, &offset);

	if (sw == SW_OK)
		sw = file_meant(u, c, sfi, false);
	if (sw != SW_OK)
		return sw;
	len = c->file->content(u, c->app, 0, content);
	if (offset >= len)
		return SW_OFFSET;
	if (a->le > len - offset)
		return SW_LE | (uint8_t)(len - offset);
	memcpy(out, content + offset, a->le);
	*n = a->le;
	return SW_OK;
}

enum apdu_sw vuicc_read_record(struct vuicc *u, struct vuicc_channel *c, const struct apdu *a, uint8_t *out, size_t *n)
{
	uint8_t content[VUICC_FILE_MAX];
	enum apdu_sw sw;
	size_t len;

	if ((a->p2 & 7) != 4) /* absolute alone */
		return SW_P1_P2;
	sw = file_meant(u, c, a->p2 >> 3, true);
	if (sw != SW_OK)
		return sw;
	if (!a->p1 || a->p1 > c->file->records)
		return SW_NO_RECORD;
	len = c->file->content(u, c->app, a->p1, content);
	if (a->le != len)
		return SW_LE | (uint8_t)len;
	memcpy(out, content, len);
	*n = len;
	return SW_OK;
}

/* EF_GBABP alone is the device's to write, and of it what stands behind the card's RAND. */
enum apdu_sw vuicc_update_binary(struct vuicc *u, struct vuicc_channel *c, const struct apdu *a, uint8_t *out,
				 size_t *n)
{
	uint8_t before[VUICC_FILE_MAX];
	size_t offset;
	unsigned sfi;
	enum apdu_sw sw = offset_of(a, &sfi, &offset);

	if (sw == SW_OK)
		sw = file_meant(u, c, sfi, false);
	if (sw != SW_OK)
		return sw;
	if (c->file->content != ef_gbabp || offset < 1 + AKA_RAND_LEN)
		return SW_SECURITY;
	if (offset >= u->gbabp_len)
		return SW_OFFSET;
	if (a->data.len > u->gbabp_len - offset)
		return SW_LENGTH;
	memcpy(before, c->app->gbabp, sizeof(before));
	memcpy(c->app->gbabp + offset, a->data.p, a->data.len);
	if (u->save(u) == 0)
		return SW_OK;
	memcpy(c->app->gbabp, before, sizeof(before));
	return SW_NOT_SAVED;
}

/* No record is the device's to write (EF_GBANL: ADM). */
enum apdu_sw vuicc_update_record(struct vuicc *u, struct vuicc_channel *c, const struct apdu *a, uint8_t *out,
				 size_t *n)
{
	enum apdu_sw sw = file_meant(u, c, a->p2 >> 3, true);

	return sw == SW_OK ? SW_SECURITY : sw;
}
