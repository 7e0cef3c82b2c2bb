/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "bsf/policy/naf_words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "common/dia/dia_cert.h"
#include "common/dia/dia_hub.h"
#include "common/gba/btid.h"
#include "common/gba/gba_variant.h"
#include "common/gba/naf_id.h"
#include "common/gba/zn_msg.h"

#define LIST_MAX      256
#define GROUPS_MAX    8
#define UA_MAX        32
#define TLS_NAMES_MAX 16
#define CONNECTIONS   64
#define AGE_MAX       31536000 /* s, a year */
#define USES_MAX      1000000
#define GROUP_MAX     64 /* characters */

static bool is_host(const char *arg)
{
	return fqdn_valid(span_str(arg), FQDN_MAX);
}

static bool is_host_or_wildcard(const char *arg)
{
	return is_host(strncmp(arg, "*.", 2) == 0 ? arg + 2 : arg);
}

static bool is_gsid(const char *arg)
{
	size_t len = strlen(arg);

	return len && len <= ZN_GSID_MAX && strspn(arg, "0123456789") == len;
}

static bool is_group(const char *arg)
{
	return *arg && strlen(arg) <= GROUP_MAX;
}

/* All of the identifier, or the octets before those that are the cipher suite's. */
static bool is_ua(const char *arg)
{
	size_t len = strspn(arg, "0123456789abcdefABCDEF");

	if (arg[len] == '\0')
		return len == 2 * UA_ID_LEN;
	return len && len < 2 * UA_ID_LEN && strcmp(arg + len, "*") == 0;
}

static bool is_net(const char *arg)
{
	struct sockaddr_net net;

	return strcmp(arg, POLICY_ANY) == 0 || sockaddr_net_parse(&net, arg) == 0;
}

#define NAF(field)   offsetof(struct naf_policy, field)
#define PEER(field)  .of_peer = true, .at = offsetof(struct policy_peer, field)
#define HOST_ALLOWED .what = "no host name", .allowed = "letters, digits, hyphen and dot"
#define GSID_ALLOWED .what = "no service identifier", .allowed = "up to 16 digits"
#define GSID_HELP    "Service identifiers, decimal\n"

