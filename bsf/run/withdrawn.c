/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/withdrawn.h"

#include "bsf/zn/given.h"
#include "common/gba/gba_time.h"
#include "common/rt/ctl.h"

static void put_btid(json_t *o, const struct btid *btid)
{
	char text[BTID_MAX + 1];

	btid_format(text, btid->rand, btid->domain);
	json_object_set_new(o, "btid", json_string(text));
}

static void put_given(json_t *o, const struct zn_given *g)
{
	json_t *nafs = json_array();
	char at[DATE_TIME_LEN + 1];

	for (size_t i = 0; i < g->n; i++) {
		if (date_time_format(at, (time_t)g->nafs[i].at_s) == 0)
			json_array_append_new(nafs, json_pack("{sssssi}", "naf", g->nafs[i].naf, "at", at, "times",
							      (int)g->nafs[i].times));
	}
	put_btid(o, &g->btid);
	json_object_set_new(o, "nafs", nafs);
}

json_t *withdrawn_from(const char *impi)
{
	json_t *o = json_object();
	struct zn_given g;

	if (zn_given_of(&g, impi))
		put_given(o, &g);
	return o;
}

static void withdrawn_tell(const char *what, json_t *o)
{
	json_object_set_new(o, "event", json_string(what));
	ctl_event(o);
}

static void withdrawn_tell_of(const char *what, const char *impi)
{
	json_t *o;

	if (!ctl_watched())
		return;
	o = withdrawn_from(impi);
	json_object_set_new(o, "impi", json_string(impi));
	withdrawn_tell(what, o);
}

int withdrawn_sessions(struct shard *s, const char *impi, struct store_spread *spread)
{
	const struct shard_whom whom = { .op = STORE_REVOKE_IMPI, .impi = impi };
	int rc = shard_revoke(s, &whom, spread);

	if (rc > 0)
		withdrawn_tell_of("revoked", impi);
	return rc;
}

void withdrawn_rights(const char *impi)
{
	withdrawn_tell_of("guss", impi);
}

int withdrawn_session(struct shard *s, const struct btid *btid, struct store_spread *spread)
{
	const struct shard_whom whom = { .op = STORE_REVOKE_BTID, .btid = btid };
	int rc = shard_revoke(s, &whom, spread);
	json_t *o;
	struct zn_given g;

	if (rc <= 0 || !ctl_watched())
		return rc;
	o = json_object();
	if (zn_given_btid(&g, btid))
		put_given(o, &g);
	else
		put_btid(o, btid);
	withdrawn_tell("revoked", o);
	return rc;
}

int withdrawn_from_naf(struct shard *s, const char *fqdn, struct store_spread *spread)
{
	const struct shard_whom whom = { .op = STORE_REVOKE_NAF, .naf = fqdn };
	int rc = shard_revoke(s, &whom, spread);

	if (rc == 0 && ctl_watched())
		withdrawn_tell("revoked", json_pack("{ss}", "naf", fqdn));
	return rc;
}

int withdrawn_all(struct shard *s, struct store_spread *spread)
{
	const struct shard_whom whom = { .op = STORE_REVOKE_ALL };
	int rc = shard_revoke(s, &whom, spread);

	if (rc == 0 && ctl_watched())
		withdrawn_tell("revoked", json_pack("{sb}", "all", 1));
	return rc;
}

void withdrawn_naf(const char *identity)
{
	if (ctl_watched())
		withdrawn_tell("naf", json_pack("{ss}", "naf", identity));
}
