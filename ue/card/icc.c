/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/card/icc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"
#include "ue/card/icc_in.h"

#define DEFAULT_STATE "gba-ue-card.state"
#define RECORDS_MAX   8

/* Numbers of files and services that differ between USIM and ISIM. */
static const struct {
	uint16_t table, gbabp;
	unsigned gba; /* service */
} kinds[] = {
	[CARD_APP_USIM] = { 0x6f38, 0x6fd6, 68 },
	[CARD_APP_ISIM] = { 0x6f07, 0x6fd5, 2 },
};

int icc_refused(const struct icc *c, uint16_t sw, const char *doing, struct err *err)
{
	switch (sw) {
	case ICC_SW_PIN:
		return err_set(err, -EACCES, "%s: %s: the card wants its PIN (6982)", c->what, doing);
	case 0x6983:
		return err_set(err, -EACCES, "%s: %s: the PIN is blocked (6983): only the PUK helps", c->what, doing);
	case 0x6985:
		return err_set(err, -ENOKEY, "%s: %s: the card has no Ks (6985)", c->what, doing);
	case 0x9864:
		return err_set(err, -ENOTSUP, "%s: %s: the card has no such context (9864)", c->what, doing);
	default:
		return err_set(err, -EIO, "%s: %s: status word %04x", c->what, doing, sw);
	}
}

/* Ask; any other status word than 9000 is an error of its kind. */
int icc_ask(struct icc *c, struct link_command cmd, struct link_answer *a, const char *doing, struct err *err)
{
	int rc = link_ask(c->link, &cmd, a, err);

	return rc < 0 || a->sw == ICC_SW_OK ? rc : icc_refused(c, a->sw, doing, err);
}

static int select_file(struct icc *c, bool of_mf, uint16_t fid, const char *name, struct err *err)
{
	uint8_t path[4] = { 0x7f, 0xff };
	struct link_answer a;

	be16_put(path + 2, fid);
	return icc_ask(c,
		       (struct link_command){ .ins = 0xa4,
					      .p1 = 0x08,
					      .p2 = ICC_P2_NONE,
					      .le = -1,
					      .data = of_mf ? span_of(path + 2, 2) : span_of(path, 4) },
		       &a, name, err);
}

/* \returns octets read */
static int icc_read(struct icc *c, bool of_mf, uint16_t fid, const char *name, struct link_answer *a, struct err *err)
{
	int rc = select_file(c, of_mf, fid, name, err);

	if (rc == 0)
		rc = icc_ask(c, (struct link_command){ .ins = 0xb0, .le = 0 }, a, name, err);
	return rc < 0 ? rc : (int)a->len;
}

static int read_dir(struct icc *c, uint8_t *out, size_t cap, struct err *err)
{
	struct link_answer a;
	size_t n = 0;
	int rc = c->link->ops->dir ? c->link->ops->dir(c->link, out, cap, err) : -ENOTSUP;

	if (rc != -ENOTSUP)
		return rc;
	rc = select_file(c, true, 0x2f00, "EF_DIR", err);
	for (uint8_t i = 1; i <= RECORDS_MAX && rc == 0; i++) {
		rc = link_ask(c->link, &(struct link_command){ .ins = 0xb2, .p1 = i, .p2 = 4, .le = 0 }, &a, err);
		if (rc < 0 || a.sw != ICC_SW_OK || n + a.len > cap)
			break;
		memcpy(out + n, a.data, a.len);
		n += a.len;
	}
	return rc < 0 ? rc : (int)n;
}

static int read_apps(struct icc *c, struct err *err)
{
	uint8_t records[1024];
	int rc = read_dir(c, records, sizeof(records), err);

	if (rc >= 0)
		icc_apps_read(&c->apps, span_of(records, (size_t)rc));
	return rc < 0 ? rc : 0;
}

/* Nobody between our commands, and the application is selected. */
int icc_begin(struct icc *c, struct err *err)
{
	int rc = c->link->ops->hold ? c->link->ops->hold(c->link, err) : 0;

	if (rc != -EAGAIN)
		return rc;
	/* somebody has reset the card: nothing of ours is there any more */
	memset(c->apps.active, 0, sizeof(c->apps.active));
	rc = c->link->ops->hold(c->link, err);
	if (rc == 0)
		rc = icc_enter(c, false, err);
	if (rc == 0)
		icc_note_place(c);
	return rc;
}

void icc_end(struct icc *c)
{
	if (c->link->ops->let_go)
		c->link->ops->let_go(c->link);
}

static int read_iccid(struct icc *c, uint8_t out[ICCID_LEN], struct err *err)
{
	struct link_answer a;
	int rc = icc_read(c, true, 0x2fe2, "EF_ICCID", &a, err);

	if (rc < 0)
		return rc;
	if (rc != ICCID_LEN)
		return err_set(err, -EIO, "%s: EF_ICCID has %d octets", c->what, rc);
	memcpy(out, a.data, ICCID_LEN);
	return 0;
}

