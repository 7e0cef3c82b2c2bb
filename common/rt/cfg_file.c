/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/cfg_file.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vector.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/base/bytes.h"
#include "common/base/regular.h"
#include "common/gba/btid.h"

static struct err reason; /* of the command that failed last */
static FILE *reading;     /* the file, while it is read */
static char folder[PATH_MAX] = ".";
static char file_name[PATH_MAX]; /* as given */

#define LINE_CAP  VTY_BUFSIZ /* of vty_new(), with newline and NUL */
#define PATHS_MAX 64
static char *paths[PATHS_MAX]; /* what the configuration names */
static size_t n_paths;

/* Lines counted so far, so that a file is gone through once however often is asked. */
static struct {
	long to;
	int lines;
} counted;

/* Of the line that ends where f stands. */
static int line_number(FILE *f)
{
	long end = ftell(f);
	int c = '\n';

	if (end < counted.to)
		counted.to = counted.lines = 0;
	fseek(f, counted.to, SEEK_SET);
	for (; counted.to < end && (c = fgetc(f)) != EOF; counted.to++)
		counted.lines += c == '\n';
	/* A last line without its newline is a line. */
	return counted.lines + (c != '\n');
}

static const char *skip_blanks(const char *s)
{
	while (*s && isspace((unsigned char)*s))
		s++;
	return s;
}

int cfg_fail(struct vty *vty, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason.text, sizeof(reason.text), fmt, ap);
	va_end(ap);
	if (!reading)
		vty_out(vty, "%% %s in '%s'%s", reason.text, skip_blanks(vty->buf), VTY_NEWLINE);
	return CMD_WARNING;
}

int cfg_dns_name(struct vty *vty, const char *name, size_t max)
{
	if (fqdn_valid(span_str(name), max))
		return CMD_SUCCESS;
	return cfg_fail(vty, "'%s' is no DNS name; allowed: letters, digits, hyphen and dot", name);
}

int cfg_reading(void)
{
	return reading != NULL;
}

int cfg_line(void)
{
	return reading ? line_number(reading) : 0;
}

int cfg_once(struct vty *vty, int *line, const char *what)
{
	if (!reading)
		return CMD_SUCCESS;
	if (*line)
		return cfg_fail(vty, "%s is there already, in line %d; allowed: once", what, *line);
	*line = cfg_line();
	return CMD_SUCCESS;
}

int cfg_error(struct err *err, int rc, int line, const char *fmt, ...)
{
	struct err e;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.text, sizeof(e.text), fmt, ap);
	va_end(ap);
	if (line)
		return err_set(err, rc, "%s:%d: %s", file_name, line, e.text);
	return err_set(err, rc, "%s: %s", file_name, e.text);
}

int cfg_after_restart(struct vty *vty)
{
	vty_out(vty, "%% takes effect after restart: change the file; nothing was changed%s", VTY_NEWLINE);
	return CMD_WARNING;
}

char *cfg_path(void *ctx, const char *path)
{
	char *whole = path[0] == '/' ? talloc_strdup(ctx, path) : talloc_asprintf(ctx, "%s/%s", folder, path);

	for (size_t i = 0; i < n_paths; i++) {
		if (strcmp(paths[i], whole) == 0)
			return whole;
	}
	if (n_paths < PATHS_MAX)
		paths[n_paths++] = talloc_strdup(NULL, whole);
	return whole;
}

