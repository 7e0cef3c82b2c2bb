/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/tool/discover.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <curl/curl.h>

#include "common/gba/gba_time.h"
#include "ue/card/card_choice.h"
#include "ue/state_file.h"
#include "ue/tool/discovery.h"
#include "ue/tool/report.h"

#define USER_AGENT "gba-ue/" PACKAGE_VERSION
#define PACKAGED   "/etc/gba" /* the unit's folders go with a file there */
#define STATE      "gba-ued.state"

/* --- asking */

static char *url_part(CURLU *u, CURLUPart what)
{
	char *text = NULL;

	return u && curl_url_get(u, what, &text, 0) == CURLUE_OK ? text : NULL;
}

/* \param[out] whole, target of curl_free() */
static int complete_url(const char *url, char **whole, char **target, struct err *err)
{
	CURLU *u = curl_url();
	bool ok =
		u &&
		strspn(url, "!#$%&'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz~") ==
			strlen(url) &&
		curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK;
	char *scheme = ok ? url_part(u, CURLUPART_SCHEME) : NULL, *path = ok ? url_part(u, CURLUPART_PATH) : NULL;
	char *user = ok ? url_part(u, CURLUPART_USER) : NULL, *query = ok ? url_part(u, CURLUPART_QUERY) : NULL;

	ok = scheme && path && strcmp(scheme, "https") == 0 && !user && !query;
	if (ok && strcmp(path, "/") == 0)
		ok = curl_url_set(u, CURLUPART_PATH, DISCOVERY_PATH, 0) == CURLUE_OK;
	ok = ok && curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK;
	*whole = ok ? url_part(u, CURLUPART_URL) : NULL;
	*target = ok ? url_part(u, CURLUPART_PATH) : NULL;
	curl_free(scheme);
	curl_free(path);
	curl_free(user);
	curl_free(query);
	curl_url_cleanup(u);
	return *whole && *target ? 0 : err_set(err, -EINVAL, "'%s': allowed is https://HOST[:PORT][/PATH]", url);
}

static int ask_operator(const struct discover_wish *w, const char *url, const char *target, struct http_answer *a,
			struct err *err)
{
	struct http_get *h = http_get_new(&w->http, err);
	int rc = h ? http_get_start(h, url, target, NULL, USER_AGENT, err) : -ENOMEM;

	if (rc == 0)
		rc = -EINPROGRESS;
	while (rc == -EINPROGRESS) {
		struct pollfd p = { .fd = http_get_fd(h), .events = POLLIN };

		rc = http_get_step(h, a, err);
		if (rc == -EINPROGRESS)
			poll(&p, 1, -1);
	}
	http_get_free(h);
	return rc;
}

static enum ue_cause cause_of(int rc)
{
	return rc == -EKEYREJECTED ? UE_CAUSE_certificate
	       : rc == -EIO        ? UE_CAUSE_not_reached
	       : rc == -ENOMEM     ? UE_CAUSE_local
				   : UE_CAUSE_answer;
}

static enum ue_cause fetch_document(const struct discover_wish *w, const char *url, const char *target,
				    struct discovery *out, struct ue_trail *trail, struct err *err)
{
	struct http_answer a = { 0 };
	struct err why = { "" };
	int rc = ask_operator(w, url, target, &a, err);
	enum ue_cause cause = rc == 0 ? UE_CAUSE_ok : cause_of(rc);

	trail->status = a.status;
	if (rc == 0 && a.status != 200) {
		err_set(err, -EIO, "%s: HTTP %ld%s", url, a.status,
			a.status >= 300 && a.status < 400 ? "; no other address is followed" : "");
		cause = ue_cause_of_status(a.status);
	} else if (rc == 0 && discovery_parse(out, a.body, a.body_len, time(NULL), &why) < 0) {
		err_set(err, -EBADMSG, "%s: %s", url, why.text);
		cause = UE_CAUSE_answer;
	}
	http_answer_clear(&a);
	return cause;
}

/* --- the configuration */

/* What stands there behind a kind or a word, if it is a file: as it is from wherever the agent begins. */
static void put_item(FILE *f, const char *item, size_t len, const char *here)
{
	static const char *const paths[] = { "soft:", "pin-file=", "state=" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		size_t n = strlen(paths[i]);

		if (len <= n || strncmp(item, paths[i], n) != 0 || item[n] == '/')
			continue;
		fprintf(f, "%s%s/%.*s", paths[i], here, (int)(len - n), item + n);
		return;
	}
	fprintf(f, "%.*s", (int)len, item);
}

/* Files are named from wherever the agent begins; readers, modems and servers are what they are.
 * \returns malloc'ed; NULL: it cannot stand in a line */