static bool has_service(const struct link_answer *table, unsigned n)
{
	return (n - 1) / 8 < table->len && table->data[(n - 1) / 8] >> (n - 1) % 8 & 1;
}

static int read_services(struct icc *c, struct err *err)
{
	struct link_answer a;
	int rc = icc_read(c, false, kinds[icc_now(c)->kind].table, "service table", &a, err);

	if (rc < 0)
		return rc;
	c->base.caps = CARD_CAP_3G;
	if (has_service(&a, kinds[icc_now(c)->kind].gba))
		c->base.caps |= CARD_CAP_GBA | CARD_CAP_FILES;
	if (c->link->ops->check)
		c->base.caps |= CARD_CAP_REMOVAL;
	return 0;
}

static int read_isim(struct icc *c, struct err *err)
{
	struct link_answer a;
	int rc = icc_read(c, false, 0x6f02, "EF_IMPI", &a, err);

	if (rc < 0)
		return rc;
	if (rc < 2 || a.data[0] != 0x80 || a.data[1] > rc - 2)
		return err_set(err, -EIO, "%s: EF_IMPI holds no IMPI", c->what);
	return card_set_isim(&c->base, span_of(a.data + 2, a.data[1]), err);
}

/* EF_IMSI: length, then a half octet of parity and the digits. */
static int imsi_of(char imsi[16], const struct link_answer *a)
{
	unsigned n = 0, octets = a->len ? a->data[0] : 0;

	if (!octets || octets > 8 || a->len < 1u + octets)
		return -EBADMSG;
	for (unsigned i = 1; i < 2 * octets && n < 15; i++) {
		uint8_t digit = a->data[1 + i / 2] >> (i % 2 ? 4 : 0) & 15;

		if (digit > 9)
			break;
		imsi[n++] = (char)('0' + digit);
	}
	imsi[n] = '\0';
	return n >= 6 ? 0 : -EBADMSG;
}

static int read_usim(struct icc *c, struct err *err)
{
	struct link_answer a;
	char imsi[16];
	int rc = icc_read(c, false, 0x6f07, "EF_IMSI", &a, err), mnc_len = c->how.mnc_len;

	if (rc < 0)
		return rc;
	if (imsi_of(imsi, &a) < 0)
		return err_set(err, -EIO, "%s: EF_IMSI holds no IMSI", c->what);
	rc = mnc_len ? 0 : icc_read(c, false, 0x6fad, "EF_AD", &a, err);
	if (rc < 0)
		return rc;
	if (!mnc_len)
		mnc_len = a.len > 3 ? a.data[3] & 15 : 0;
	if (mnc_len != 2 && mnc_len != 3)
		return err_set(err, -EINVAL, "%s: the card does not tell how long its MNC is: give mnc-length=2 or 3",
			       c->what);
	return card_set_usim(&c->base, imsi, mnc_len, err);
}

int icc_identity(struct icc *c, struct err *err)
{
	int rc = read_services(c, err);

	if (rc < 0)
		return rc;
	return icc_now(c)->kind == CARD_APP_USIM ? read_usim(c, err) : read_isim(c, err);
}

static int read_all(struct icc *c, struct err *err)
{
	char hex[2 * ICCID_LEN + 1];
	int rc = read_apps(c, err);

	if (rc == 0) {
		c->first = c->apps.now = icc_choose(&c->apps, c->how.wish, c->how.label);
		rc = c->first < 0 ? icc_no_app(c, c->first, err) : icc_enter(c, !c->link->ops->select, err);
	}
	if (rc == 0)
		rc = read_iccid(c, c->iccid, err);
	if (rc == 0)
		rc = icc_identity(c, err);
	if (rc < 0)
		return rc;
	hex_encode(hex, sizeof(hex), c->iccid, sizeof(c->iccid));
	snprintf(c->base.serial, sizeof(c->base.serial), "%s%s%s", hex, c->link->mark[0] ? "#" : "", c->link->mark);
	c->base.state_path = strdup(c->how.state[0] ? c->how.state : DEFAULT_STATE);
	icc_note_place(c);
	return c->base.state_path ? 0 : -ENOMEM;
}

/* One of the texts of EF_GBABP behind its length; what was never written is FF. */
static void text_at(char *out, size_t cap, const struct link_answer *a, size_t *at)
{
	size_t len = *at < a->len ? a->data[*at] : 0;

	out[0] = '\0';
	if (*at + 1 + len <= a->len && span_to_str(out, cap, span_of(a->data + *at + 1, len)) < 0)
		out[0] = '\0';
	*at += 1 + len;
}