/* As far as it is there; the last name need not be. */
static bool real_path(char out[PATH_MAX + NAME_MAX], const char *path)
{
	const char *name = strrchr(path, '/');
	char dir[PATH_MAX];

	if (realpath(path, out))
		return true;
	if (span_to_str(dir, sizeof(dir), span_of(path, name ? (size_t)(name - path) : 0)) < 0 ||
	    !realpath(dir[0] ? dir : (name ? "/" : "."), out))
		return false;
	snprintf(out + strlen(out), NAME_MAX, "/%s", name ? name + 1 : path);
	return true;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* As well what lies in a folder of ours, and what a library puts beside a file (-wal, -shm). */
static bool belongs_to(const char *path, const char *ours)
{
	size_t n = strlen(ours);

	return strncmp(path, ours, n) == 0 && (!path[n] || path[n] == '/' || path[n] == '-');
}

bool cfg_path_used(const char *path)
{
	char real[PATH_MAX + NAME_MAX], used[PATH_MAX + NAME_MAX];

	if (!real_path(real, path))
		return false;
	for (size_t i = 0; i <= n_paths; i++) {
		const char *ours = i < n_paths ? paths[i] : file_name;

		if (same_file(real, ours) || (real_path(used, ours) && belongs_to(real, used)))
			return true;
	}
	return false;
}

static int set_folder(const char *path, struct err *err)
{
	char *real = realpath(path, NULL), *slash;

	if (!real)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	slash = strrchr(real, '/');
	if (slash == real)
		slash++;
	*slash = '\0';
	snprintf(folder, sizeof(folder), "%s", real);
	free(real);
	return 0;
}

/* Words that are in every node for a person at the terminal, and mean nothing in a file. */
static bool is_interactive(const char *word)
{
	static const char *const words[] = { "help", "list", "write", "exit", "end", "show", "terminal", "who", "no" };
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

/* One line of the file, cut into words; knows how many of them are considered. */
struct words {
	vector v;
	unsigned n;
};

/* What may stand after the first n words? NULL: these words are no beginning of a command. */
static vector allowed_after(struct vty *y, const struct words *w, unsigned n)
{
	vector prefix = vector_init(n + 1), d;
	int st = CMD_SUCCESS;
	unsigned i;

	for (i = 0; i < n; i++)
		vector_set_index(prefix, i, vector_slot(w->v, i));
	vector_set_index(prefix, n, NULL);
	prefix->active = n + 1;
	d = cmd_describe_command(prefix, y, &st);
	vector_free(prefix);
	return st == CMD_SUCCESS ? d : NULL; /* on failure the library has freed what it returns */
}

/* Is word one of the keywords of d; *value: can any value stand here? */
static bool is_keyword(vector d, const char *word, bool *value)
{
	bool found = false;
	unsigned i;

	*value = false;
	for (i = 0; i < vector_active(d); i++) {
		struct desc *desc = vector_slot(d, i);

		if (!desc || !desc->cmd)
			continue;
		if (strcmp(desc->cmd, word) == 0)
			found = true;
		if (strcmp(desc->cmd, "<cr>") != 0 && (CMD_VARIABLE(desc->cmd) || CMD_VARARG(desc->cmd)))
			*value = true;
	}
	return found;
}

static void list_allowed(struct writer *w, vector d, bool typed)
{
	bool first = true;
	unsigned i;

	for (i = 0; i < vector_active(d); i++) {
		struct desc *desc = vector_slot(d, i);

		if (!desc || !desc->cmd || (!typed && is_interactive(desc->cmd)))
			continue;
		writer_printf(w, "%s%s", first ? "" : ", ", strcmp(desc->cmd, "<cr>") ? desc->cmd : "end of line");
		first = false;
	}
}

/* Which word is the first that cannot be where it is, and what could. */
static void explain_words(struct writer *out, struct vty *y, const struct words *w, const char *line)
{
	vector d = allowed_after(y, w, 0), next;
	bool value = false;
	unsigned i;

	for (i = 0; i < w->n && d; i++) {
		const char *word = vector_slot(w->v, i);

		if (!is_keyword(d, word, &value)) {
			/* A value: right if the parser goes on behind it. */
			next = value ? allowed_after(y, w, i + 1) : NULL;
			if (!next)
				break;
		} else {
			next = allowed_after(y, w, i + 1);
		}
		vector_free(d);
		d = next;
	}
	if (i < w->n)
		writer_printf(out, "%s '%s' in '%s'",
			      value ? "value out of range or of the wrong form:" : "unknown word",
			      (const char *)vector_slot(w->v, i), line);
	else
		writer_printf(out, "incomplete: '%s'", line);
	if (!d)
		return;
	writer_str(out, "; allowed here: ");
	list_allowed(out, d, y->type == VTY_TERM);
	vector_free(d);
}

/* Too long: keep the beginning, and show that there is more. */
static void explain_end(struct writer *out, struct err *err)
{
	if (writer_end(out) < 0)
		memcpy(err->text + sizeof(err->text) - 4, "...", 4);
}

void cfg_explain(struct err *err, struct vty *vty, vector line)
{
	struct words w = { line, vector_active(line) };
	struct writer out;

	writer_init(&out, err->text, sizeof(err->text));
	explain_words(&out, vty, &w, skip_blanks(vty->buf));
	explain_end(&out, err);
}

static void explain(struct err *err, struct vty *y, int rc, const char *path, int line_no)
{
	struct words w = { 0 };
	struct writer out;
	char *nl;

	writer_init(&out, err->text, sizeof(err->text));
	writer_printf(&out, "%s:%d: ", path, line_no);
	if ((nl = strpbrk(y->buf, "\r\n")))
		*nl = '\0';
	if (rc == CMD_ERR_INVALID_INDENT) {
		writer_printf(&out,
			      "wrong indentation of '%s'; allowed here: no blank at the outermost level, one blank "
			      "inside a node, and no tab mixed with blanks",
			      y->buf);
	} else if (rc == CMD_WARNING) {
		writer_printf(&out, "%s in '%s'", reason.text[0] ? reason.text : "refused", skip_blanks(y->buf));
	} else {
		w.v = cmd_make_strvec(y->buf);
		w.n = w.v ? vector_active(w.v) : 0;
		explain_words(&out, y, &w, skip_blanks(y->buf));
		if (w.v)
			cmd_free_strvec(w.v);
	}
	explain_end(&out, err);
}

/* The library takes what is behind max octets for a line of its own, the end of a comment for a command, and nothing of
 * what is behind a NUL. */
static int look_at_lines(FILE *f, size_t max, const char *path, struct err *err)
{
	size_t len = 0;
	int line = 1, c;

	while ((c = fgetc(f)) != EOF) {
		if (c == '\0')
			return err_set(err, -EINVAL, "%s:%d: a NUL in the line; allowed: text", path, line);
		if (c != '\n' && ++len > max)
			return err_set(err, -EINVAL, "%s:%d: the line is too long; allowed: up to %zu characters", path,
				       line, max);
		if (c == '\n') {
			line++;
			len = 0;
		}
	}
	rewind(f);
	return 0;
}

int cfg_file_read(const char *path, struct err *err)
{
	struct vty *y;
	FILE *f;
	int rc = set_folder(path, err);

	if (rc == 0)
		rc = regular_fopen(&f, path, err);
	if (rc < 0)
		return rc;
	rc = look_at_lines(f, LINE_CAP - 2, path, err);
	if (rc < 0) {
		fclose(f);
		return rc;
	}
	y = vty_new();
	y->type = VTY_FILE;
	y->node = CONFIG_NODE;
	y->fd = -1;
	reason.text[0] = '\0';
	snprintf(file_name, sizeof(file_name), "%s", path);
	counted.to = counted.lines = 0;
	reading = f;
	rc = config_from_file(y, f);
	reading = NULL;
	if (rc != CMD_SUCCESS) {
		explain(err, y, rc, path, line_number(f));
		rc = -EINVAL;
	} else {
		host_config_set(path); /* what `write file` writes */
	}
	vty_close(y);
	fclose(f);
	return rc;
}