const struct naf_word naf_words[] = {
	{ "via", "PEER", NULL, NAF_TEXT, .at = NAF(via), .good = is_host, HOST_ALLOWED,
	  .unset = "a connection of its own" },
	{ "address", "NET", NULL, NAF_NETS, PEER(nets), .max = LIST_MAX, .good = is_net, .what = "no address",
	  .allowed = "an IPv4 or IPv6 address, with or without /PREFIX, any", .unset = "none" },
	{ "connections", "<1-64>", NULL, NAF_NUMBER, PEER(connections), .max = CONNECTIONS, .unset = "1" },
	{ "security", "(plain|tls|tls-after-cer)", NULL, NAF_CHOICE, PEER(how),
	  .choices = { [DIA_HUB_PLAIN] = "plain", [DIA_HUB_BY_TLS] = "tls", [DIA_HUB_TLS_AFTER_CER] = "tls-after-cer" },
	  .unset = "tls, but plain on loopback" },
	{ "tls-name", "NAME", NULL, NAF_EACH, PEER(tls_names), .max = TLS_NAMES_MAX, .good = is_host, HOST_ALLOWED,
	  .unset = "its identity" },
	{ "tls-key", "KEY", NULL, NAF_EACH, PEER(tls_keys), .max = TLS_NAMES_MAX, .good = dia_cert_key_valid,
	  .what = "no public key", .allowed = "sha256: and 64 hex digits", .unset = "each, if the name is right" },
	{ "tls-cn", "", NULL, NAF_FLAG, PEER(tls_cn), .unset = "no" },
	{ "speaks-for", "FQDN",
	  "NAF name for which it may fetch keys\n"
	  "FQDN, or *.DOMAIN for one label more\n",
	  NAF_EACH, .at = NAF(speaks_for), .max = LIST_MAX, .good = is_host_or_wildcard, .what = "no host name",
	  .allowed = "FQDN or *.DOMAIN", .unset = "none" },
	{ "naf-group", ".NAME",
	  "NAF groups, which choose among USSs of one service (33.220 4.4.6), the first that has one; replaces the list\n"
	  "Names as in the GUSS\n",
	  NAF_LIST, .at = NAF(groups), .max = GROUPS_MAX, .good = is_group, .what = "no group",
	  .allowed = "up to 64 characters", .unset = "none" },
	{ "private-identity", "(deny|allow)",
	  "May it learn the IMPI?\n"
	  "It is not (default)\n"
	  "User-Name is in the answer\n",
	  NAF_CHOICE, .at = NAF(private_identity), .choices = { "deny", "allow" }, .unset = "deny" },
	{ "anonymous", "", "It never gets IMPI or uid, whatever else is written and asked\n", NAF_FLAG,
	  .at = NAF(anonymous), .unset = "no" },
	{ "gaa-service", ".GSID", "Services whose USSs it may have; replaces the list\n" GSID_HELP, NAF_LIST,
	  .at = NAF(gsids), .max = LIST_MAX, .good = is_gsid, GSID_ALLOWED, .unset = "none" },
	{ "uss-required", ".GSID",
	  "Services without whose USS the subscriber gets no key here (33.220 4.4.6); replaces the list\n" GSID_HELP,
	  NAF_LIST, .at = NAF(required_gsids), .max = LIST_MAX, .good = is_gsid, GSID_ALLOWED, .unset = "none" },
	{ "keys", "(both|me|uicc|refused)",
	  "Which keys it is given\n"
	  "That of the device, and that of the card where both know GBA_U (default)\n"
	  "That of the device only\n"
	  "That of the card only; where there is none it is refused\n"
	  "None: it is refused\n",
	  NAF_CHOICE, .at = NAF(keys),
	  .choices = { [NAF_KEYS_BOTH] = "both",
		       [NAF_KEYS_ME] = "me",
		       [NAF_KEYS_UICC] = "uicc",
		       [NAF_KEYS_REFUSED] = "refused" },
	  .unset = "both" },
	{ "variants", ".VARIANT",
	  "How the device may have bootstrapped (default: gba-me gba-u); replaces the list\n"
	  "gba-me, gba-u, 2g, digest\n",
	  NAF_BITS, .at = NAF(variants),
	  .choices = { [GBA_VARIANT_ME] = "gba-me",
		       [GBA_VARIANT_U] = "gba-u",
		       [GBA_VARIANT_2G] = "2g",
		       [GBA_VARIANT_DIGEST] = "digest" },
	  .unset = "gba-me gba-u" },
	{ "key-age-max", "<1-31536000>",
	  "The device must have bootstrapped within so many seconds; else it is told to do so\n"
	  "Seconds\n",
	  NAF_NUMBER, .at = NAF(key_age_max_s), .max = AGE_MAX, .unset = "as long as the key lives" },
	{ "key-uses-max", "<1-1000000>",
	  "How often it gets a key of one Ks, as this daemon counts; then the device is told to bootstrap\n"
	  "Times\n",
	  NAF_NUMBER, .at = NAF(key_uses_max), .max = USES_MAX, .unset = "as often as it asks" },
	{ "ua-protocols", ".ID",
	  "Ua security protocols for which it may fetch keys (33.220 annex H); replaces the list\n"
	  "10 hex digits, or the first of them and *\n",
	  NAF_LIST, .at = NAF(ua_protocols), .max = UA_MAX, .good = is_ua, .what = "no Ua security protocol",
	  .allowed = "10 hex digits, or the first of them and *", .unset = "each that is valid" },
	{ "rate", "<1-1000000>",
	  "How many requests it may ask a second, and at once; those beyond get 3004\n"
	  "Requests\n",
	  NAF_NUMBER, .at = NAF(per_s), .max = RATE_MAX, .unset = "no limit" },
	{ "visited-network", "DOMAIN",
	  "It is in another network: only a Zn-Proxy of that network may ask for it\n"
	  "Domain of the network\n",
	  NAF_TEXT, .at = NAF(visited_network), .good = is_host, HOST_ALLOWED, .unset = "none, it is at home" },
	{ "proxy", "", "It relays for NAFs: Origin-Host may be another than its own\n", NAF_FLAG, .at = NAF(proxy),
	  .unset = "no" },
	{ 0 },
};

_Static_assert(sizeof(naf_words) / sizeof(naf_words[0]) <= NAF_WORDS_MAX, "a policy has a line for each");

const struct naf_word *naf_word_find(struct span word)
{
	for (const struct naf_word *w = naf_words; w->word; w++)
		if (span_eq(span_str(w->word), word))
			return w;
	return NULL;
}

