/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/run/naf_explain.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "bsf/policy/naf_words.h"
#include "bsf/run/cfg.h"
#include "bsf/store/backend.h"
#include "bsf/zn/answer.h"
#include "bsf/zn/decide.h"
#include "common/base/hex.h"
#include "common/dia/dia_base.h"
#include "common/dia/dia_cert.h"
#include "common/gba/gba_time.h"
#include "common/gba/guss.h"

#define FROM_MAX 320
#define QUESTION "gsid GSID, fqdn FQDN, ua 10 hex digits, gba-u, tls-key sha256: and 64 hex digits"

static void set_text_of(json_t *o, const char *name, const char *value)
{
	if (value)
		json_object_set_new(o, name, json_string(value));
}

static const struct naf_policy *known(const char *identity, struct err *err)
{
	const struct naf_policy *n = policy_naf(policy_current(), span_str(identity));

	if (!n)
		err_set(err, -ENOENT,
			"there is no naf %s; allowed: a name of 'show peers', or of a file of the policy directory",
			identity);
	return n;
}

/* --- what holds */

static const char *source_of(const struct naf_policy *n)
{
	/* in the place of files that do not go together with others */
	return n->source ? n->source : n->refused ? "the policy directory" : "the configuration";
}

/* Of a file each line is known; what is typed has none. */
static bool is_written(const struct naf_policy *n, const struct naf_word *w)
{
	return !n->source || n->lines[w - naf_words];
}

/* Where the row is written. */
static void from_of(char out[FROM_MAX], const struct naf_policy *n, const struct naf_word *w)
{
	uint32_t line = n->lines[w - naf_words];

	snprintf(out, FROM_MAX, "%s", is_written(n, w) ? source_of(n) : "not written");
	if (line)
		snprintf(out + strlen(out), FROM_MAX - strlen(out), ", %sline %u",
			 w->kind == NAF_EACH || w->kind == NAF_NETS ? "from " : "", (unsigned)line);
}

struct listed {
	json_t *words;
	const struct naf_policy *n;
	const struct naf_word *w;
	size_t lines;
};

static void add(struct listed *l, const char *value, const char *from)
{
	json_array_append_new(l->words, json_pack("{ssssss}", "word", l->w->word, "value", value, "from", from));
}

static void list_line(void *to, const char *line)
{
	struct listed *l = to;
	const char *value = line + strlen(l->w->word);
	char from[FROM_MAX], text[1024];
	bool twice;

	value = *value ? value + 1 : "yes";
	from_of(from, l->n, l->w);
	twice = strcmp(l->w->word, "speaks-for") == 0 && policy_twice(policy_current(), value);
	snprintf(text, sizeof(text), "%s%s", value, twice ? " (refused: another claims it, too)" : "");
	add(l, text, from);
	l->lines++;
}

static json_t *list_words(const struct naf_policy *n)
{
	const struct policy_peer *own = policy_peer(policy_current(), n->identity);
	struct listed l = { .words = json_array(), .n = n };
	bool has_own = n->via && span_ieq(span_str(n->via), span_str(n->identity));

	for (l.w = naf_words; l.w->word; l.w++) {
		const void *on = l.w->of_peer ? (const void *)own : n;

		if (l.w->of_peer && (!own || !has_own))
			continue;
		l.lines = 0;
		if (!(has_own && strcmp(l.w->word, "via") == 0))
			naf_word_write(l.w, on, list_line, &l);
		if (!l.lines)
			add(&l, l.w->unset, "not written");
	}
	return l.words;
}

json_t *naf_explain(const char *identity, struct err *err)
{
	const struct naf_policy *n = known(identity, err);
	json_t *o = n ? json_object() : NULL;

	if (!n)
		return NULL;
	set_text_of(o, "naf", n->identity);
	set_text_of(o, "from", source_of(n));
	set_text_of(o, "refused", n->refused);
	if (n->via)
		json_object_set_new(o, "words", list_words(n));
	return o;
}

static void add_claim(json_t *list, const char *name)
{
	bool several;
	const struct naf_policy *n = policy_claimed(policy_current(), name, &several);
	json_t *o = n || several ? json_pack("{ss}", "name", name) : NULL;

	if (!o)
		return;
	set_text_of(o, "naf", n ? n->identity : NULL);
	set_text_of(o, "from", n ? source_of(n) : "several");
	json_array_append_new(list, o);
}

