/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* Reading of a GUSS; writing is in guss_format.c, what a BSF keeps of it in guss_copy.c. */
#include "common/gba/guss.h"

#include <errno.h>
#include <stdlib.h>

#include "common/gba/gba_time.h"
#include "common/gba/guss_in.h"
#include "common/gba/xml_read.h"

#define UIDS_MAX  64
#define FLAGS_MAX 64

static void texts_free(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

static void uss_clear(struct guss_uss *u)
{
	texts_free(u->uids, u->n_uids);
	free(u->flags);
	free(u->id);
	free(u->naf_group);
	free(u->key_choice);
}

void guss_free(struct guss *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->n_uss; i++)
		uss_clear(&g->uss[i]);
	free(g->uss);
	texts_free(g->features, g->n_features);
	free(g->id);
	free(g->uicc_type);
	free(g);
}

/* xs:integer. What int64_t cannot hold is still a number: the nearest is taken, the caller clamps. */
static int number(int64_t *out, const char *text)
{
	char *end;
	long long v;

	v = strtoll(text, &end, 10);
	if (end == text || *end)
		return -EBADMSG;
	*out = v;
	return 0;
}

static size_t guss_count(const xmlNode *parent, const char *local)
{
	size_t n = 0;

	for (const xmlNode *c = parent ? parent->children : NULL; c; c = c->next)
		n += xml_is(c, local);
	return n;
}

/* The texts of all children of that name. \param[in] n how many there are \param[out] texts, n_texts for texts_free(), also on error */
static int read_texts(char ***texts, size_t *n_texts, const xmlNode *parent, const char *local, size_t n)
{
	*texts = calloc(n + 1, sizeof(**texts));
	if (!*texts)
		return -ENOMEM;
	for (const xmlNode *c = parent ? parent->children : NULL; c; c = c->next) {
		if (!xml_is(c, local))
			continue;
		(*texts)[*n_texts] = xml_text(c);
		if (!(*texts)[*n_texts])
			return -ENOMEM;
		(*n_texts)++;
	}
	return 0;
}

static int read_uids(struct guss_uss *u, const xmlNode *node, struct err *err)
{
	const xmlNode *uids = xml_child(node, "uids");
	size_t n = guss_count(uids, "uid");

	if (n > UIDS_MAX)
		return err_set(err, -E2BIG, "uss id=\"%s\": more than %d uid", u->id, UIDS_MAX);
	return read_texts(&u->uids, &u->n_uids, uids, "uid", n);
}

/* How annex A of 29.109 writes them could not be read; the twin in JSON has a list of words (29.562). */
static int read_features(struct guss *g, const xmlNode *info, struct err *err)
{
	size_t n = guss_count(info, "securityFeatures");

	if (n > GUSS_FEATURES_MAX)
		return err_set(err, -E2BIG, "more than %d securityFeatures", GUSS_FEATURES_MAX);
	return read_texts(&g->features, &g->n_features, info, "securityFeatures", n);
}

static int read_flags(struct guss_uss *u, const xmlNode *node, struct err *err)
{
	const xmlNode *flags = xml_child(node, "flags");
	size_t n = guss_count(flags, "flag");
	int64_t v;

	if (n > FLAGS_MAX)
		return err_set(err, -E2BIG, "uss id=\"%s\": more than %d flag", u->id, FLAGS_MAX);
	u->flags = calloc(n + 1, sizeof(*u->flags));
	if (!u->flags)
		return -ENOMEM;
	for (const xmlNode *c = flags ? flags->children : NULL; c; c = c->next) {
		char *text;
		int rc;

		if (!xml_is(c, "flag"))
			continue;
		text = xml_text(c);
		if (!text)
			return -ENOMEM;
		rc = number(&v, text);
		free(text);
		if (rc < 0)
			return err_set(err, rc, "uss id=\"%s\": flag is no number", u->id);
		u->flags[u->n_flags++] = (long)v;
	}
	return 0;
}

/* keyChoice stands in uss or in uss/Extension; annex A of 29.109 was not to be read there. */
static int read_key_choice(struct guss_uss *u, const xmlNode *node)
{
	const xmlNode *n = xml_child(node, "keyChoice");

	if (!n)
		n = xml_child(xml_child(node, "Extension"), "keyChoice");
	if (!n)
		return 0;
	u->key_choice = xml_text(n);
	return u->key_choice ? 0 : -ENOMEM;
}

static int read_uss_attributes(struct guss_uss *u, const xmlNode *node, struct err *err)
{
	char *type = NULL;
	int64_t v = 0; /* without a type: unspecific service */
	int rc;

	if (xml_attr(&u->id, node, "id") < 0 || xml_attr(&u->naf_group, node, "nafGroup") < 0 ||
	    xml_attr(&type, node, "type") < 0)
		return -ENOMEM;
	rc = type ? number(&v, type) : 0;
	free(type);
	if (!u->id || !*u->id)
		return err_set(err, -EBADMSG, "uss without id");
	if (rc < 0 || v < 0 || v > INT32_MAX)
		return err_set(err, -EBADMSG, "uss id=\"%s\": type is no number", u->id);
	u->type = (int)v;
	return 0;
}

static int read_uss(struct guss_uss *u, const xmlNode *node, struct err *err)
{
	int rc = read_uss_attributes(u, node, err);

	if (rc == 0)
		rc = read_uids(u, node, err);
	if (rc == 0)
		rc = read_flags(u, node, err);
	if (rc == 0)
		rc = read_key_choice(u, node);
	return rc;
}