static void *field(const struct naf_word *w, const void *on)
{
	return (char *)on + w->at;
}

/* --- what a line says */

static int word_number(uint32_t *to, const struct naf_word *w, const char *arg, struct err *err)
{
	size_t len = strlen(arg);
	unsigned long n = len < 10 && strspn(arg, "0123456789") == len ? strtoul(arg, NULL, 10) : 0;

	if (!n || n > w->max)
		return err_set(err, -EINVAL, "%s %s; allowed: 1 to %u", w->word, arg, (unsigned)w->max);
	*to = (uint32_t)n;
	return 0;
}

/* \returns place; -1 */
static int choice_of(const struct naf_word *w, const char *arg)
{
	for (int i = 0; i < NAF_CHOICES_MAX; i++)
		if (w->choices[i] && strcmp(w->choices[i], arg) == 0)
			return i;
	return -1;
}

static int choice_bad(const struct naf_word *w, const char *arg, struct err *err)
{
	char text[128];
	struct writer o;

	writer_init(&o, text, sizeof(text));
	for (int i = 0; i < NAF_CHOICES_MAX; i++)
		if (w->choices[i])
			writer_printf(&o, "%s%s", o.len ? ", " : "", w->choices[i]);
	(void)writer_end(&o);
	return err_set(err, -EINVAL, "%s %s; allowed: %s", w->word, arg, text);
}

static int set_choices(uint8_t *to, const struct naf_word *w, const char *const *args, size_t n, struct err *err)
{
	unsigned bits = 0;
	int at = -1;

	for (size_t i = 0; i < n; i++) {
		at = choice_of(w, args[i]);
		if (at < 0)
			return choice_bad(w, args[i], err);
		bits |= 1u << at;
	}
	*to = (uint8_t)(w->kind == NAF_BITS ? bits : (unsigned)at);
	return 0;
}

static int no_memory(struct err *err)
{
	return err_set(err, -ENOMEM, "no memory");
}

static int set_text(char **to, const char *arg, struct err *err)
{
	char *own = strdup(arg);

	if (!own)
		return no_memory(err);
	free(*to);
	*to = own;
	return 0;
}

static int names_full(const struct naf_word *w, struct err *err)
{
	return err_set(err, -E2BIG, "%s: too many of them; allowed: %u", w->word, (unsigned)w->max);
}

static int set_each(struct names *to, const struct naf_word *w, const char *arg, struct err *err)
{
	int rc = names_has(to, span_str(arg)) ? 0 : names_add(to, span_str(arg), w->max);

	return rc == -E2BIG ? names_full(w, err) : rc < 0 ? no_memory(err) : 0;
}

static int set_list(struct names *to, const struct naf_word *w, const char *const *args, size_t n, struct err *err)
{
	struct names list = { 0 };
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++)
		rc = names_add(&list, span_str(args[i]), w->max);
	if (rc < 0) {
		names_clear(&list);
		return rc == -E2BIG ? names_full(w, err) : no_memory(err);
	}
	names_clear(to);
	*to = list;
	return 0;
}

static int set_net(struct policy_peer *p, const struct naf_word *w, const char *arg, struct err *err)
{
	if (p->n_nets + 2 > w->max)
		return names_full(w, err);
	return policy_peer_add_net(p, arg) < 0 ? no_memory(err) : 0;
}

static int check_args(const struct naf_word *w, const char *const *args, size_t n, struct err *err)
{
	bool many = w->args[0] == '.';

	if (w->kind == NAF_FLAG ? n > 0 : many ? n < 1 : n != 1)
		return err_set(err, -EINVAL, "%s has %zu arguments; allowed: %s%s%s", w->word, n, w->word,
			       *w->args ? " " : "", w->args + many);
	for (size_t i = 0; w->good && i < n; i++)
		if (!w->good(args[i]))
			return err_set(err, -EINVAL, "%s is %s; allowed: %s", args[i], w->what, w->allowed);
	return 0;
}

int naf_word_set(const struct naf_word *w, void *on, const char *const *args, size_t n_args, struct err *err)
{
	void *to = field(w, on);
	int rc = check_args(w, args, n_args, err);

	if (rc < 0)
		return rc;
	switch (w->kind) {
	case NAF_FLAG:
		*(bool *)to = true;
		return 0;
	case NAF_CHOICE:
	case NAF_BITS:
		return set_choices(to, w, args, n_args, err);
	case NAF_NUMBER:
		return word_number(to, w, args[0], err);
	case NAF_TEXT:
		return set_text(to, args[0], err);
	case NAF_LIST:
		return set_list(to, w, args, n_args, err);
	case NAF_EACH:
		return set_each(to, w, args[0], err);
	case NAF_NETS:
		return set_net(on, w, args[0], err);
	}
	return -EINVAL;
}