json_t *naf_explain_claims(const char *fqdn)
{
	char wildcard[FQDN_MAX + 2];
	json_t *list = json_array();

	add_claim(list, fqdn);
	if (naf_id_wildcard(wildcard, fqdn))
		add_claim(list, wildcard);
	return json_pack("{so}", "claims", list);
}

/* --- what it would be answered */

struct question {
	struct zn_bir bir;
	const char *key; /* of the certificate it comes with; NULL: one that is good */
};

/* The first name that it speaks for and that is no wildcard, unless another one is asked for. */
static const char *own_name(const struct naf_policy *n)
{
	if (names_has(&n->speaks_for, span_str(n->identity)))
		return n->identity;
	for (size_t i = 0; i < n->speaks_for.n; i++)
		if (n->speaks_for.s[i][0] != '*')
			return n->speaks_for.s[i];
	return n->identity;
}

static int take_pair(struct question *q, const char *word, const char *value, struct err *err)
{
	struct zn_bir *b = &q->bir;
	uint8_t ua[UA_ID_LEN];

	memcpy(ua, b->naf_id.ua, sizeof(ua));
	if (strcmp(word, "gsid") == 0 && b->n_gsids < ZN_GSIDS_MAX && strlen(value) <= ZN_GSID_MAX) {
		snprintf(b->gsids[b->n_gsids++], ZN_GSID_MAX + 1, "%s", value);
		return 0;
	}
	if (strcmp(word, "fqdn") == 0 && naf_id_make(&b->naf_id, value, ua) == 0)
		return 0;
	if (strcmp(word, "ua") == 0 && strlen(value) == 2 * UA_ID_LEN &&
	    hex_decode(ua, UA_ID_LEN, value, 2 * UA_ID_LEN) >= 0) {
		char fqdn[FQDN_MAX + 1];

		memcpy(fqdn, b->naf_id.fqdn, sizeof(fqdn));
		return naf_id_make(&b->naf_id, fqdn, ua);
	}
	if (strcmp(word, "tls-key") == 0 && dia_cert_key_valid(value)) {
		q->key = value;
		return 0;
	}
	return err_set(err, -EINVAL, "%s %s; allowed: " QUESTION, word, value);
}

static int read_question(struct question *q, const struct naf_policy *n, const char *const *words, size_t n_words,
			 struct err *err)
{
	struct zn_bir *b = &q->bir;
	int rc = 0;

	if (n_words < 2 || strcmp(words[0], "btid") != 0)
		return err_set(err, -EINVAL, "no B-TID; allowed: btid B-TID, then " QUESTION);
	b->btid_ok = btid_parse(&b->btid, (const uint8_t *)words[1], strlen(words[1])) == 0;
	if (!b->btid_ok)
		return err_set(err, -EINVAL, "that is no B-TID; allowed: base64(RAND)@FQDN");
	if (naf_id_make(&b->naf_id, own_name(n), UA_ID_HTTP_DIGEST) < 0)
		return err_set(err, -EINVAL, "%s is no host name", own_name(n));
	for (size_t i = 2; i < n_words && rc == 0; i++) {
		if (strcmp(words[i], "gba-u") == 0)
			b->gba_u_aware = true;
		else if (i + 1 == n_words)
			rc = err_set(err, -EINVAL, "%s; allowed: " QUESTION, words[i]);
		else
			rc = take_pair(q, words[i], words[i + 1], err), i++;
	}
	snprintf(b->asker, sizeof(b->asker), "%s", n->identity);
	snprintf(b->origin_host, sizeof(b->origin_host), "%s", n->identity);
	snprintf(b->peer, sizeof(b->peer), "%s", n->via ? n->via : n->identity);
	return rc;
}

/* Which word of its policy says so. */
static const struct {
	enum cause cause;
	const char *word;
} words_of_causes[] = {
	{ CAUSE_dia_key, "tls-key" },
	{ CAUSE_zn_name_denied, "speaks-for" },
	{ CAUSE_zn_name_twice, "speaks-for" },
	{ CAUSE_zn_ua_denied, "ua-protocols" },
	{ CAUSE_zn_variant_denied, "variants" },
	{ CAUSE_zn_keys_denied, "keys" },
	{ CAUSE_zn_key_old, "key-age-max" },
	{ CAUSE_zn_key_used, "key-uses-max" },
	{ CAUSE_zn_uss_missing, "uss-required" },
	{ CAUSE_zn_not_vouched, "visited-network" },
	{ CAUSE_zn_ok, "speaks-for" },
};