static int icc_gbabp_read(struct card *base, struct card_gbabp *out, struct err *err)
{
	struct icc *c = (struct icc *)base;
	size_t at = 1 + AKA_RAND_LEN;
	struct link_answer a;
	int rc = icc_begin(c, err);

	if (rc < 0)
		return rc;
	rc = icc_read(c, false, kinds[icc_now(c)->kind].gbabp, "EF_GBABP", &a, err);
	icc_end(c);
	if (rc < 0)
		return rc;
	*out = (struct card_gbabp){ .has_rand = a.len > at && a.data[0] == AKA_RAND_LEN };
	if (!out->has_rand)
		return 0;
	memcpy(out->rand, a.data + 1, AKA_RAND_LEN);
	text_at(out->btid, sizeof(out->btid), &a, &at);
	text_at(out->lifetime, sizeof(out->lifetime), &a, &at);
	return 0;
}

static int icc_gbabp_write(struct card *base, const char *btid, const char *lifetime, struct err *err)
{
	const uint8_t lengths[] = { (uint8_t)strlen(btid), (uint8_t)strlen(lifetime) };
	struct icc *c = (struct icc *)base;
	struct link_answer a;
	uint8_t data[255];
	struct writer w;
	int rc;

	writer_init(&w, data, sizeof(data));
	writer_put(&w, lengths, 1);
	writer_str(&w, btid);
	writer_put(&w, lengths + 1, 1);
	writer_str(&w, lifetime);
	if (w.overflow)
		return err_set(err, -ENOSPC, "%s: B-TID and lifetime are too long for EF_GBABP", c->what);
	rc = icc_begin(c, err);
	if (rc < 0)
		return rc;
	rc = select_file(c, false, kinds[icc_now(c)->kind].gbabp, "EF_GBABP", err);
	if (rc == 0)
		rc = link_ask(c->link,
			      &(struct link_command){
				      .ins = 0xd6, .p2 = 1 + AKA_RAND_LEN, .data = span_of(data, w.len), .le = -1 },
			      &a, err);
	icc_end(c);
	if (rc == 0 && (a.sw == 0x6700 || a.sw == 0x6b00 || a.sw == 0x6a84))
		return err_set(err, -ENOSPC, "%s: EF_GBABP is too short for %zu octets of B-TID and lifetime", c->what,
			       w.len);
	return rc < 0 || a.sw == ICC_SW_OK ? rc : icc_refused(c, a.sw, "EF_GBABP", err);
}

static int icc_check(struct card *base, struct err *err)
{
	struct icc *c = (struct icc *)base;
	uint8_t iccid[ICCID_LEN];
	int rc;

	if (c->link->ops->check)
		return c->link->ops->check(c->link, err);
	rc = icc_begin(c, err);
	if (rc < 0)
		return rc;
	rc = read_iccid(c, iccid, err);
	icc_end(c);
	if (rc == 0 && memcmp(iccid, c->iccid, sizeof(iccid)) != 0)
		rc = err_set(err, -ENODEV, "%s: there is another card", c->what);
	return rc;
}

static void icc_close(struct card *base)
{
	struct icc *c = (struct icc *)base;
	const uint8_t channel = c->link->channel;
	const int session = c->link->session;
	bool known = false;

	for (size_t i = 0; i < c->apps.n; i++) {
		if (!c->apps.active[i])
			continue;
		known |= c->places[i].channel == channel && c->places[i].session == session;
		icc_leave(c, c->places[i].channel, c->places[i].session);
	}
	if (!known)
		icc_leave(c, channel, session); /* opening failed half way */
	c->link->ops->close(c->link);
	free(c->base.state_path);
	OPENSSL_cleanse(c, sizeof(*c));
	free(c);
}

static const struct card_ops icc_ops = {
	.authenticate = icc_authenticate,
	.derive = icc_derive,
	.gbabp_read = icc_gbabp_read,
	.gbabp_write = icc_gbabp_write,
	.prefer = icc_prefer,
	.check = icc_check,
	.close = icc_close,
};

int icc_open(struct card **out, struct link *l, const struct card_choice *how, const char *what, struct err *err)
{
	struct icc *c = calloc(1, sizeof(*c));
	int rc;

	if (!c) {
		l->ops->close(l);
		return -ENOMEM;
	}
	c->base.ops = &icc_ops;
	c->link = l;
	c->apps.now = -1;
	l->session = -1;
	c->how = *how;
	snprintf(c->what, sizeof(c->what), "%s", what);
	rc = l->ops->hold ? l->ops->hold(l, err) : 0;
	if (rc == 0 && !l->ops->select)
		rc = icc_open_channel(c, err);
	if (rc == 0)
		rc = read_all(c, err);
	icc_end(c);
	if (rc < 0) {
		icc_close(&c->base);
		return rc;
	}
	*out = &c->base;
	return 0;
}
