/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The applications of a card (TS 33.220 4.4.8): each that is chosen is activated on a channel of its own and stays there. */
#include <errno.h>
#include <string.h>

#include "common/base/hex.h"
#include "ue/card/icc_in.h"

/* A channel of our own, so that nobody's SELECT is in our way; a card without another one: the basic channel. */
int icc_open_channel(struct icc *c, struct err *err)
{
	struct link_answer a;
	int rc;

	c->link->channel = 0;
	rc = link_ask(c->link, &(struct link_command){ .ins = 0x70, .le = 1 }, &a, err);
	if (rc == 0 && a.sw == ICC_SW_OK && a.len == 1 && a.data[0] < 4)
		c->link->channel = a.data[0];
	return rc;
}

/* \param[in] fresh a channel is open on which nothing is selected yet */
static int select_app(struct icc *c, bool fresh, struct err *err)
{
	const struct span aid = span_of(icc_now(c)->aid, icc_now(c)->aid_len);
	struct link_answer a;
	int rc = c->link->ops->select ? c->link->ops->select(c->link, aid, err) : -ENOTSUP;

	if (rc != -ENOTSUP)
		return rc;
	rc = fresh ? 0 : icc_open_channel(c, err);
	if (rc < 0)
		return rc;
	return icc_ask(c, (struct link_command){ .ins = 0xa4, .p1 = 0x04, .p2 = ICC_P2_NONE, .data = aid, .le = -1 },
		       &a, "SELECT", err);
}

/* How many tries there are; a card without PIN, or with one that is verified, answers something else than 63Cx. */
static int pin_tries(struct icc *c, struct err *err)
{
	struct link_answer a;
	int rc = link_ask(c->link, &(struct link_command){ .ins = 0x20, .p2 = 1, .le = -1 }, &a, err);

	if (rc < 0)
		return rc;
	if (a.sw == 0x6983)
		return icc_refused(c, a.sw, "PIN", err);
	return (a.sw & 0xfff0) == 0x63c0 ? a.sw & 15 : 16;
}

/* The last try is left to a person. */
static int verify_pin(struct icc *c, struct err *err)
{
	int tries = pin_tries(c, err), rc;
	struct link_answer a;
	uint8_t pin[8];

	if (tries < 0 || tries > 15)
		return tries < 0 ? tries : 0;
	if (tries < 2)
		return err_set(err, -EACCES, "%s: one try is left for the PIN: it is not used up by itself", c->what);
	rc = card_choice_pin(pin, &c->how, err);
	if (rc < 0)
		return rc;
	rc = link_ask(c->link, &(struct link_command){ .ins = 0x20, .p2 = 1, .data = span_of(pin, 8), .le = -1 }, &a,
		      err);
	OPENSSL_cleanse(pin, sizeof(pin));
	if (rc == 0 && (a.sw & 0xfff0) == 0x63c0)
		return err_set(err, -EACCES, "%s: the PIN of %s is wrong, %d tries are left", c->what, c->how.pin_file,
			       a.sw & 15);
	return rc < 0 || a.sw == ICC_SW_OK ? rc : icc_refused(c, a.sw, "VERIFY", err);
}

int icc_enter(struct icc *c, bool fresh, struct err *err)
{
	int rc = select_app(c, fresh, err);

	return rc == 0 && c->how.pin_file[0] ? verify_pin(c, err) : rc;
}

/* Where the chosen application is. A card without a second channel has one application at a time. */
void icc_note_place(struct icc *c)
{
	const struct icc_place now = { c->link->channel, c->link->session, c->base };

	for (size_t i = 0; i < c->apps.n; i++) {
		if (now.session < 0 && c->places[i].session < 0 && c->places[i].channel == now.channel)
			c->apps.active[i] = false;
	}
	c->places[c->apps.now] = now;
	c->apps.active[c->apps.now] = true;
}

int icc_no_app(const struct icc *c, int rc, struct err *err)
{
	if (rc == -EBUSY)
		return err_set(err, rc, "%s: another USIM is the active one", c->what);
	return err_set(err, -ENOENT, "%s: the card has no such application", c->what);
}

