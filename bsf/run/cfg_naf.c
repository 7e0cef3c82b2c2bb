/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The commands of "naf" nodes: who may connect to us and for which NAF names it speaks. Live: each change is published at once. */
#include "bsf/run/naf_cfg.h"
#include "bsf/run/withdrawn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/vty.h>
#include "bsf/policy/naf_words.h"
#include "common/gba/naf_id.h"
#include "common/rt/cfg_file.h"

#define NAF_HELP \
	"A peer that connects to us for keys: a NAF, a proxy or a tool\n" \
	"Its Diameter identity\n"

DEFUN(cfg_naf, cfg_naf_cmd, "naf IDENTITY", NAF_HELP)
{
	struct naf_cfg *n = naf_cfg_find(argv[0]);

	if (n && cfg_reading())
		return cfg_fail(vty, "naf %s is there already, in line %d; allowed: one node for each", argv[0],
				n->line);
	if (!n) {
		if (!fqdn_valid(span_str(argv[0]), BSF_ID_MAX))
			return cfg_fail(vty, "'%s' is no host name; allowed: letters, digits, hyphen and dot", argv[0]);
		if (!cfg_reading() && naf_cfg_taken_by(bsf_cfg, argv[0]))
			return cfg_fail(vty, "naf %s: %s; allowed: another one", argv[0],
					naf_cfg_taken_by(bsf_cfg, argv[0]));
		n = naf_cfg_add(argv[0]);
		if (!n)
			return cfg_fail(vty, "no memory");
	}
	vty->index = n;
	vty->node = BSF_NODE_NAF;
	return peer_cfg_changed(vty);
}

DEFUN(cfg_no_naf, cfg_no_naf_cmd, "no naf IDENTITY", NO_STR NAF_HELP)
{
	struct naf_cfg *n = naf_cfg_find(argv[0]);

	struct peer_cfg *own = n ? naf_cfg_own_peer(n) : NULL;

	if (!n)
		return cfg_fail(vty, "%s is not there", argv[0]);
	if (own && peer_cfg_user(own))
		return cfg_fail(vty, "%s is via naf %s; allowed: when nothing is", peer_cfg_user(own),
				n->policy.identity);
	if (own)
		peer_cfg_remove(own);
	withdrawn_naf(argv[0]);
	naf_cfg_remove(n);
	return peer_cfg_changed(vty);
}

struct peer_cfg *naf_cfg_make_own_peer(struct vty *vty, const struct naf_cfg *n)
{
	struct peer_cfg *p = naf_cfg_own_peer(n);

	if (n->policy.via) {
		cfg_fail(vty, "naf %s comes via %s; allowed: either a connection of its own, or via",
			 n->policy.identity, n->policy.via);
		return NULL;
	}
	if (!p && peer_cfg_taken_by(n->policy.identity)) {
		cfg_fail(vty, "naf %s: %s; allowed: via PEER", n->policy.identity,
			 peer_cfg_taken_by(n->policy.identity));
		return NULL;
	}
	p = p ? p : peer_cfg_add(n->policy.identity, PEER_OF_NAF);
	if (!p)
		cfg_fail(vty, "no memory");
	else
		p->line = n->line;
	return p;
}

void naf_cfg_forget_own_peer(struct peer_cfg *p)
{
	if (p && !p->nets.n && p->connections == 1 && !tls_peer_is_written(&p->tls))
		peer_cfg_remove(p);
}

#define ADDRESS_HELP \
	"Where it may come to us from: a connection of its own\n" \
	"ADDRESS or ADDRESS/PREFIX; any: anywhere, by TLS\n"

DEFUN(naf_address, naf_address_cmd, "address NET", ADDRESS_HELP)
{
	struct peer_cfg *p = naf_cfg_make_own_peer(vty, vty->index);
	int rc = p ? peer_cfg_cmd_address(vty, p, argv[0]) : CMD_WARNING;

	naf_cfg_forget_own_peer(p);
	return rc;
}

DEFUN(naf_no_address, naf_no_address_cmd, "no address NET", NO_STR ADDRESS_HELP)
{
	struct peer_cfg *p = naf_cfg_own_peer(vty->index);
	int rc = peer_cfg_cmd_no_address(vty, p, argv[0]);

	naf_cfg_forget_own_peer(p);
	return rc;
}

static int set_connections(struct vty *vty, const char *number)
{
	struct peer_cfg *p = naf_cfg_make_own_peer(vty, vty->index);
	int rc = p ? peer_cfg_cmd_connections(vty, p, number) : CMD_WARNING;

	naf_cfg_forget_own_peer(p);
	return rc;
}

DEFUN(naf_connections, naf_connections_cmd, "connections <1-64>",
      "How many it may have at a time, for servers of several processes\n"
      "Connections\n")
{
	return set_connections(vty, argv[0]);
}

DEFUN(naf_no_connections, naf_no_connections_cmd, "no connections", NO_STR "How many it may have at a time\n")
{
	return set_connections(vty, "1");
}