/* --- as if it had never been said */

int naf_word_unset(const struct naf_word *w, void *on, const char *arg, struct err *err)
{
	void *to = field(w, on);

	switch (w->kind) {
	case NAF_FLAG:
	case NAF_CHOICE:
	case NAF_BITS:
		*(uint8_t *)to = 0;
		return 0;
	case NAF_NUMBER:
		*(uint32_t *)to = 0;
		return 0;
	case NAF_TEXT:
		free(*(char **)to);
		*(char **)to = NULL;
		return 0;
	case NAF_LIST:
		names_clear(to);
		return 0;
	case NAF_EACH:
		return names_del(to, span_str(arg)) < 0 ? err_set(err, -ENOENT, "%s is not there", arg) : 0;
	case NAF_NETS:
		break; /* in files only, of which nothing is taken back */
	}
	return -EINVAL;
}

/* --- written */

#define LINE_MAX_LEN (LIST_MAX * (FQDN_MAX + 3))

struct line {
	void (*each)(void *to, const char *line);
	void *to;
};

static void line_of(const struct line *l, const struct naf_word *w, const char *arg)
{
	char text[FQDN_MAX + 64];

	if (snprintf(text, sizeof(text), "%s%s%s", w->word, *arg ? " " : "", arg) < (int)sizeof(text))
		l->each(l->to, text);
}

/* \param[in] name of place i; NULL: leave it out */
static void line_of_many(const struct line *l, const struct naf_word *w, const char *(*name)(const void *, size_t),
			 const void *of, size_t n)
{
	char *text = malloc(LINE_MAX_LEN);
	struct writer o;

	if (!text)
		return;
	writer_init(&o, text, LINE_MAX_LEN);
	writer_str(&o, w->word);
	for (size_t i = 0; i < n; i++)
		if (name(of, i))
			writer_printf(&o, " %s", name(of, i));
	if (writer_end(&o) > (int)strlen(w->word))
		l->each(l->to, text);
	free(text);
}

static const char *name_in_list(const void *of, size_t i)
{
	return ((const struct names *)of)->s[i];
}

struct chosen {
	const struct naf_word *w;
	unsigned bits;
};

static const char *name_of_bit(const void *of, size_t i)
{
	const struct chosen *c = of;

	return c->bits & 1u << i ? c->w->choices[i] : NULL;
}

static void write_number(const struct line *l, const struct naf_word *w, uint32_t n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", (unsigned)n);
	if (n > 0)
		line_of(l, w, text);
}

static void write_nets(const struct line *l, const struct naf_word *w, const struct policy_peer *p)
{
	char text[SOCKADDR_TEXT];

	for (size_t i = 0; i < p->n_nets; i++) {
		sockaddr_net_text(text, &p->nets[i]);
		line_of(l, w, text);
	}
}

void naf_word_write(const struct naf_word *w, const void *on, void (*each)(void *to, const char *line), void *to)
{
	const void *f = field(w, on);
	const struct line l = { each, to };
	const struct names *names = f;
	struct chosen c = { w, 0 };

	switch (w->kind) {
	case NAF_FLAG:
		if (*(const bool *)f)
			line_of(&l, w, "");
		break;
	case NAF_CHOICE:
		if (*(const uint8_t *)f)
			line_of(&l, w, w->choices[*(const uint8_t *)f]);
		break;
	case NAF_BITS:
		c.bits = *(const uint8_t *)f;
		line_of_many(&l, w, name_of_bit, &c, NAF_CHOICES_MAX);
		break;
	case NAF_NUMBER:
		write_number(&l, w, *(const uint32_t *)f);
		break;
	case NAF_TEXT:
		if (*(char *const *)f)
			line_of(&l, w, *(char *const *)f);
		break;
	case NAF_LIST:
		line_of_many(&l, w, name_in_list, names, names->n);
		break;
	case NAF_EACH:
		for (size_t i = 0; i < names->n; i++)
			line_of(&l, w, names->s[i]);
		break;
	case NAF_NETS:
		write_nets(&l, w, on);
		break;
	}
}
