/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A wrong configuration is one line: file, line, what is wrong, what is allowed. Table-driven. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/base/sockaddr.h"
#include "common/rt/cfg_file.h"
#include "tests/unit/suite.h"

enum { PLANT_NODE = _LAST_OSMOVTY_NODE + 1 };

static char name[64];
static int height, plant_line;

static int write_plant(struct vty *vty)
{
	vty_out(vty, "plant%s height %d%s", VTY_NEWLINE, height, VTY_NEWLINE);
	return CMD_SUCCESS;
}

static struct cmd_node plant_node = { .node = PLANT_NODE, .prompt = "%s(config-plant)# ", .vtysh = 1 };

DEFUN(plant, plant_cmd, "plant", "A plant\n")
{
	vty->node = PLANT_NODE;
	plant_line = cfg_line();
	return CMD_SUCCESS;
}

DEFUN(plant_height, plant_height_cmd, "height <1-300>", "How high\nCentimetres\n")
{
	height = atoi(argv[0]);
	return CMD_SUCCESS;
}

DEFUN(plant_light, plant_light_cmd, "light (sun|shade)", "Where\nSun\nShade\n")
{
	return CMD_SUCCESS;
}

DEFUN(plant_name, plant_name_cmd, "name NAME", "Name\nOne word\n")
{
	if (strchr(argv[0], '!'))
		return cfg_fail(vty, "a name has no '!'");
	snprintf(name, sizeof(name), "%s", argv[0]);
	return CMD_SUCCESS;
}

static struct vty_app_info app = { .name = "test", .version = "0" };

static void setup(void)
{
	vty_init(&app);
	install_element(CONFIG_NODE, &plant_cmd);
	install_node(&plant_node, write_plant);
	install_element(PLANT_NODE, &plant_height_cmd);
	install_element(PLANT_NODE, &plant_light_cmd);
	install_element(PLANT_NODE, &plant_name_cmd);
}

static char path[64];