static void set_rule(json_t *o, const struct naf_policy *n, enum cause cause)
{
	char from[FROM_MAX], text[2 * FROM_MAX];

	if (n->refused) {
		set_text_of(o, "rule", n->refused);
		return;
	}
	for (size_t i = 0; i < sizeof(words_of_causes) / sizeof(words_of_causes[0]); i++) {
		const struct naf_word *w;

		if (words_of_causes[i].cause != cause)
			continue;
		w = naf_word_find(span_str(words_of_causes[i].word));
		from_of(from, n, w);
		snprintf(text, sizeof(text), "%s, %s%s", w->word, is_written(n, w) ? "in " : "", from);
		set_text_of(o, "rule", text);
	}
}

static json_t *services_of(const struct zn_bia *bia)
{
	json_t *list = json_array();
	struct guss *g = NULL;

	if (bia->uss_list && guss_parse(&g, (const uint8_t *)bia->uss_list, bia->uss_list_len, NULL) == 0)
		for (size_t i = 0; i < g->n_uss; i++)
			json_array_append_new(list, json_string(g->uss[i].id));
	guss_free(g);
	return list;
}

/* \param[in] bia of a key that is given */
static void set_given(json_t *o, const struct zn_bia *bia)
{
	char text[DATE_TIME_LEN + 1] = "";

	(void)date_time_format(text, bia->expires_at);
	json_object_set_new(o, "me_key", json_boolean(bia->me_key.len > 0));
	json_object_set_new(o, "uicc_key", json_boolean(bia->uicc_key.len > 0));
	json_object_set_new(o, "impi", json_boolean(bia->impi.s[0] != 0));
	json_object_set_new(o, "services", services_of(bia));
	set_text_of(o, "expires", text);
}

/* It would not get as far as a BIR. */
static bool is_foreign_key(const struct question *q)
{
	const struct policy_peer *p = policy_peer(policy_current(), q->bir.peer);

	return q->key && p && p->tls_keys.n && !names_has(&p->tls_keys, span_str(q->key));
}

static json_t *decided(const struct naf_policy *n, const struct question *q, const struct zn_found *found)
{
	const struct zn_ask ask = { .bir = &q->bir,
				    .naf = n,
				    .store_rc = found->rc,
				    .session = found->session,
				    .uses = found->uses,
				    .now_s = found->now_s,
				    .twice = policy_twice(policy_current(), q->bir.naf_id.fqdn) };
	struct zn_bia bia;
	enum cause cause = zn_decide(&bia, &ask);
	json_t *o = json_object();

	if (is_foreign_key(q)) {
		zn_bia_clear(&bia);
		bia.result.code = DIA_UNKNOWN_PEER;
		cause = CAUSE_dia_key;
	}

	set_text_of(o, "naf", n->identity);
	set_text_of(o, "fqdn", q->bir.naf_id.fqdn);
	set_text_of(o, "cause", cause_name(cause));
	json_object_set_new(o, "answer", json_integer(bia.result.code));
	set_rule(o, n, cause);
	if (cause == CAUSE_zn_ok)
		set_given(o, &bia);
	zn_bia_clear(&bia);
	return o;
}

/* As a BIR asks, only that it does not count. \returns 0; -errno: the store cannot be asked */
static int look_it_up(struct shard *s, const struct zn_bir *bir, struct gba_session *session, struct zn_found *out)
{
	int rc = shard_session(s, &bir->btid, session);

	*out = (struct zn_found){ .rc = rc, .session = session, .now_s = store_wall_s() };
	if (rc == 0 && zn_answer_counts(bir, out))
		out->rc = rc = shard_uses(s, session, bir->naf_id.fqdn, &out->uses);
	return rc == -ENOENT ? 0 : rc;
}

json_t *naf_explain_test(struct shard *s, const char *identity, const char *const *words, size_t n_words,
			 struct err *err)
{
	const struct naf_policy *n = known(identity, err);
	struct gba_session session;
	struct zn_found found;
	struct question q = { 0 };
	json_t *o;
	int rc;

	if (!n || read_question(&q, n, words, n_words, err) < 0)
		return NULL;
	q.bir.unvouched = policy_vouch(policy_current(), q.bir.peer, n) == POLICY_NOT_VOUCHED;
	rc = look_it_up(s, &q.bir, &session, &found);
	if (rc < 0) {
		gba_session_clear(&session);
		err_set(err, rc, "the store cannot be asked: %s", strerror(-rc));
		return NULL;
	}
	n = known(identity, err); /* the loop did not run meanwhile, but what holds now is told */
	o = n ? decided(n, &q, &found) : NULL;
	gba_session_clear(&session);
	return o;
}
