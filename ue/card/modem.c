/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A card in a modem: AT commands on a terminal. +CCHO and +CGLA give an application a channel of its own; a modem without them
 * has +CSIM, whose commands many a modem sifts. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <termios.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/hex.h"
#include "ue/card/at_line.h"
#include "ue/card/icc.h"

struct modem {
	struct link base;
	int fd;
	int answer_ms; /* within which a command is answered */
	bool silent;   /* the last one was not: what comes yet is its answer */
	char device[CARD_WHERE_MAX + 1];
	size_t have;
	uint8_t in[AT_LINE_MAX];
};

static int read_more(struct modem *m, uint64_t until, struct err *err)
{
	struct pollfd f = { .fd = m->fd, .events = POLLIN };
	uint64_t now = clock_mono_ms();
	ssize_t n;

	if (m->have == sizeof(m->in))
		m->have = 0; /* no line of ours is so long */
	if (now >= until || poll(&f, 1, (int)(until - now)) == 0) {
		m->silent = true;
		return err_set(err, -EIO, "modem %s: no answer within %d s", m->device, m->answer_ms / 1000);
	}
	n = read(m->fd, m->in + m->have, sizeof(m->in) - m->have);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return err_set(err, -ENODEV, "modem %s: is gone", m->device);
	m->have += (size_t)n;
	return 0;
}

/* The next line; CR alone ends one, too: what an echo has. */
static int modem_line(struct modem *m, uint8_t out[AT_LINE_MAX], size_t *len, uint64_t until, struct err *err)
{
	for (;;) {
		for (size_t i = 0; i < m->have; i++) {
			if (m->in[i] != '\n' && m->in[i] != '\r')
				continue;
			memcpy(out, m->in, i);
			*len = i;
			m->have -= i + 1;
			memmove(m->in, m->in + i + 1, m->have);
			return 0;
		}
		int rc = read_more(m, until, err);

		if (rc < 0)
			return rc;
	}
}

static int say(struct modem *m, const char *command, struct err *err)
{
	const size_t len = strlen(command);
	size_t at = 0;

	while (at < len) {
		struct pollfd f = { .fd = m->fd, .events = POLLOUT };
		ssize_t n = write(m->fd, command + at, len - at);

		if (n > 0)
			at += (size_t)n;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_set(err, -ENODEV, "modem %s: %s", m->device, strerror(errno));
		else if (poll(&f, 1, m->answer_ms) == 0) {
			m->silent = true;
			return err_set(err, -EIO, "modem %s: takes no command", m->device);
		}
	}
	return 0;
}

/* Some answer +CCHO with the number alone. */
static enum at_kind kind_of(struct span line, const char *prefix, struct span *value, int *code)
{
	enum at_kind kind = at_line_read(line, prefix, value, code);

	return kind == AT_NOISE && strcmp(prefix, "+CCHO:") == 0 ? at_line_read(line, "", value, code) : kind;
}

/* What stands for the end of a command that went wrong. */
static int at_failed(const struct modem *m, enum at_kind kind, const char *command, int code, struct err *err)
{
	if (kind == AT_NO_CARD)
		return err_set(err, -ENODEV, "modem %s: there is no card", m->device);
	return err_set(err, -ENOTSUP, "modem %s: %.*s: error %d", m->device, (int)strcspn(command, "=?\r"), command,
		       code);
}

/* Wait for the end of a command. As at() */
static int at_wait(struct modem *m, const char *command, const char *prefix, char answer[AT_LINE_MAX], struct err *err)
{
	const uint64_t until = clock_mono_ms() + (uint64_t)m->answer_ms;
	enum at_kind kind = AT_NOISE;
	uint8_t line[AT_LINE_MAX];
	size_t len, n = 0;
	int rc = 0, code;

	while (kind == AT_NOISE || kind == AT_ANSWER) {
		struct span value;

		rc = modem_line(m, line, &len, until, err);
		if (rc < 0)
			break;
		kind = kind_of(span_of(line, len), prefix, &value, &code);
		if (kind == AT_ANSWER && answer && !n) {
			memcpy(answer, value.p, value.len);
			n = value.len;
		}
	}
	OPENSSL_cleanse(line, sizeof(line));
	if (rc == 0 && kind != AT_OK)
		rc = at_failed(m, kind, command, code, err);
	return rc < 0 ? rc : (int)n;
}

/* It has let us wait in vain, and may answer that question yet: ask what no other answer looks like, until that is there. */
static int modem_again(struct modem *m, struct err *err)
{
	static const char question[] = "AT+CMEE?\r";
	char value[AT_LINE_MAX];
	int rc;

	tcflush(m->fd, TCIOFLUSH);
	m->have = 0;
	m->silent = false;
	rc = say(m, question, err);
	for (int late = 0; rc == 0 && late < 3; late++)
		rc = at_wait(m, question, "+CMEE:", value, err);
	return rc == -ENOTSUP || rc > 0 ? 0 : rc;
}

/* One command with CR at its end. \param[out] answer the value of its first line with this prefix; NULL: none is wanted
 * \returns octets of answer; -ENOTSUP ERROR; -ENODEV; -EIO, also where no answer comes in time */
static int at(struct modem *m, const char *command, const char *prefix, char answer[AT_LINE_MAX], struct err *err)
{
	int rc = m->silent ? modem_again(m, err) : 0;

	if (rc == 0)
		rc = say(m, command, err);
	return rc < 0 ? rc : at_wait(m, command, prefix, answer, err);
}

