/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/card/card.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ue/card/card_ops.h"

static const struct {
	unsigned cap;
	const char *what;
} caps[] = {
	{ CARD_CAP_3G, "AUTHENTICATE in 3G context" },
	{ CARD_CAP_GBA, "AUTHENTICATE in GBA context" },
	{ CARD_CAP_FILES, "files" },
};

static int needs(const struct card *c, unsigned cap, struct err *err)
{
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		if (caps[i].cap == cap && !(c->caps & cap))
			return err_set(err, -ENOTSUP, "the card, or the way to it, has no %s", caps[i].what);
	}
	return 0;
}

int card_authenticate(struct card *c, struct card_answer *out, enum card_context context,
		      const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN], struct err *err)
{
	int rc = needs(c, context == CARD_CONTEXT_GBA ? CARD_CAP_GBA : CARD_CAP_3G, err);

	return rc < 0 ? rc : c->ops->authenticate(c, out, context, rand, autn, err);
}

int card_derive(struct card *c, struct secret *ks_ext_naf, struct span naf_id, struct span impi, struct err *err)
{
	int rc = needs(c, CARD_CAP_GBA, err);

	if (rc == 0 && (naf_id.len > UINT8_MAX || impi.len > UINT8_MAX))
		rc = err_set(err, -EINVAL, "the card takes a NAF_Id and an IMPI of at most 255 octets");
	return rc < 0 ? rc : c->ops->derive(c, ks_ext_naf, naf_id, impi, err);
}

int card_gbabp_read(struct card *c, struct card_gbabp *out, struct err *err)
{
	int rc = needs(c, CARD_CAP_FILES, err);

	return rc < 0 ? rc : c->ops->gbabp_read(c, out, err);
}

int card_gbabp_write(struct card *c, const char *btid, const char *lifetime, struct err *err)
{
	int rc = needs(c, CARD_CAP_FILES, err);

	return rc < 0 ? rc : c->ops->gbabp_write(c, btid, lifetime, err);
}

int card_prefer(struct card *c, enum card_wish wish, const char *name, bool may_switch, struct err *err)
{
	if (c->ops->prefer)
		return c->ops->prefer(c, wish, name, may_switch, err);
	if (wish == CARD_WISH_USIM && c->app != CARD_APP_USIM)
		return err_set(err, -ENOENT, "the card has no USIM");
	if (wish == CARD_WISH_LABEL || (wish == CARD_WISH_IMPI && strcmp(name, c->impi.s) != 0))
		return err_set(err, -ENOENT, "the card shows one application, and that is not '%s'", name);
	return 0;
}

int card_check(struct card *c, struct err *err)
{
	return c->ops->check ? c->ops->check(c, err) : 0;
}

void card_close(struct card *c)
{
	if (c)
		c->ops->close(c);
}

int card_set_usim(struct card *c, const char *imsi, int mnc_len, struct err *err)
{
	c->app = CARD_APP_USIM;
	if (impi_from_imsi(&c->impi, imsi, mnc_len) < 0 || bsf_name_from_imsi(c->bsf_name, imsi, mnc_len) < 0)
		return err_set(err, -EINVAL, "no IMPI can be made from the card's IMSI");
	snprintf(c->imsi, sizeof(c->imsi), "%s", imsi);
	return 0;
}

int card_set_isim(struct card *c, struct span impi, struct err *err)
{
	c->app = CARD_APP_ISIM;
	c->imsi[0] = '\0';
	if (impi_parse(&c->impi, impi.p, impi.len) < 0 || bsf_name_from_impi(c->bsf_name, &c->impi) < 0)
		return err_set(err, -EINVAL, "the IMPI of the card's ISIM is none that a BSF can be found for");
	return 0;
}