DEFUN(naf_via, naf_via_cmd, "via PEER",
      "It comes over this peer, a relay\n"
      "Name of a peer\n")
{
	struct naf_cfg *n = vty->index;
	char *via;

	if (naf_cfg_own_peer(n))
		return cfg_fail(vty, "naf %s has a connection of its own; allowed: either that, or via",
				n->policy.identity);
	if (n->policy.via && cfg_reading())
		return cfg_fail(vty, "via %s is written already; allowed: once", n->policy.via);
	if (!cfg_reading() && !peer_cfg_find(argv[0]))
		return cfg_fail(vty, "there is no peer %s; allowed: the name of a peer", argv[0]);
	via = strdup(argv[0]);
	if (!via)
		return cfg_fail(vty, "no memory");
	free(n->policy.via);
	n->policy.via = via;
	return peer_cfg_changed(vty);
}

DEFUN(naf_no_via, naf_no_via_cmd, "no via", NO_STR "It comes over a peer\n")
{
	struct naf_cfg *n = vty->index;

	free(n->policy.via);
	n->policy.via = NULL;
	return peer_cfg_changed(vty);
}

/* --- the words of policy/naf_words.c */

struct word_command {
	struct cmd_element cmd;
	const struct naf_word *w;
};

#define FULL_MAX 64

/* The VTY takes the beginning of a keyword for it. \returns typed, or all of the keyword in full */
static const char *keyword_of(const struct naf_word *w, const char *typed, char full[FULL_MAX])
{
	for (int i = 0; i < NAF_CHOICES_MAX && w->args[0] == '('; i++) {
		if (!w->choices[i] || strncmp(w->choices[i], typed, strlen(typed)) != 0)
			continue;
		snprintf(full, FULL_MAX, "%s", w->choices[i]);
		return full;
	}
	return typed;
}

static int set_word(struct cmd_element *self, struct vty *vty, int argc, const char *argv[])
{
	const struct naf_word *w = container_of(self, struct word_command, cmd)->w;
	struct naf_cfg *n = vty->index;
	char full[FULL_MAX];
	struct err err;

	if (argc == 1)
		argv[0] = keyword_of(w, argv[0], full);
	if (naf_word_set(w, &n->policy, argv, (size_t)argc, &err) < 0)
		return cfg_fail(vty, "%s", err.text);
	n->policy.lines[w - naf_words] = (uint32_t)cfg_line();
	return peer_cfg_changed(vty);
}

static int unset_word(struct cmd_element *self, struct vty *vty, int argc, const char *argv[])
{
	struct naf_cfg *n = vty->index;
	struct err err;

	if (naf_word_unset(container_of(self, struct word_command, cmd)->w, &n->policy, argc ? argv[0] : NULL, &err) <
	    0)
		return cfg_fail(vty, "%s", err.text);
	return peer_cfg_changed(vty);
}

/* \param[in] no the form that takes it back, which names only what a list has more than one of */
static void install_word(const struct naf_word *w, bool no)
{
	struct word_command *c = talloc_zero(tall_vty_ctx, struct word_command);
	bool with_args = *w->args && (!no || w->kind == NAF_EACH);
	int help = (int)(no && !with_args ? strcspn(w->help, "\n") + 1 : strlen(w->help));

	if (!c)
		return;
	c->w = w;
	c->cmd.func = no ? unset_word : set_word;
	c->cmd.string = talloc_asprintf(c, "%s%s%s%s", no ? "no " : "", w->word, with_args ? " " : "",
					with_args ? w->args : "");
	c->cmd.doc = talloc_asprintf(c, "%s%.*s", no ? NO_STR : "", help, w->help);
	if (c->cmd.string && c->cmd.doc)
		install_element(BSF_NODE_NAF, &c->cmd);
}

static void write_own_peer(struct vty *vty, const struct peer_cfg *p)
{
	words_write(vty, "address", &p->nets);
	if (p->connections != 1)
		vty_out(vty, " connections %u%s", p->connections, VTY_NEWLINE);
	tls_peer_write(vty, &p->tls);
}

static void write_word(void *to, const char *line)
{
	struct vty *vty = to;

	vty_out(vty, " %s%s", line, VTY_NEWLINE);
}

static int write_naf(struct vty *vty)
{
	for (const struct naf_cfg *n = bsf_cfg->nafs; n; n = n->next) {
		vty_out(vty, "naf %s%s", n->policy.identity, VTY_NEWLINE);
		if (n->policy.via)
			vty_out(vty, " via %s%s", n->policy.via, VTY_NEWLINE);
		if (naf_cfg_own_peer(n))
			write_own_peer(vty, naf_cfg_own_peer(n));
		for (const struct naf_word *w = naf_words; w->word; w++)
			if (w->help)
				naf_word_write(w, &n->policy, write_word, vty);
	}
	return CMD_SUCCESS;
}

static struct cmd_node naf_node = { .node = BSF_NODE_NAF, .prompt = "%s(config-naf)# ", .vtysh = 1 };

void naf_cfg_vty_init(void)
{
	static struct cmd_element *const cmds[] = { &naf_address_cmd,        &naf_no_address_cmd, &naf_connections_cmd,
						    &naf_no_connections_cmd, &naf_via_cmd,        &naf_no_via_cmd };

	install_node(&naf_node, write_naf);
	install_element(CONFIG_NODE, &cfg_naf_cmd);
	install_element(CONFIG_NODE, &cfg_no_naf_cmd);
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		install_element(BSF_NODE_NAF, cmds[i]);
	for (const struct naf_word *w = naf_words; w->word; w++) {
		if (!w->help)
			continue;
		install_word(w, false);
		install_word(w, true);
	}
}