static int modem_transmit(struct link *l, struct span command, uint8_t answer[LINK_ANSWER_MAX], struct err *err)
{
	struct modem *m = (struct modem *)l;
	char hex[2 * LINK_COMMAND_MAX + 1], text[2 * LINK_COMMAND_MAX + 40], value[AT_LINE_MAX];
	const bool session = l->session >= 0; /* else +CSIM */
	int rc;

	hex_encode(hex, sizeof(hex), command.p, command.len);
	for (char *p = hex; *p; p++) {
		if (*p >= 'a')
			*p -= 'a' - 'A'; /* some take no other */
	}
	if (session)
		snprintf(text, sizeof(text), "AT+CGLA=%d,%zu,\"%s\"\r", m->base.session, 2 * command.len, hex);
	else
		snprintf(text, sizeof(text), "AT+CSIM=%zu,\"%s\"\r", 2 * command.len, hex);
	rc = at(m, text, session ? "+CGLA:" : "+CSIM:", value, err);
	/* a session that is refused is one of a card that is no longer there */
	if (rc == -ENOTSUP)
		rc = session ? -ENODEV : -EIO;
	if (rc >= 0) {
		rc = at_line_hex(answer, LINK_ANSWER_MAX, span_of(value, (size_t)rc));
		if (rc < 0)
			rc = err_set(err, -EIO, "modem %s: an answer that cannot be read", m->device);
	}
	OPENSSL_cleanse(hex, sizeof(hex));
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(value, sizeof(value));
	return rc;
}

static int modem_dir(struct link *l, uint8_t *out, size_t cap, struct err *err)
{
	struct modem *m = (struct modem *)l;
	char value[AT_LINE_MAX];
	int n = at(m, "AT+CUAD\r", "+CUAD:", value, err);
	const char *from = value;

	if (n <= 0)
		return n == 0 ? -ENOTSUP : n;
	if (value[0] == '"' && n > 1) {
		from++;
		n -= value[n - 1] == '"' ? 2 : 1;
	}
	n = hex_decode(out, cap, from, (size_t)n);
	return n < 0 ? -ENOTSUP : n;
}

static int modem_select(struct link *l, struct span aid, struct err *err)
{
	struct modem *m = (struct modem *)l;
	char hex[2 * ICC_AID_MAX + 1], text[sizeof(hex) + 20], value[AT_LINE_MAX];
	int n;

	hex_encode(hex, sizeof(hex), aid.p, aid.len);
	snprintf(text, sizeof(text), "AT+CCHO=\"%s\"\r", hex);
	n = at(m, text, "+CCHO:", value, err);
	if (n <= 0)
		return n == 0 ? -ENOTSUP : n;
	value[n < AT_LINE_MAX ? n : AT_LINE_MAX - 1] = '\0';
	m->base.session = (int)strtoul(value, NULL, 10);
	return 0;
}

static void modem_leave(struct link *l)
{
	struct modem *m = (struct modem *)l;
	char text[40];

	snprintf(text, sizeof(text), "AT+CCHC=%d\r", l->session);
	if (m->silent)
		(void)!write(m->fd, text, strlen(text)); /* should it hear again: nobody waits for that */
	else
		at(m, text, "+CCHC", NULL, NULL);
}

static void modem_close(struct link *l)
{
	struct modem *m = (struct modem *)l;

	close(m->fd);
	OPENSSL_cleanse(m, sizeof(*m));
	free(m);
}

static const struct link_ops modem_ops = {
	.transmit = modem_transmit,
	.dir = modem_dir,
	.select = modem_select,
	.leave = modem_leave,
	.close = modem_close,
};

/* Raw, else the terminal echoes what the modem says back to it. */
static int modem_device(struct modem *m, struct err *err)
{
	struct termios t;

	m->fd = open(m->device, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (m->fd < 0)
		return err_set(err, errno == ENOENT ? -ENODEV : -errno, "modem %s: %s", m->device, strerror(errno));
	if (flock(m->fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, -EBUSY, "modem %s: another program is using it", m->device);
	if (tcgetattr(m->fd, &t) < 0)
		return err_set(err, -EINVAL, "modem %s: is no terminal", m->device);
	cfmakeraw(&t);
	t.c_cflag |= CLOCAL | CREAD;
	cfsetspeed(&t, B115200);
	return tcsetattr(m->fd, TCSANOW, &t) < 0 ? err_set(err, -errno, "modem %s: %s", m->device, strerror(errno)) : 0;
}

int card_modem_open(struct card **out, const struct card_choice *how, struct err *err)
{
	struct modem *m = calloc(1, sizeof(*m));
	char what[CARD_WHERE_MAX + 16];
	int rc;

	if (!m)
		return -ENOMEM;
	m->base.ops = &modem_ops;
	m->base.session = -1;
	m->answer_ms = 1000 * how->timeout_s;
	snprintf(m->device, sizeof(m->device), "%s", how->where);
	rc = modem_device(m, err);
	if (rc == 0)
		rc = at(m, "ATE0\r", "", NULL, err);
	if (rc >= 0) {
		rc = at(m, "AT+CMEE=1\r", "", NULL, err); /* numbers for errors; a modem without them says ERROR */
		rc = rc == -ENOTSUP ? 0 : rc;
	}
	if (rc < 0) {
		if (m->fd >= 0)
			close(m->fd);
		free(m);
		return rc;
	}
	snprintf(what, sizeof(what), "modem %s", m->device);
	return icc_open(out, &m->base, how, what, err);
}
