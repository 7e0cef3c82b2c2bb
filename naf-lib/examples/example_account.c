/* SPDX-License-Identifier: LGPL-3.0-or-later */
#include "example_account.h"

#include <crypt.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/random.h>
#include "example_form.h"
#include "example_options.h"

#define USERS_MAX    1000
#define SESSIONS_MAX 1000 /* the one unused for longest goes; its user signs in again */
#define NAME_LEN     32
#define PIN_MAX      64
#define HASH_MAX     255
#define WORD_OCTETS  16
#define WORD_LEN     (2 * WORD_OCTETS)
#define TRIES        5  /* wrong ones in a row of a name */
#define LOCKED_S     60 /* and then none for so long */
#define NAME_CHARS   "abcdefghijklmnopqrstuvwxyz0123456789._-"

struct user {
	char name[NAME_LEN + 1];
	char hash[HASH_MAX + 1];
	unsigned tries;
	time_t locked_until;
};

/* What is known of one key. */
struct session {
	char btid[GBA_NAF_BTID_MAX + 1];
	char word[WORD_LEN + 1]; /* each form of it has */
	const struct user *user; /* NULL: nobody has signed in */
	uint64_t used;
};

struct example_account {
	pthread_mutex_t lock; /* of all below; not held while a PIN is checked */
	struct user *users;
	size_t n_users;
	struct session *sessions;
	uint64_t uses;
};

/* --- the file of users */

static int bad_line(const char *file, int n, const char *what)
{
	char text[512];

	snprintf(text, sizeof(text), "%s:%d: %s", file, n, what);
	return example_options_bad("--users", text);
}

static struct user *user_named(struct example_account *a, const char *name)
{
	for (size_t i = 0; i < a->n_users; i++) {
		if (strcmp(a->users[i].name, name) == 0)
			return &a->users[i];
	}
	return NULL;
}

static int read_user(struct example_account *a, const char *file, int n, char *line)
{
	char *hash = strchr(line, ':'), *end = strpbrk(line, "\r\n");
	struct user *u = &a->users[a->n_users];

	if (end)
		*end = '\0';
	if (a->n_users == USERS_MAX)
		return bad_line(file, n, "too many users");
	if (!hash)
		return bad_line(file, n, "allowed is NAME:HASH");
	*hash++ = '\0';
	if (!*line || strspn(line, NAME_CHARS) != strlen(line) || strlen(line) > NAME_LEN)
		return bad_line(file, n, "a name has 1 to 32 of a-z, 0-9, dot, underscore and hyphen");
	if (hash[0] != '$' || strlen(hash) > HASH_MAX || crypt_checksalt(hash) != CRYPT_SALT_OK)
		return bad_line(file, n, "no hash of a PIN in the form of crypt(3), as 'openssl passwd -6' makes it");
	if (user_named(a, line))
		return bad_line(file, n, "that name is there already");
	strcpy(u->name, line);
	strcpy(u->hash, hash);
	a->n_users++;
	return 0;
}

static int read_users(struct example_account *a, const char *file)
{
	FILE *f = fopen(file, "re");
	char line[1024], text[512];
	int rc = 0;

	if (!f) {
		snprintf(text, sizeof(text), "%s: %s", file, strerror(errno));
		return example_options_bad("--users", text);
	}
	for (int n = 1; rc == 0 && fgets(line, sizeof(line), f); n++)
		rc = read_user(a, file, n, line);
	fclose(f);
	return rc < 0 || a->n_users ? rc : example_options_bad("--users: nobody is in", file);
}

struct example_account *example_account_new(const char *file)
{
	struct example_account *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	pthread_mutex_init(&a->lock, NULL);
	a->users = calloc(USERS_MAX, sizeof(*a->users));
	a->sessions = calloc(SESSIONS_MAX, sizeof(*a->sessions));
	if (a->users && a->sessions && read_users(a, file) == 0)
		return a;
	example_account_free(a);
	return NULL;
}

