/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "hss-sim/guss_json.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <jansson.h>
#include "common/gba/guss.h"

/* A member of an object: what it must be, and whether it must be there. */
struct member {
	const char *name;
	json_type type;
	bool needed;
};

static const struct member root_members[] = { { "bsfInfo", JSON_OBJECT, false },
					      { "ussList", JSON_ARRAY, false },
					      { NULL, JSON_NULL, false } };
static const struct member info_members[] = { { "uiccType", JSON_STRING, false },
					      { "lifeTime", JSON_INTEGER, false },
					      { "securityFeatures", JSON_ARRAY, false },
					      { NULL, JSON_NULL, false } };
static const struct member item_members[] = { { "uss", JSON_OBJECT, true }, { NULL, JSON_NULL, false } };
static const struct member uss_members[] = {
	{ "gsId", JSON_INTEGER, true },     { "gsType", JSON_INTEGER, true }, { "ueIds", JSON_ARRAY, true },
	{ "nafGroup", JSON_STRING, false }, { "flags", JSON_ARRAY, false },   { "keyChoice", JSON_STRING, false },
	{ NULL, JSON_NULL, false },
};
static const struct member id_members[] = { { "ueId", JSON_STRING, true }, { NULL, JSON_NULL, false } };
static const struct member flag_members[] = { { "flag", JSON_INTEGER, true }, { NULL, JSON_NULL, false } };

static const char *type_name(json_type t)
{
	return t == JSON_OBJECT    ? "an object"
	       : t == JSON_ARRAY   ? "an array"
	       : t == JSON_INTEGER ? "a whole number"
				   : "a string";
}

static const struct member *member_find(const struct member *m, const char *name)
{
	while (m->name && strcmp(m->name, name) != 0)
		m++;
	return m->name ? m : NULL;
}

/* \param[in] where for people: "ussList[2].uss" */
static int check_members(json_t *o, const struct member *members, const char *where, struct err *err)
{
	const char *name;
	json_t *v;

	if (!json_is_object(o))
		return err_set(err, -EBADMSG, "%s: allowed: an object", where);
	json_object_foreach(o, name, v)
	{
		const struct member *m = member_find(members, name);

		if (!m)
			return err_set(err, -EBADMSG, "%s: a member '%.40s' is not known, and has no place in the XML",
				       where, name);
		if (json_typeof(v) != m->type)
			return err_set(err, -EBADMSG, "%s.%s: allowed: %s", where, name, type_name(m->type));
	}
	for (const struct member *m = members; m->name; m++) {
		if (m->needed && !json_object_get(o, m->name))
			return err_set(err, -EBADMSG, "%s: no %s", where, m->name);
	}
	return 0;
}

static char *copy_member(json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? strdup(s) : NULL;
}

static int read_ids(struct guss_uss *u, json_t *list, const char *where, struct err *err)
{
	json_t *o;
	size_t i;

	u->uids = calloc(json_array_size(list) + 1, sizeof(*u->uids));
	if (!u->uids)
		return -ENOMEM;
	json_array_foreach(list, i, o)
	{
		if (check_members(o, id_members, where, err) < 0)
			return -EBADMSG;
		u->uids[u->n_uids] = copy_member(o, "ueId");
		if (!u->uids[u->n_uids])
			return -ENOMEM;
		u->n_uids++;
	}
	return 0;
}

static int read_flag_list(struct guss_uss *u, json_t *list, const char *where, struct err *err)
{
	json_t *o;
	size_t i;

	u->flags = calloc(json_array_size(list) + 1, sizeof(*u->flags));
	if (!u->flags)
		return -ENOMEM;
	json_array_foreach(list, i, o)
	{
		if (check_members(o, flag_members, where, err) < 0)
			return -EBADMSG;
		u->flags[u->n_flags++] = (long)json_integer_value(json_object_get(o, "flag"));
	}
	return 0;
}

