/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/vty_line.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vector.h>
#include <osmocom/vty/vty.h>
#include "common/rt/cfg_file.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_line.h"
#include "common/rt/vty_sock.h"

typedef int (*execute_fn)(vector, struct vty *, struct cmd_element **, int);

static int (*check_all)(struct err *err);
static bool called;

void vty_line_init(int (*check)(struct err *err))
{
	check_all = check;
}

/* What changes nothing but what this operator sees. */
static bool only_looks(const struct cmd_element *el, int node)
{
	static const char *const words[] = { "show",    "list",     "help",           "exit",
					     "end",     "who",      "echo",           "enable",
					     "disable", "terminal", "write terminal", "configure" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i]);

		if (strncmp(el->string, words[i], n) == 0 && (el->string[n] == ' ' || !el->string[n]))
			return true;
	}
	return node < CONFIG_NODE && strncmp(el->string, "logging", 7) == 0;
}

/* The line again, but of an IMPI what a log may hold. */
static void line_for_log(struct writer *w, vector line)
{
	for (unsigned i = 0; i < vector_active(line); i++) {
		const char *word = vector_slot(line, i);

		if (!word)
			continue;
		writer_str(w, i ? " " : "");
		log_line_word(w, word);
	}
}

/* "%s(config-naf)# " -> "config-naf" */
static struct span node_name(int node)
{
	const char *prompt = cmd_prompt(node), *begin = strchr(prompt, '(');

	return begin ? span_of(begin + 1, strcspn(begin + 1, ")")) : span_str("enable");
}

static void log_line(struct vty *vty, int node, vector line, const struct cmd_element *el, int rc)
{
	struct span in = node_name(node);
	char text[512];
	struct writer w;

	if (!el || only_looks(el, node))
		return;
	writer_init(&w, text, sizeof(text));
	line_for_log(&w, line);
	if (writer_end(&w) < 0)
		memcpy(text + sizeof(text) - 4, "...", 4);
	LOGP(DCFG, LOGL_NOTICE, "vty: %s, in %.*s, %s: %s\n", vty_sock_who(vty), (int)in.len, (const char *)in.p,
	     rc == CMD_SUCCESS ? "done" : "refused", text);
}

/* Said when a node is left, as inside one a peer may be half made; `write file` then refuses. */
static void look_at_all(struct vty *vty)
{
	struct err err = { { 0 } };

	if (check_all && check_all(&err) < 0)
		vty_out(vty, "%% as it is now it would not start again: %s%s", err.text, VTY_NEWLINE);
}

static int run_line(execute_fn library, vector line, struct vty *vty, int vtysh)
{
	struct cmd_element *el = NULL;
	struct err err;
	int node = vty->node, rc = library(line, vty, &el, vtysh);

	if (rc == CMD_ERR_NO_MATCH || rc == CMD_ERR_INCOMPLETE) {
		cfg_explain(&err, vty, line);
		vty_out(vty, "%% %s%s", err.text, VTY_NEWLINE);
		return CMD_WARNING;
	}
	log_line(vty, node, line, el, rc);
	if (node >= CONFIG_NODE && vty->node < node)
		look_at_all(vty);
	return rc;
}

/* A browser or a forwarded request: what follows is not meant for us. */
static bool is_http(const char *line)
{
	return strstr(line, " HTTP/") != NULL;
}

/* Takes the place of the library's, which is called for each line that was typed. */
int cmd_execute_command(vector line, struct vty *vty, struct cmd_element **cmd, int vtysh)
{
	execute_fn library = (execute_fn)dlsym(RTLD_NEXT, "cmd_execute_command");

	called = true;
	if (vty->type != VTY_TERM)
		return library(line, vty, cmd, vtysh);
	if (is_http(vty->buf)) {
		LOGP(DCFG, LOGL_NOTICE, "vty: %s sent an HTTP request: closed\n", vty_sock_who(vty));
		vty->status = VTY_CLOSE;
	}
	if (vty->status == VTY_CLOSE) /* the library goes on with what came in the same piece */
		return CMD_SUCCESS;
	return run_line(library, line, vty, vtysh);
}

bool vty_line_works(void)
{
	struct vty *vty;
	int sv[2];

	if (called)
		return true;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return false;
	vty = vty_create(sv[0], NULL);
	if (vty && write(sv[1], "who\n", 4) == 4)
		vty_read(vty);
	if (vty)
		vty_close(vty); /* closes sv[0] */
	close(sv[1]);
	return called;
}