void example_account_free(struct example_account *a)
{
	if (!a)
		return;
	pthread_mutex_destroy(&a->lock);
	free(a->users);
	free(a->sessions);
	free(a);
}

/* --- what is known of a key; under the lock */

static int new_word(char out[WORD_LEN + 1])
{
	uint8_t octets[WORD_OCTETS];

	if (getrandom(octets, sizeof(octets), 0) != sizeof(octets))
		return -1;
	for (size_t i = 0; i < WORD_OCTETS; i++)
		snprintf(out + 2 * i, 3, "%02x", octets[i]);
	return 0;
}

/* \returns the one of this key, which may be new; NULL: no random octets */
static struct session *session_of(struct example_account *a, const struct gba_naf_answer *who)
{
	struct session *oldest = a->sessions, *s;

	for (s = a->sessions; s < a->sessions + SESSIONS_MAX; s++) {
		if (strcmp(s->btid, who->btid) == 0)
			break;
		if (s->used < oldest->used)
			oldest = s;
	}
	if (s == a->sessions + SESSIONS_MAX) {
		s = oldest;
		memset(s, 0, sizeof(*s));
		if (new_word(s->word) < 0)
			return NULL;
		strcpy(s->btid, who->btid);
	}
	s->used = ++a->uses;
	return s;
}

/* --- pages */

static void simple(struct example_page *out, unsigned status, const char *heading)
{
	out->status = status;
	snprintf(out->text, sizeof(out->text), "<!doctype html>\n<title>%s</title>\n<h1>%s</h1>\n", heading, heading);
}

/* Names are of a few characters that mean nothing in HTML, words of hex digits. */
static void show(struct example_page *out, unsigned status, const struct session *s, const char *said)
{
	static const char head[] =
		"<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Your account</title>\n"
		"<h1>Your account</h1>\n";

	out->status = status;
	if (s->user)
		snprintf(out->text, sizeof(out->text),
			 "%s<p role=\"status\">%sSigned in as %s, as long as the key of your SIM lasts.</p>\n"
			 "<form method=\"post\" action=\"/account/sign-out\">\n"
			 "<input type=\"hidden\" name=\"word\" value=\"%s\">\n<button>Sign out</button>\n</form>\n",
			 head, said, s->user->name, s->word);
	else
		snprintf(
			out->text, sizeof(out->text),
			"%s<p role=\"status\">%sYour SIM is known. Who are you?</p>\n"
			"<form method=\"post\" action=\"/account/sign-in\">\n"
			"<input type=\"hidden\" name=\"word\" value=\"%s\">\n"
			"<p><label>Name <input name=\"name\" required maxlength=\"%d\" autocomplete=\"username\"></label></p>\n"
			"<p><label>PIN <input name=\"pin\" type=\"password\" required maxlength=\"%d\" "
			"autocomplete=\"current-password\"></label></p>\n<button>Sign in</button>\n</form>\n",
			head, said, s->word, NAME_LEN, PIN_MAX);
}

static void back(struct example_page *out)
{
	simple(out, 303, "Go on");
	out->location = "/account";
}

/* --- signing in */

static bool equal_in_constant_time(const char *a, const char *b, size_t len)
{
	unsigned char differs = 0;

	for (size_t i = 0; i < len; i++)
		differs |= (unsigned char)(a[i] ^ b[i]);
	return !differs;
}

/* Takes as long for a name that is none: its hash is anybody's. */
static bool is_right(const char *pin, const char *hash)
{
	struct crypt_data *d = calloc(1, sizeof(*d));
	const char *made = d ? crypt_r(pin, hash, d) : NULL;
	bool right = made && strlen(made) == strlen(hash) && equal_in_constant_time(made, hash, strlen(hash));

	if (d)
		explicit_bzero(d, sizeof(*d));
	free(d);
	return right;
}

/* A try counts before it is made, so that many at once are no more than one after the other. \returns may it be made? */
static bool take_try(struct user *u)
{
	time_t now = time(NULL);

	if (u->tries >= TRIES && now >= u->locked_until)
		u->tries = 0;
	if (u->tries >= TRIES)
		return false;
	if (++u->tries == TRIES)
		u->locked_until = now + LOCKED_S;
	return true;
}