static void write_octets(const char *text, size_t len)
{
	FILE *f;
	int fd;

	snprintf(path, sizeof(path), "/tmp/gba-cfg-XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	f = fdopen(fd, "w");
	fwrite(text, 1, len, f);
	fclose(f);
}

static void write_file(const char *text)
{
	write_octets(text, strlen(text));
}

static const struct bad_file {
	const char *text;
	unsigned line;
	const char *says[4]; /* each in the one line */
	const char *silent;  /* not in it */
} bad_files[] = {
	{ "! c\nplant\n hight 3\n",
	  3,
	  { "unknown word 'hight' in 'hight 3'", "allowed here: ", "height", "light" },
	  "exit" },
	{ "plant\n height 301\n", 2, { "value out of range", "'301'", "<1-300>" }, NULL },
	{ "plant\n height\n", 2, { "incomplete: 'height'", "<1-300>" }, NULL },
	{ "plant\n height 3 4\n", 2, { "unknown word '4'", "end of line" }, NULL },
	{ "plant\n light moon\n", 2, { "unknown word 'moon'", "sun, shade" }, NULL },
	{ "height 3\n", 1, { "unknown word 'height'", "plant" }, NULL },
	{ "plant\n height 3\nlight sun\n", 3, { "unknown word 'light'", "plant" }, NULL },
	{ "plant\n height 3\n   light sun\n", 3, { "indentation", "light sun" }, NULL },
	{ "plant\n\n name a!b\n height 3\n", 3, { "a name has no '!' in 'name a!b'" }, NULL },
	{ "plant\n height 3\n light moon", 3, { "unknown word 'moon'" }, NULL },
	{ "plan\n", 1, { "unknown word 'plan'", "plant" }, NULL },
};

START_TEST(bad_file_says_where)
{
	const struct bad_file *b = &bad_files[_i];
	char at[128];
	struct err err = { { 0 } };
	size_t i;

	write_file(b->text);
	ck_assert_int_eq(cfg_file_read(path, &err), -EINVAL);
	unlink(path);
	snprintf(at, sizeof(at), "%s:%u: ", path, b->line);
	ck_assert_msg(strncmp(err.text, at, strlen(at)) == 0, "'%s' should begin with '%s'", err.text, at);
	for (i = 0; i < ARRAY_SIZE(b->says) && b->says[i]; i++)
		ck_assert_msg(strstr(err.text, b->says[i]) != NULL, "'%s' lacks '%s'", err.text, b->says[i]);
	if (b->silent)
		ck_assert_msg(!strstr(err.text, b->silent), "'%s' has '%s'", err.text, b->silent);
	ck_assert_ptr_null(strchr(err.text, '\n'));
}
END_TEST

START_TEST(good_file)
{
	struct err err = { { 0 } };
	void *ctx = talloc_new(NULL);
	char *p;

	write_file("! comment\nplant\n height 12\n name rose\n!\nline vty\n bind 127.0.0.1 1\n");
	ck_assert_int_eq(cfg_file_read(path, &err), 0);
	ck_assert_int_eq(height, 12);
	ck_assert_int_eq(plant_line, 2);
	ck_assert_int_eq(cfg_line(), 0);
	ck_assert_int_eq(cfg_error(&err, -EINVAL, plant_line, "plant without %s", "light"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, ":2: plant without light"));
	ck_assert_str_eq(name, "rose");
	ck_assert_int_eq(cfg_reading(), 0);
	p = cfg_path(ctx, "a/b");
	ck_assert_str_eq(p, "/tmp/a/b"); /* relative to the file's folder */
	ck_assert_str_eq(cfg_path(ctx, "/a/b"), "/a/b");
	unlink(path);
	talloc_free(ctx);
}
END_TEST

/* Octets this process has read so far. */
static unsigned long long read_so_far(void)
{
	FILE *f = fopen("/proc/self/io", "r");
	unsigned long long n = 0;

	if (!f || fscanf(f, "rchar: %llu", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

/* Configuration reading is not quadratic: a file of 4,000 nodes, each of which asks for its line, is read a few times. */
START_TEST(four_thousand)
{
	size_t size = 0, cap = 4000 * 64;
	char *text = malloc(cap);
	struct err err = { { 0 } };
	unsigned long long before;

	for (int i = 0; i < 4000; i++)
		size += (size_t)snprintf(text + size, cap - size, "plant\n height %d\n name n%d\n", i % 300 + 1, i);
	write_file(text);
	before = read_so_far();
	ck_assert_int_eq(cfg_file_read(path, &err), 0);
	ck_assert_uint_lt(read_so_far() - before, 10 * size);
	ck_assert_int_eq(plant_line, 3 * 3999 + 1);
	unlink(path);
	free(text);
}
END_TEST

START_TEST(no_file)
{
	struct err err = { { 0 } };

	ck_assert_int_eq(cfg_file_read("/nonexistent/x.cfg", &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/x.cfg"));
}
END_TEST

/* Whoever opens a FIFO waits for its other side, and a device never ends. */
START_TEST(not_a_file)
{
	char dir[] = "/tmp/gba-fifo-XXXXXX", fifo[64];
	struct err err = { { 0 } };

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(fifo, sizeof(fifo), "%s/x.cfg", dir);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	ck_assert_int_eq(cfg_file_read(fifo, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "no regular file"));
	ck_assert_int_eq(cfg_file_read("/dev/zero", &err), -EINVAL);
	unlink(fifo);
	rmdir(dir);
}
END_TEST

/* The end of a long comment is no command, and nothing hides behind a NUL. */
START_TEST(whole_lines)
{
	static const char nul[] = "plant\n height 7\n\0 nonsense\n";
	struct err err = { { 0 } };
	char text[1024];

	for (int longest = 510, n = longest; n <= longest + 2; n++) {
		snprintf(text, sizeof(text), "plant\n!%0*dheight 9\n height 8\n", n - 9, 0);
		write_file(text);
		height = 0;
		ck_assert_int_eq(cfg_file_read(path, &err), n > longest ? -EINVAL : 0);
		ck_assert_int_eq(height, n > longest ? 0 : 8);
		ck_assert(n == longest || strstr(err.text, ":2: the line is too long; allowed: up to 510"));
		unlink(path);
	}
	write_octets(nul, sizeof(nul) - 1);
	ck_assert_int_eq(cfg_file_read(path, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, ":3: a NUL"));
	unlink(path);
}
END_TEST

START_TEST(port_taken)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct cfg_ports ports = { 0 };
	struct err err = { { 0 } };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	ck_assert_int_eq(sockaddr_parse(&ss, "127.0.0.1", "0"), 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&ss, sizeof(struct sockaddr_in)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	getsockname(fd, (struct sockaddr *)&ss, &len);
	ck_assert_int_eq(cfg_ports_take(&ports, &ss, 0, "ub", &err), -EADDRINUSE);
	ck_assert_ptr_nonnull(strstr(err.text, "port in use"));
	close(fd);
	ck_assert_int_eq(cfg_ports_take(&ports, &ss, 0, "ub", &err), 0);
	ck_assert_int_eq(cfg_ports_take(&ports, &ss, 0, "line vty", &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.text, "node ub does"));
	cfg_ports_release(&ports);
	ck_assert_int_eq(cfg_ports_take(&ports, &ss, 0, "line vty", &err), 0);
	cfg_ports_release(&ports);
}
END_TEST

START_TEST(second_daemon)
{
	char dir[] = "/tmp/gba-lock-XXXXXX", lock[64], who[64];
	struct err err = { { 0 } };
	int st, fd;
	pid_t pid;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(lock, sizeof(lock), "%s/lock", dir);
	fd = cfg_lock_file(lock, &err);
	ck_assert_int_ge(fd, 0);
	snprintf(who, sizeof(who), "another daemon (pid %d)", (int)getpid());
	pid = fork();
	if (pid == 0) {
		struct err e;

		_exit(cfg_lock_file(lock, &e) == -EBUSY && strstr(e.text, who) ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &st, 0), pid);
	ck_assert_int_eq(st, 0);
	close(fd);
	unlink(lock);
	rmdir(dir);
}
END_TEST

int main(void)
{
	TCase *cases[] = { tcase_create("file"), tcase_create("ports") };

	tcase_add_unchecked_fixture(cases[0], setup, NULL);
	tcase_add_loop_test(cases[0], bad_file_says_where, 0, ARRAY_SIZE(bad_files));
	tcase_add_test(cases[0], good_file);
	tcase_add_test(cases[0], four_thousand);
	tcase_add_test(cases[0], no_file);
	tcase_add_test(cases[0], not_a_file);
	tcase_add_test(cases[0], whole_lines);
	tcase_add_test(cases[1], port_taken);
	tcase_add_test(cases[1], second_daemon);
	return suite_run_cases("cfg_file", cases, 2);
}