/* Its channel is given back. */
void icc_leave(struct icc *c, uint8_t channel, int session)
{
	struct link_answer a;

	c->link->session = session;
	c->link->channel = 0;
	if (session >= 0)
		c->link->ops->leave(c->link);
	else if (channel)
		link_ask(c->link, &(struct link_command){ .ins = 0x70, .p1 = 0x80, .p2 = channel, .le = -1 }, &a, NULL);
}

/* Base says what is of the application at this place. */
static void be(struct icc *c, int i)
{
	const struct card *id = &c->places[i].id;

	c->apps.now = i;
	c->link->channel = c->places[i].channel;
	c->link->session = c->places[i].session;
	c->base.caps = id->caps;
	c->base.app = id->app;
	c->base.impi = id->impi;
	memcpy(c->base.imsi, id->imsi, sizeof(c->base.imsi));
	memcpy(c->base.bsf_name, id->bsf_name, sizeof(c->base.bsf_name));
	memcpy(c->base.variant, id->variant, sizeof(c->base.variant));
}

/* Activate it beside the others (4.4.8.1). */
static int activate(struct icc *c, int i, struct err *err)
{
	const int before = c->apps.now;
	int rc;

	c->apps.now = i;
	c->link->session = -1;
	rc = icc_enter(c, false, err);
	if (rc == 0)
		rc = icc_identity(c, err);
	if (rc < 0) {
		if (c->link->session >= 0 || c->link->channel != c->places[before].channel)
			icc_leave(c, c->link->channel, c->link->session);
		be(c, before);
		return rc;
	}
	strcpy(c->base.variant, i == c->first ? "" : "@");
	if (i != c->first)
		hex_encode(c->base.variant + 1, sizeof(c->base.variant) - 1, icc_now(c)->aid, icc_now(c)->aid_len);
	icc_note_place(c);
	return 0;
}

static int go_to(struct icc *c, int i, struct err *err)
{
	int rc;

	if (c->apps.active[i]) {
		be(c, i);
		return 0;
	}
	rc = icc_begin(c, err);
	if (rc < 0)
		return rc;
	rc = activate(c, i, err);
	icc_end(c);
	return rc;
}

/* The one of this identity, which is known only of those that were active: the others are looked at one by one, but no USIM beside
 * an active one. */
static int prefer_impi(struct icc *c, const char *impi, bool may_switch, struct err *err)
{
	const int before = c->apps.now;
	int rc = 0;

	for (size_t i = 0; i < c->apps.n; i++) {
		if (c->apps.active[i] && strcmp(c->places[i].id.impi.s, impi) == 0)
			return (int)i == before ? 0 : may_switch ? go_to(c, (int)i, err) : -EAGAIN;
	}
	for (size_t i = 0; i < c->apps.n; i++) {
		if (c->apps.active[i] || c->apps.list[i].kind == CARD_APP_USIM)
			continue;
		if (!may_switch)
			return -EAGAIN;
		rc = go_to(c, (int)i, err);
		if (rc < 0 || strcmp(c->base.impi.s, impi) == 0)
			return rc;
	}
	be(c, before);
	return icc_no_app(c, -ENOENT, err);
}

int icc_prefer(struct card *base, enum card_wish wish, const char *name, bool may_switch, struct err *err)
{
	struct icc *c = (struct icc *)base;
	int i;

	if (wish == CARD_WISH_IMPI)
		return prefer_impi(c, name, may_switch, err);
	if (wish == CARD_WISH_ANY && c->how.wish != CARD_WISH_ANY) {
		wish = c->how.wish; /* what the user has written down */
		name = c->how.label;
	}
	i = icc_choose(&c->apps, wish, name);
	if (i < 0)
		return icc_no_app(c, i, err);
	if (i == c->apps.now)
		return 0;
	return may_switch ? go_to(c, i, err) : -EAGAIN;
}