static void sign_in(struct example_account *a, const struct gba_naf_request *q, const struct gba_naf_answer *who,
		    struct example_page *out)
{
	char name[NAME_LEN + 1], pin[PIN_MAX + 1];
	struct session *s = session_of(a, who);
	bool whole = example_form_field(q->body, q->body_len, "name", name, sizeof(name)) == 0 &&
		     example_form_field(q->body, q->body_len, "pin", pin, sizeof(pin)) == 0;
	struct user *u = whole ? user_named(a, name) : NULL;
	bool may = u && take_try(u), right = false;

	if (u)
		strcpy(out->name, u->name);
	if (whole) { /* also of a name that is locked, or none: neither answer nor time says which names there are */
		pthread_mutex_unlock(&a->lock);
		right = is_right(pin, u ? u->hash : a->users[0].hash);
		pthread_mutex_lock(&a->lock);
		s = session_of(a, who); /* others may have come meanwhile */
	}
	explicit_bzero(pin, sizeof(pin));
	if (!s) {
		simple(out, 503, "Try again soon");
	} else if (may && right) {
		s->user = u;
		u->tries = 0;
		new_word(s->word); /* what was shown before is of no use now */
		out->event = "signed_in";
		back(out);
	} else {
		out->event = u && !may ? "pin_locked" : "pin_wrong";
		show(out, 403, s, "Name or PIN is wrong, or there were too many tries: then wait a minute. ");
	}
}

static void sign_out(struct session *s, struct example_page *out)
{
	if (s->user) {
		out->event = "signed_out";
		strcpy(out->name, s->user->name);
	}
	s->user = NULL;
	new_word(s->word);
	back(out);
}

/* --- requests */

static size_t path_len(const char *target)
{
	return strcspn(target, "?");
}

static bool is_path(const char *target, const char *path)
{
	return path_len(target) == strlen(path) && strncmp(target, path, strlen(path)) == 0;
}

bool example_account_has(const char *target)
{
	return is_path(target, "/account") || strncmp(target, "/account/", 9) == 0;
}

static bool has_its_word(const struct gba_naf_request *q, const struct session *s)
{
	char word[WORD_LEN + 1];

	return example_form_field(q->body, q->body_len, "word", word, sizeof(word)) == 0 && strlen(word) == WORD_LEN &&
	       equal_in_constant_time(word, s->word, WORD_LEN);
}

/* Under the lock. */
static void answer_locked(struct example_account *a, const struct gba_naf_request *q, const struct gba_naf_answer *who,
			  struct example_page *out)
{
	bool in = is_path(q->target, "/account/sign-in"), form = in || is_path(q->target, "/account/sign-out");
	bool reads = strcmp(q->method, "GET") == 0 || strcmp(q->method, "HEAD") == 0;
	struct session *s = session_of(a, who);

	if (!s)
		return simple(out, 503, "Try again soon");
	if (!form && !is_path(q->target, "/account"))
		return simple(out, 404, "Not here");
	if (form ? strcmp(q->method, "POST") != 0 : !reads) {
		out->allow = form ? "POST" : "GET, HEAD";
		return simple(out, 405, "Not so");
	}
	if (!form)
		return show(out, 200, s, "");
	if (!has_its_word(q, s)) {
		out->event = "form_foreign";
		return show(out, 403, s, "That form was not of this session. ");
	}
	if (in && s->user)
		return show(out, 403, s, "Sign out first. ");
	if (in)
		return sign_in(a, q, who, out);
	sign_out(s, out);
}

void example_account_answer(struct example_account *a, const struct gba_naf_request *q,
			    const struct gba_naf_answer *who, struct example_page *out)
{
	memset(out, 0, sizeof(*out));
	pthread_mutex_lock(&a->lock);
	answer_locked(a, q, who, out);
	pthread_mutex_unlock(&a->lock);
}