/* Only what is wrong with it: lack of memory is no fault of the document. */
static bool leave_out(struct guss *g, struct guss_uss *u, int rc, enum guss_bad_uss rule, const struct err *why)
{
	if (rule != GUSS_BAD_USS_LEFT_OUT || (rc != -EBADMSG && rc != -E2BIG))
		return false;
	uss_clear(u);
	memset(u, 0, sizeof(*u));
	if (!g->n_left_out++)
		g->left_out = *why;
	return true;
}

static int read_uss_list(struct guss *g, const xmlNode *list, enum guss_bad_uss rule, struct err *err)
{
	size_t n = guss_count(list, "uss"), at = 0;
	struct err why = { "" };

	if (n > GUSS_USS_MAX)
		return err_set(err, -E2BIG, "more than %d uss", GUSS_USS_MAX);
	g->uss = calloc(n + 1, sizeof(*g->uss));
	if (!g->uss)
		return -ENOMEM;
	for (const xmlNode *c = list ? list->children : NULL; c; c = c->next) {
		struct guss_uss *u = &g->uss[g->n_uss];
		int rc;

		if (!xml_is(c, "uss"))
			continue;
		u->at = at++;
		g->n_uss++;
		rc = read_uss(u, c, &why);
		if (rc < 0 && leave_out(g, u, rc, rule, &why))
			g->n_uss--;
		else if (rc < 0)
			return err_set(err, rc, "%s", why.text);
	}
	return 0;
}

/* No text of stage 3 says how an HSS tells of SHA-256 (33.220 5.3.2), so this element is our own. */
static int read_mac_star(struct guss *g, const xmlNode *info, struct err *err)
{
	const xmlNode *n = xml_child(xml_child(info, "Extension"), "macStar");
	char *text;
	bool known;

	if (!n)
		return 0;
	text = xml_text(n);
	if (!text)
		return -ENOMEM;
	g->mac_star_sha256 = strcmp(text, "SHA-256") == 0;
	known = g->mac_star_sha256 || strcmp(text, "SHA-1") == 0;
	free(text);
	return known ? 0 : err_set(err, -EBADMSG, "bsfInfo/Extension/macStar: allowed: SHA-1, SHA-256");
}

static int read_bsf_info(struct guss *g, const xmlNode *root, struct err *err)
{
	const xmlNode *info = xml_child(root, "bsfInfo");
	const xmlNode *type = xml_child(info, "uiccType"), *life = xml_child(info, "lifeTime");
	char *text;
	int rc;

	if (type) {
		g->uicc_type = xml_text(type);
		if (!g->uicc_type)
			return -ENOMEM;
	}
	rc = read_mac_star(g, info, err);
	if (rc == 0)
		rc = read_features(g, info, err);
	if (rc < 0 || !life)
		return rc;
	text = xml_text(life);
	if (!text)
		return -ENOMEM;
	rc = number(&g->life_time_s, text);
	free(text);
	if (rc < 0)
		return err_set(err, rc, "lifeTime is no number");
	g->has_life_time = true;
	return 0;
}

static int read_timestamp(struct guss *g, const xmlNode *root, struct err *err)
{
	const xmlNode *n = xml_child(xml_child(root, "Extension"), "timestamp");
	char *text;
	int rc;

	if (!n)
		return 0;
	text = xml_text(n);
	if (!text)
		return -ENOMEM;
	rc = date_time_parse(&g->timestamp, span_str(text));
	free(text);
	if (rc < 0)
		return err_set(err, rc, "Extension/timestamp is no xs:dateTime");
	g->has_timestamp = true;
	return 0;
}

static int read_root(struct guss *g, const xmlNode *root, enum guss_bad_uss rule, struct err *err)
{
	int rc;

	g->is_uss_list = xml_is(root, "ussList");
	if (g->is_uss_list)
		return read_uss_list(g, root, rule, err);
	if (!xml_is(root, "guss"))
		return err_set(err, -EBADMSG, "root element is neither guss nor ussList");
	rc = xml_attr(&g->id, root, "id");
	if (rc == 0)
		rc = read_bsf_info(g, root, err);
	if (rc == 0)
		rc = read_timestamp(g, root, err);
	if (rc == 0)
		rc = read_uss_list(g, xml_child(root, "ussList"), rule, err);
	return rc;
}

int guss_read(struct guss **out, xmlDoc **doc, struct span xml, enum guss_bad_uss rule, struct err *err)
{
	struct guss *g;
	int rc;

	if (xml.len > GUSS_XML_MAX)
		return err_set(err, -E2BIG, "longer than %d octets", GUSS_XML_MAX);
	*doc = xml_read(xml.p, xml.len, err);
	if (!*doc)
		return -EBADMSG;
	g = calloc(1, sizeof(*g));
	rc = g ? read_root(g, xmlDocGetRootElement(*doc), rule, err) : -ENOMEM;
	if (rc < 0) {
		guss_free(g);
		xmlFreeDoc(*doc);
	} else {
		*out = g;
	}
	return rc;
}

int guss_parse(struct guss **out, const uint8_t *buf, size_t len, struct err *err)
{
	xmlDoc *doc;
	int rc = guss_read(out, &doc, span_of(buf, len), GUSS_BAD_USS_FAILS, err);

	if (rc == 0)
		xmlFreeDoc(doc);
	return rc;
}
