/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A program and an agent that does what the test says: short reads, silence, garbage, closing. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/suite.h"
#include "ue/lib/ue_remote.h"

#define KEY "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define GOOD \
	"{\"result\":\"key\",\"reason\":0,\"cause\":\"ok\",\"status\":200,\"run\":\"01234567\",\"realm\":\"home\",\"btid\":\"a@b\",\"key\":\"" KEY \
	"\"}\n"
#define NO \
	"{\"result\":\"refused\",\"reason\":7,\"cause\":\"not_allowed\",\"status\":null,\"run\":null,\"text\":\"no\"}\n"

static char path[100];
static int listener, epoll_fd, client = -1;

static void setup(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	snprintf(path, sizeof(path), "ue_remote_test.%d", (int)getpid());
	strcpy(at.sun_path, path);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	epoll_fd = epoll_create1(0);
}

static void teardown(void)
{
	if (client >= 0)
		close(client);
	client = -1;
	close(listener);
	close(epoll_fd);
	unlink(path);
}

/* Begin, and have the agent read the question. */
static struct ue_remote *asked(const char *question)
{
	struct ue_remote_answer a;
	char line[200] = "";
	struct ue_remote *r = ue_remote_new(path, question, epoll_fd, NULL);

	ck_assert_ptr_nonnull(r);
	if (client >= 0)
		close(client);
	client = accept(listener, NULL, NULL);
	ck_assert_int_eq(ue_remote_step(r, &a, NULL), -EINPROGRESS);
	ck_assert_int_gt(read(client, line, sizeof(line) - 1), 0);
	ck_assert(strlen(line) == strlen(question) + 1 && strncmp(line, question, strlen(question)) == 0);
	return r;
}