static int read_item(struct guss_uss *u, json_t *item, size_t i, struct err *err)
{
	json_t *o = json_object_get(item, "uss");
	json_int_t type;
	char where[48];
	int rc;

	snprintf(where, sizeof(where), "ussList[%zu]", i);
	if (check_members(item, item_members, where, err) < 0)
		return -EBADMSG;
	snprintf(where, sizeof(where), "ussList[%zu].uss", i);
	rc = check_members(o, uss_members, where, err);
	if (rc < 0)
		return rc;
	type = json_integer_value(json_object_get(o, "gsType"));
	if (type < 0 || type > INT32_MAX)
		return err_set(err, -EBADMSG, "%s.gsType: allowed: 0 to %d", where, INT32_MAX);
	u->type = (int)type;
	u->naf_group = copy_member(o, "nafGroup");
	u->key_choice = copy_member(o, "keyChoice");
	if (asprintf(&u->id, "%lld", (long long)json_integer_value(json_object_get(o, "gsId"))) < 0) {
		u->id = NULL;
		return -ENOMEM;
	}
	rc = read_ids(u, json_object_get(o, "ueIds"), where, err);
	return rc < 0 ? rc : read_flag_list(u, json_object_get(o, "flags"), where, err);
}

static int read_feature_list(struct guss *g, json_t *list, struct err *err)
{
	json_t *o;
	size_t i;

	if (json_array_size(list) > GUSS_FEATURES_MAX)
		return err_set(err, -EBADMSG, "bsfInfo.securityFeatures: more than %d", GUSS_FEATURES_MAX);
	g->features = calloc(json_array_size(list) + 1, sizeof(*g->features));
	if (!g->features)
		return -ENOMEM;
	json_array_foreach(list, i, o)
	{
		if (!json_is_string(o))
			return err_set(err, -EBADMSG, "bsfInfo.securityFeatures[%zu]: allowed: a string", i);
		g->features[g->n_features] = strdup(json_string_value(o));
		if (!g->features[g->n_features++])
			return -ENOMEM;
	}
	return 0;
}

static int read_twin(struct guss *g, json_t *o, struct err *err)
{
	json_t *info = json_object_get(o, "bsfInfo"), *list = json_object_get(o, "ussList"), *item;
	int rc = check_members(o, root_members, "guss", err);
	size_t i;

	if (rc == 0 && info)
		rc = check_members(info, info_members, "bsfInfo", err);
	if (rc < 0)
		return rc;
	if (json_array_size(list) > GUSS_USS_MAX)
		return err_set(err, -EBADMSG, "ussList: more than %d", GUSS_USS_MAX);
	g->uicc_type = copy_member(info, "uiccType");
	g->has_life_time = json_object_get(info, "lifeTime") != NULL;
	g->life_time_s = json_integer_value(json_object_get(info, "lifeTime"));
	rc = read_feature_list(g, json_object_get(info, "securityFeatures"), err);
	if (rc < 0)
		return rc;
	g->uss = calloc(json_array_size(list) + 1, sizeof(*g->uss));
	if (!g->uss)
		return -ENOMEM;
	json_array_foreach(list, i, item)
	{
		g->n_uss++;
		rc = read_item(&g->uss[i], item, i, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

bool guss_json_is(struct span doc)
{
	size_t i = 0;

	while (i < doc.len && strchr(" \t\r\n", doc.p[i]) && doc.p[i])
		i++;
	return i < doc.len && doc.p[i] == '{';
}

int guss_json_read(char **xml, size_t *len, struct span doc, const char *impi, struct err *err)
{
	json_error_t why;
	json_t *root = json_loadb((const char *)doc.p, doc.len, JSON_REJECT_DUPLICATES, &why), *o;
	struct guss *g;
	int rc;

	if (!root)
		return err_set(err, -EBADMSG, "line %d: not JSON: %s", why.line, why.text);
	o = json_object_size(root) == 1 && json_object_get(root, "guss") ? json_object_get(root, "guss") : root;
	g = calloc(1, sizeof(*g));
	rc = g ? read_twin(g, o, err) : -ENOMEM;
	if (rc == 0) {
		g->id = strdup(impi);
		rc = g->id ? guss_format(xml, len, g) : -ENOMEM;
	}
	guss_free(g);
	json_decref(root);
	return rc;
}