static char *card_word(const char *card)
{
	char here[PATH_MAX], *word = NULL;
	struct card_choice c;
	struct err err;
	bool whole;
	size_t len;
	FILE *f;

	if (strpbrk(card, "\r\n") || !getcwd(here, sizeof(here)) || card_choice_parse(&c, card, &err) < 0)
		return NULL;
	whole = strcmp(c.where, card) == 0; /* the file of a soft card */
	if (strpbrk(here, whole ? "\r\n" : "\r\n,"))
		return NULL;
	f = open_memstream(&word, &len);
	if (!f)
		return NULL;
	if (whole)
		fprintf(f, "%s%s%s", card[0] == '/' ? "" : here, card[0] == '/' ? "" : "/", card);
	for (const char *item = card; !whole && *item; item += strcspn(item, ",")) {
		if (*item == ',')
			fputc(*item++, f);
		put_item(f, item, strcspn(item, ","), here);
	}
	if (fclose(f) == 0)
		return word;
	free(word);
	return NULL;
}

static void print_agent(FILE *f, const struct discover_wish *w, bool packaged)
{
	fprintf(f, "log stderr\n logging level set-all notice\n!\nagent\n");
	fprintf(f, packaged ? " socket /run/gba-ued/ask\n state /var/lib/gba-ued\n"
			    : " socket gba-ued.ask\n state " STATE "\n");
	for (size_t i = 0; i < w->http.n_connect_to; i++)
		fprintf(f, " connect-to %s\n", w->http.connect_to[i]);
}

static char *agent_text(const struct discover_wish *w, const struct discovery *d, bool packaged)
{
	char until[DATE_TIME_LEN + 1] = "", *card = card_word(w->card), *text = NULL;
	size_t len = 0;
	FILE *f = card ? open_memstream(&text, &len) : NULL;

	date_time_format(until, d->valid_until);
	if (f) {
		fprintf(f, "! gba-ued, made by gba-ue discover %s\n! what it was told is valid until %s\n", w->url,
			until);
		print_agent(f, w, packaged);
		fprintf(f, "!\nrealm %s\n card %s\n bsf %s\n!\n", d->realm, card, d->bsf_url);
		fprintf(f,
			"! who may ask for what; who is not here gets nothing\nprogram uid %u\n naf any\n manage\n!\n",
			(unsigned)geteuid());
		fprintf(f, "line vty\n socket %s\n", packaged ? "/run/gba-ued/vty" : "gba-ued.vty");
		if (fclose(f) != 0) {
			free(text);
			text = NULL;
		}
	}
	free(card);
	return text;
}

/* Whole or not at all, and nothing is written over. */
static int put_file(const char *path, const char *text, struct err *err)
{
	char *beside = NULL;
	int rc;

	if (asprintf(&beside, "%s.new", path) < 0)
		return err_set(err, -ENOMEM, "no memory");
	rc = state_file_write(beside, text, strlen(text), err);
	if (rc == 0 && (chmod(beside, 0644) < 0 || link(beside, path) < 0))
		rc = err_set(err, -errno, "%s: %s", path, strerror(errno));
	unlink(beside);
	free(beside);
	return rc;
}

/* Where print_agent() says. */
static int make_state(const char *folder, struct err *err)
{
	char path[PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(path, sizeof(path), "%s/" STATE, folder) >= sizeof(path))
		return err_set(err, -ENAMETOOLONG, "%s: path too long", folder);
	if (mkdir(path, 0700) == 0)
		return 0;
	if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return 0;
	return err_set(err, -errno, "%s: %s", path, strerror(errno));
}

static int write_agent_cfg(const struct discover_wish *w, const struct discovery *d, struct err *err)
{
	char *copy = strdup(w->write), *folder = copy ? realpath(dirname(copy), NULL) : NULL;
	bool packaged = folder && strcmp(folder, PACKAGED) == 0;
	char *text = folder ? agent_text(w, d, packaged) : NULL;
	int rc;

	if (!folder)
		rc = err_set(err, -ENOENT, "%s: %s", w->write, strerror(errno));
	else if (!text)
		rc = err_set(err, -EINVAL, "--card cannot stand in a configuration");
	else
		rc = put_file(w->write, text, err);
	if (rc == 0 && !packaged) {
		rc = make_state(folder, err);
		if (rc < 0)
			unlink(w->write);
	}
	free(text);
	free(folder);
	free(copy);
	return rc;
}

enum ue_cause discover(const struct discover_wish *w)
{
	char *url = NULL, *target = NULL;
	struct ue_trail trail = { 0 };
	struct discovery d;
	struct err err = { "" };
	enum ue_cause cause = complete_url(w->url, &url, &target, &err) < 0 ? UE_CAUSE_usage : UE_CAUSE_ok;

	if (cause == UE_CAUSE_ok)
		cause = fetch_document(w, url, target, &d, &trail, &err);
	if (cause == UE_CAUSE_ok && w->write && write_agent_cfg(w, &d, &err) < 0)
		cause = UE_CAUSE_local;
	if (cause == UE_CAUSE_ok)
		report_discovery(w->json, url, &d, w->write, &trail);
	else
		report_error(w->json, cause, &trail, err.text);
	curl_free(url);
	curl_free(target);
	return cause;
}