static bool readable(void)
{
	struct pollfd p = { .fd = epoll_fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

/* Say it in pieces of so many octets; each must wake who polls. \returns what the last step said */
static int say(struct ue_remote *r, const char *text, size_t len, size_t piece, struct ue_remote_answer *a)
{
	struct err why = { "" };
	int rc = -EINPROGRESS;

	for (size_t at = 0; at < len && rc == -EINPROGRESS; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		ck_assert_int_eq(send(client, text + at, n, MSG_NOSIGNAL), (ssize_t)n);
		ck_assert(readable());
		rc = ue_remote_step(r, a, &why);
		ck_assert_msg((rc < 0 && rc != -EINPROGRESS) == (why.text[0] != '\0'), "%d '%s'", rc, why.text);
	}
	return rc;
}

START_TEST(in_pieces)
{
	static const size_t pieces[] = { 1, 2, 7, 64, 4096 };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct ue_remote_answer a;
		struct ue_remote *r = asked("key naf1.example.com");

		ck_assert_int_eq(say(r, GOOD, strlen(GOOD), pieces[i], &a), 0);
		ck_assert(a.reason == GBA_UE_OK && a.status == 200 && strcmp(a.key.btid, "a@b") == 0);
		ck_assert_secret(a.key.key, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
		ue_remote_free(r);
		r = asked("key naf1.example.com");
		ck_assert_int_eq(say(r, NO GOOD, strlen(NO GOOD), pieces[i], &a), 0); /* the first line is the answer */
		ck_assert(a.reason == GBA_UE_NOT_ALLOWED && strcmp(a.text.text, "no") == 0 && !a.key.key.len);
		ue_remote_free(r);
	}
}
END_TEST

/* No library gets to copy a key, and none stays in the line */
START_TEST(key_leaves_the_line)
{
	static const char key[] = KEY;
	char line[] = GOOD;
	struct ue_remote_answer a;

	ck_assert_int_eq(ue_remote_read(&a, line), 0);
	ck_assert_uint_eq(a.key.key.len, 32);
	for (size_t i = 0; i + 8 <= strlen(key); i += 4)
		ck_assert_ptr_null(memmem(line, sizeof(line), &key[i], 8));
}
END_TEST

START_TEST(garbage)
{
	static const struct {
		const char *text;
		size_t len;
	} rows[] = {
#define ROW(text) { text, sizeof(text) - 1 }
		ROW("\n"),
		ROW("\r\n"),
		ROW("hello\n"),
		ROW("{}\n"),
		ROW("[]\n"),
		ROW("{\"reason\":\"0\"}\n"),
		ROW("{\"reason\":0}\n"),
		ROW("{\"reason\":9}\n"),
		ROW("{\"reason\":-1}\n"),
		ROW("{\"reason\":4294967296}\n"),
		ROW("{\"reason\":0,\"btid\":\"a@b\",\"key\":\"AAAA\"}\n"),
		ROW("{\"reason\":0,\"btid\":\"a@b\",\"key\":\"" KEY "AAAA\"}\n"),
		ROW("{\"reason\":0,\"btid\":\"a@b\",\"key\":\"" KEY "\n"),
		ROW("{\"reason\":0,\"btid\":\"a@b\",\"key\":\"\n"),
		ROW("{\"reason\":0,\"btid\":\"\",\"key\":\"" KEY "\"}\n"),
		ROW("{\"reason\":0,\0\"btid\":\"a@b\"}\n"),
		ROW("\xff\xfe{\"reason\":7}\n"),
		ROW("HTTP/1.1 200 OK\r\n\r\n"),
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ue_remote_answer a;
		struct ue_remote *r = asked("renew");
		int rc = say(r, rows[i].text, rows[i].len, 1, &a);

		ck_assert_msg(rc == -EBADMSG, "row %zu: %d", i, rc);
		ue_remote_free(r);
	}
}
END_TEST

START_TEST(no_end)
{
	static char text[2 * UE_REMOTE_LINE_MAX];
	struct ue_remote_answer a;
	struct ue_remote *r = asked("renew");

	memset(text, 'x', sizeof(text));
	ck_assert_int_eq(say(r, text, sizeof(text), 1000, &a), -EBADMSG);
	ue_remote_free(r);
}
END_TEST

START_TEST(closes)
{
	static const size_t after[] = { 0, 1, 20, sizeof(GOOD) - 2 };

	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++) {
		struct ue_remote_answer a;
		struct err why = { "" };
		struct ue_remote *r = asked("renew");

		ck_assert_int_eq(say(r, GOOD, after[i], 4096, &a), -EINPROGRESS);
		close(client);
		client = -1;
		ck_assert(readable());
		ck_assert_int_eq(ue_remote_step(r, &a, &why), -EIO);
		ck_assert_msg(strstr(why.text, "closed") != NULL, "%s", why.text);
		ue_remote_free(r);
	}
}
END_TEST

/* Whoever asks waits as long as he said, and may give up. */
START_TEST(silence)
{
	struct gba_ue *ue = gba_ue_new_agent(path, NULL, 0);
	struct gba_ue_request *q = gba_ue_start(ue, GBA_UE_APP_ANY, "naf1.example.com", NULL, false, NULL);
	struct gba_ue_key *key;
	char line[100];

	client = accept(listener, NULL, NULL);
	ck_assert_int_eq(gba_ue_wait(q, 30), GBA_UE_PENDING);
	ck_assert_int_eq(gba_ue_finish(q, &key), GBA_UE_PENDING);
	ck_assert_ptr_null(key);
	ck_assert_int_gt(read(client, line, sizeof(line)), 0);
	ck_assert_int_eq(read(client, line, sizeof(line)), 0); /* it has hung up */
	gba_ue_free(ue);
}
END_TEST

/* What the agent tells of its keys, and what a program is told then. */
START_TEST(watched)
{
#define LINE(what, realm, btid) "{\"result\":\"changed\",\"what\":\"" what "\",\"realm\":\"" realm "\"" btid "}\n"
#define BTID(b)                 ",\"btid\":\"" b "\""
	static const struct {
		const char *said;
		bool valid;
	} rows[] = {
		{ "{\"result\":\"watching\",\"realms\":[{\"realm\":\"work\"},{\"realm\":\"home\",\"active\":true,\"btid\":\"a@b\"}]}\n",
		  true },
		{ LINE("active", "work", ""), false },
		{ LINE("active", "home", BTID("a@b")), true },
		{ LINE("no-key", "home", ""), false },
		{ LINE("key", "home", BTID("a@b")), true },
		{ LINE("key", "work", BTID("c@d")), true },
		{ LINE("key", "home", BTID("c@d")) LINE("key", "home", BTID("a@b")), true },
		{ LINE("key", "home", BTID("c@d")) LINE("no-card", "home", ""), false },
	};
	struct gba_ue *ue = gba_ue_new_agent(path, NULL, 0);
	struct gba_ue_key key = { .btid = "a@b", .realm = "home", .expires_at = INT64_MAX };
	struct gba_ue_key over = { .btid = "a@b", .realm = "home", .expires_at = 1 };
	char line[100] = "";

	ck_assert(gba_ue_key_valid(ue, &key)); /* nothing was told yet */
	ck_assert(!gba_ue_key_valid(ue, &over));
	client = accept(listener, NULL, NULL);
	ck_assert_int_gt(read(client, line, sizeof(line) - 1), 0);
	ck_assert_str_eq(line, "watch\n");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pollfd p = { .fd = gba_ue_fd(ue), .events = POLLIN };

		ck_assert_int_gt(send(client, rows[i].said, strlen(rows[i].said), MSG_NOSIGNAL), 0);
		ck_assert_int_eq(poll(&p, 1, 1000), 1);
		gba_ue_step(ue);
		ck_assert_int_eq(poll(&p, 1, 0), 0);
		ck_assert_msg(gba_ue_key_valid(ue, &key) == rows[i].valid, "row %zu", i);
	}
	ck_assert_int_gt(send(client, "nonsense\n", 9, MSG_NOSIGNAL), 0); /* that is no agent: the time alone counts */
	ck_assert(gba_ue_key_valid(ue, &key));
	gba_ue_free(ue);
}
END_TEST

/* None there, one that has ended, one before which too many stand: told at once. */
START_TEST(no_agent)
{
	struct gba_ue *ue = gba_ue_new_agent(path, NULL, 0);
	struct gba_ue_request *many[20];
	size_t refused = 0;

	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		many[i] = gba_ue_start(ue, GBA_UE_APP_ANY, "naf1.example.com", NULL, false, NULL);
		refused += gba_ue_reason(many[i]) == GBA_UE_FEATURE_NOT_READY;
		ck_assert(gba_ue_reason(many[i]) == GBA_UE_PENDING || strstr(gba_ue_text(many[i]), "no agent"));
	}
	ck_assert_msg(refused > 10, "%zu", refused);
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
		gba_ue_finish(many[i], NULL);
	unlink(path);
	many[0] = gba_ue_start(ue, GBA_UE_APP_ANY, "naf1.example.com", NULL, false, NULL);
	ck_assert_int_eq(gba_ue_finish(many[0], NULL), GBA_UE_FEATURE_NOT_READY);
	gba_ue_free(ue);
}
END_TEST

SUITE_WITH_FIXTURE("ue_remote", setup, teardown, in_pieces, key_leaves_the_line, garbage, no_end, closes, silence,
		   watched, no_agent)
