/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "ue/card/card_choice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIN_LEN 8

static int soft_open(struct card **out, const struct card_choice *how, struct err *err)
{
	return card_soft_open(out, how->where, err);
}

#ifndef HAVE_PCSC
int card_pcsc_open(struct card **out, const struct card_choice *how, struct err *err)
{
	return err_set(err, -ENOTSUP, "pcsc: this program was built without PC/SC");
}
#endif

static const struct {
	const char *kind;
	int (*open)(struct card **out, const struct card_choice *how, struct err *err);
} kinds[] = {
	{ "soft", soft_open },
	{ "pcsc", card_pcsc_open },
	{ "rest", card_rest_open },
	{ "modem", card_modem_open },
};

static int kind_find(const char *text)
{
	size_t n = strcspn(text, ":");

	for (size_t i = 0; text[n] && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strlen(kinds[i].kind) == n && strncmp(kinds[i].kind, text, n) == 0)
			return (int)i;
	}
	return -1;
}

bool card_is_file(const char *text)
{
	return kind_find(text) < 0;
}

static int set_text(char *out, size_t cap, struct span value)
{
	return value.len && span_to_str(out, cap, value) == 0 ? 0 : -EINVAL;
}

static int set_app(struct card_choice *c, struct span v)
{
	static const char *const wishes[] = { "any", "usim", "isim" };

	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		if (span_ieq(v, span_str(wishes[i]))) {
			c->wish = (enum card_wish)i;
			return 0;
		}
	}
	c->wish = CARD_WISH_LABEL;
	return set_text(c->label, sizeof(c->label), v);
}

static int set_pin_file(struct card_choice *c, struct span v)
{
	return set_text(c->pin_file, sizeof(c->pin_file), v);
}

static int set_state(struct card_choice *c, struct span v)
{
	return set_text(c->state, sizeof(c->state), v);
}

static int set_mnc_len(struct card_choice *c, struct span v)
{
	if (v.len != 1 || (v.p[0] != '2' && v.p[0] != '3'))
		return -EINVAL;
	c->mnc_len = v.p[0] - '0';
	return 0;
}

static int set_answer_time(struct card_choice *c, struct span v)
{
	c->timeout_s = 0;
	for (size_t i = 0; i < v.len; i++) {
		if (v.len > 2 || v.p[i] < '0' || v.p[i] > '9')
			return -EINVAL;
		c->timeout_s = 10 * c->timeout_s + v.p[i] - '0';
	}
	return c->timeout_s > 0 && c->timeout_s <= CARD_TIMEOUT_S_MAX ? 0 : -EINVAL;
}

static const struct {
	const char *word;
	int (*set)(struct card_choice *c, struct span value);
} words[] = {
	{ "app=", set_app },
	{ "pin-file=", set_pin_file },
	{ "state=", set_state },
	{ "mnc-length=", set_mnc_len },
	{ "timeout=", set_answer_time },
};

static int read_choice(struct card_choice *c, struct span item)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i].word);

		if (item.len > n && memcmp(item.p, words[i].word, n) == 0)
			return words[i].set(c, span_of(item.p + n, item.len - n));
	}
	return -EINVAL;
}

int card_choice_parse(struct card_choice *out, const char *text, struct err *err)
{
	struct card_choice c = { .kind = "soft", .timeout_s = CARD_TIMEOUT_S };
	int k = kind_find(text);
	size_t n;

	if (k < 0) {
		if (set_text(c.where, sizeof(c.where), span_str(text)) < 0)
			return err_set(err, -EINVAL, "card: a file's name of 1 to %d characters is allowed",
				       CARD_WHERE_MAX);
		*out = c;
		return 0;
	}
	strcpy(c.kind, kinds[k].kind);
	text += strlen(c.kind) + 1;
	n = strcspn(text, ",");
	if (set_text(c.where, sizeof(c.where), span_of(text, n)) < 0)
		return err_set(err, -EINVAL, "card: %s: wants 1 to %d characters behind it", c.kind, CARD_WHERE_MAX);
	for (text += n; *text == ','; text += n) {
		n = strcspn(++text, ",");
		if (read_choice(&c, span_of(text, n)) < 0)
			return err_set(
				err, -EINVAL,
				"card: '%.*s': allowed is app=any|usim|isim|LABEL, pin-file=FILE, state=FILE, mnc-length=2|3, timeout=1..60",
				(int)(n < 40 ? n : 40), text);
	}
	*out = c;
	return 0;
}

int card_open(struct card **out, const char *text, struct err *err)
{
	struct card_choice c;
	int rc = card_choice_parse(&c, text, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].kind, c.kind) == 0)
			rc = kinds[i].open(out, &c, err);
	}
	return rc;
}

int card_choice_pin(uint8_t out[PIN_LEN], const struct card_choice *how, struct err *err)
{
	int fd = open(how->pin_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;
	char text[PIN_LEN + 2] = "";
	struct stat st;
	size_t n = 0;

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", how->pin_file, strerror(errno));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077))
		rc = err_set(err, -EACCES, "%s: holds a PIN and is no file for its owner alone; do: chmod 600 %s",
			     how->pin_file, how->pin_file);
	else if (read(fd, text, sizeof(text) - 1) > 0)
		n = strspn(text, "0123456789");
	close(fd);
	if (rc == 0 && (n < 4 || n > PIN_LEN || text[n + strspn(text + n, "\n")]))
		rc = err_set(err, -EINVAL, "%s: allowed is a PIN, 4 to 8 digits", how->pin_file);
	if (rc == 0) {
		memset(out, 0xff, PIN_LEN);
		memcpy(out, text, n);
	}
	OPENSSL_cleanse(text, sizeof(text));
	return rc;
}
