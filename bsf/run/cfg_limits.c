/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The limits as one table: word, node, range, default, and whether the VTY changes them at once. */
#include "bsf/run/cfg.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <osmocom/core/utils.h>
#include <osmocom/vty/vty.h>
#include "bsf/run/hss_nodes.h"
#include "common/dia/dia_rate.h"
#include "common/rt/cfg_file.h"

#define DAY_S 86400u
#define RATE  "<1-100000> <1-86400>"
#define RATE_HELP \
	"So many at once, and in each time of\n" \
	"Seconds\n"

struct bsf_cfg *bsf_cfg;

struct limit_row {
	const char *word;
	int node;
	uint32_t min, max, def;
	bool live;
	const char *help;
	bool set; /* was written, so it is written back */
	int line; /* of the file, where it stands */
	struct cmd_element el, el_no;
};

#define LIMIT(word_, node_, min_, max_, def_, live_, help_) \
	{ \
		.word = word_, .node = node_, .min = min_, .max = max_, .def = def_, .live = live_, .help = help_ \
	}

static struct limit_row limits[LIM_COUNT] = {
	[LIM_KEY_LIFETIME] = LIMIT("key-lifetime", BSF_NODE_BSF, 1, 365 * DAY_S, 3600, true,
				   "Life of a key unless the subscriber's GUSS gives one\n"
				   "Seconds\n"),
	[LIM_KEY_LIFETIME_MAX] = LIMIT("key-lifetime-max", BSF_NODE_BSF, 1, 365 * DAY_S, 30 * DAY_S, true,
				       "Longest life a GUSS may give; beyond it is clamped and counted\n"
				       "Seconds\n"),
	[LIM_NONCE_LIFETIME] = LIMIT("nonce-lifetime", BSF_NODE_UB, 1, 3600, 60, true,
				     "How long a challenge may be answered\n"
				     "Seconds\n"),
	[LIM_RETRY_AFTER] = LIMIT("retry-after", BSF_NODE_UB, 1, 3600, 5, true,
				  "What a device is told that we cannot serve now\n"
				  "Seconds\n"),
	[LIM_HEADER_MAX] = LIMIT("header-max", BSF_NODE_UB, 1024, 65536, 8192, false,
				 "Longest request line and header together\n"
				 "Octets\n"),
	[LIM_BODY_MAX] = LIMIT("body-max", BSF_NODE_UB, 0, 65536, 4096, true,
			       "Longest body of a request\n"
			       "Octets\n"),
	[LIM_REQUEST_TIME] = LIMIT("request-time", BSF_NODE_UB, 1, 600, 10, true,
				   "Time in which a request must be here as a whole\n"
				   "Seconds\n"),
	[LIM_IDLE_TIME] = LIMIT("idle-time", BSF_NODE_UB, 1, 600, 10, true,
				"Silence after which a connection is closed\n"
				"Seconds\n"),
	[LIM_CONNECTIONS] = LIMIT("connections", BSF_NODE_UB, 1, 1000000, 20000, false,
				  "HTTP connections at a time, all shards together\n"
				  "Connections\n"),
	[LIM_IN_FLIGHT] = LIMIT("in-flight", BSF_NODE_UB, 1, 100000, 1000, true,
				"Requests being worked on at a time, per shard\n"
				"Requests\n"),
	[LIM_IN_FLIGHT_IMPI] = LIMIT("in-flight-impi", BSF_NODE_UB, 1, 1000, 2, true,
				     "Requests for vectors of one IMPI at a time, all shards together\n"
				     "Requests\n"),
	[LIM_TC] = LIMIT("tc", BSF_NODE_DIAMETER, 1, 600, 5, false,
			 "Time between attempts to connect (RFC 6733 12)\n"
			 "Seconds\n"),
	[LIM_TW] = LIMIT("tw", BSF_NODE_DIAMETER, 6, 600, 10, false,
			 "Watchdog time (RFC 3539)\n"
			 "Seconds\n"),
	[LIM_BUFFERS] =
		LIMIT("buffers", BSF_NODE_DIAMETER, 1, 65536, 64, false,
		      "Memory for messages that are not whole and answers that are not taken, all peers together\n"
		      "MiB\n"),
	[LIM_WITHOUT_CER] = LIMIT(
		"without-cer", BSF_NODE_DIAMETER, 16, 1000000, 512, false,
		"Accepted connections that have not sent CER, all shards together; half of them from one address\n"
		"Connections\n"),
	[LIM_HANDSHAKES] =
		LIMIT("handshakes", BSF_NODE_DIAMETER, 1, DIA_RATE_MAX, DIA_RATE_A_SECOND, false,
		      "TLS handshakes of one address (IPv6: its /64) in a second, all shards together; more wait\n"
		      "Handshakes\n"),
};

struct bucket_row {
	const char *word;
	struct bucket_rate def;
	const char *help;
	bool set;
	int line;
	struct cmd_element el, el_off, el_no;
};

static struct bucket_row buckets[BUCKET_COUNT] = {
	[BUCKET_CHALLENGES_IMPI] = { .word = "challenges-impi",
				     .def = { 6, 60 },
				     .help = "Challenges of one IMPI; who has proven himself has as many of his own\n" },
	[BUCKET_CHALLENGES_SOURCE] = { .word = "challenges-source",
				       .def = { 100, 1 },
				       .help = "Challenges of one source address (IPv6: its /64)\n" },
	[BUCKET_RESYNCS_IMPI] = { .word = "resyncs-impi",
				  .def = { 2, 600 },
				  .help = "Resynchronisations of one IMPI that the HSS has accepted\n" },
};

static uint64_t pack(struct bucket_rate r)
{
	return (uint64_t)r.n << 32 | r.per_s;
}

void bsf_limits_default(struct bsf_cfg *c)
{
	for (int i = 0; i < LIM_COUNT; i++)
		atomic_store(&c->limits.number[i], limits[i].def);
	for (int i = 0; i < BUCKET_COUNT; i++)
		atomic_store(&c->limits.bucket[i], pack(buckets[i].def));
}

int bsf_limits_check(struct err *err)
{
	if (bsf_limit(LIM_KEY_LIFETIME) <= bsf_limit(LIM_KEY_LIFETIME_MAX))
		return 0;
	return cfg_error(err, -EINVAL, 0,
			 "bsf: key-lifetime %" PRIu32 " is over key-lifetime-max %" PRIu32
			 "; allowed: key-lifetime up to key-lifetime-max",
			 bsf_limit(LIM_KEY_LIFETIME), bsf_limit(LIM_KEY_LIFETIME_MAX));
}

/* While the file is read the other half may be yet to come; at the VTY a change that does not fit is taken back. */
static int change_limit(struct vty *vty, struct limit_row *row, uint32_t value)
{
	uint32_t before = atomic_exchange(&bsf_cfg->limits.number[row - limits], value);
	struct err err;

	if (cfg_reading() || bsf_limits_check(&err) == 0)
		return CMD_SUCCESS;
	atomic_store(&bsf_cfg->limits.number[row - limits], before);
	return cfg_fail(vty, "%s", err.text);
}

static int set_limit(struct cmd_element *self, struct vty *vty, int argc, const char *argv[])
{
	struct limit_row *row = container_of(self, struct limit_row, el);
	int rc = row->live || cfg_reading() ? cfg_once(vty, &row->line, row->word) : cfg_after_restart(vty);

	if (rc == CMD_SUCCESS)
		rc = change_limit(vty, row, (uint32_t)strtoul(argv[0], NULL, 10));
	row->set |= rc == CMD_SUCCESS;
	return rc;
}

static int unset_limit(struct cmd_element *self, struct vty *vty, int argc, const char *argv[])
{
	struct limit_row *row = container_of(self, struct limit_row, el_no);
	int rc = row->live || cfg_reading() ? change_limit(vty, row, row->def) : cfg_after_restart(vty);

	row->set &= rc != CMD_SUCCESS;
	return rc;
}

static int set_bucket(struct cmd_element *self, struct vty *vty, int argc, const char *argv[])
{
	struct bucket_row *row = container_of(self, struct bucket_row, el);
	struct bucket_rate r = { strtoul(argv[0], NULL, 10), strtoul(argv[1], NULL, 10) };
	int rc = cfg_once(vty, &row->line, row->word);

	if (rc != CMD_SUCCESS)
		return rc;
	row->set = true;
	atomic_store(&bsf_cfg->limits.bucket[row - buckets], pack(r));
	return CMD_SUCCESS;
}

static int set_bucket_off(struct cmd_element *self, struct vty *vty, int argc, const char *argv[])
{
	struct bucket_row *row = container_of(self, struct bucket_row, el_off);
	int rc = cfg_once(vty, &row->line, row->word);

	if (rc == CMD_SUCCESS)
		atomic_store(&bsf_cfg->limits.bucket[row - buckets], 0);
	return rc;
}

DEFUN(cfg_source_exempt, cfg_source_exempt_cmd, "source-exempt (private|none)",
      "Addresses that challenges-source does not count\n"
      "Private, link-local and loopback addresses: all devices may stand behind one of them (default)\n"
      "Count every address\n")
{
	atomic_store(&bsf_cfg->limits.source_all, argv[0][0] == 'n');
	return CMD_SUCCESS;
}

DEFUN(cfg_gba_u, cfg_gba_u_cmd, "gba-u (guss|off)",
      "Who bootstraps with GBA_U\n"
      "Cards of which the GUSS says uiccType GBA_U (default)\n"
      "Nobody: a card that can GBA_U is refused by devices that use it so\n")
{
	atomic_store(&bsf_cfg->limits.gba_u_off, argv[0][0] == 'o');
	return CMD_SUCCESS;
}

DEFUN(cfg_guss_bad_uss, cfg_guss_bad_uss_cmd, "guss-bad-uss (fail|leave-out)",
      "A uss of the GUSS that cannot be used: no id, a type or flag that is no number, too many uid or flag\n"
      "The bootstrap fails: what the uss was to say may have been a restriction (default)\n"
      "That uss is left out, with a line in the log\n")
{
	atomic_store(&bsf_cfg->limits.bad_uss_left_out, argv[0][0] == 'l');
	return CMD_SUCCESS;
}

#define GUSS_TIMESTAMP_HELP "The timestamp of the GUSS that is kept with a session of the subscriber\n"

DEFUN(cfg_guss_timestamp, cfg_guss_timestamp_cmd, "guss-timestamp (on|off)",
      GUSS_TIMESTAMP_HELP "The HSS is told it, and sends the GUSS only if it has changed\n"
			  "The HSS is not told it, so each answer brings the GUSS (default)\n")
{
	atomic_store(&bsf_cfg->limits.guss_timestamp, argv[0][1] == 'n');
	return CMD_SUCCESS;
}

DEFUN(cfg_no_guss_timestamp, cfg_no_guss_timestamp_cmd, "no guss-timestamp", NO_STR GUSS_TIMESTAMP_HELP)
{
	atomic_store(&bsf_cfg->limits.guss_timestamp, false);
	return CMD_SUCCESS;
}

DEFUN(cfg_strangers, cfg_strangers_cmd, "strangers (answer|close)",
      "Connections from addresses that are no peer's\n"
      "They may send a CER, and are told why they are refused (default)\n"
      "They are closed before anything is read\n")
{
	atomic_store(&bsf_cfg->limits.strangers_close, argv[0][0] == 'c');
	return CMD_SUCCESS;
}

static int unset_bucket(struct cmd_element *self, struct vty *vty, int argc, const char *argv[])
{
	struct bucket_row *row = container_of(self, struct bucket_row, el_no);

	row->set = false;
	atomic_store(&bsf_cfg->limits.bucket[row - buckets], pack(row->def));
	return CMD_SUCCESS;
}

typedef int cmd_fn(struct cmd_element *, struct vty *, int, const char *[]);

/* el lives in a table of this file; its texts live as long as ctx. */
static void install(int node, struct cmd_element *el, cmd_fn *func, char *string, const char *doc)
{
	el->string = string;
	el->doc = doc;
	el->func = func;
	install_element(node, el);
}

static void rate_text(char out[32], struct bucket_rate r)
{
	if (r.n)
		snprintf(out, 32, "%" PRIu32 " %" PRIu32, r.n, r.per_s);
	else
		strcpy(out, "off");
}

DEFUN(show_limits, show_limits_cmd, "show limits", SHOW_STR "Limits that hold now, and their defaults\n")
{
	char now[32], def[32];

	for (int i = 0; i < LIM_COUNT; i++) {
		uint32_t v = i == LIM_CONNECTIONS ? bsf_connections() : bsf_limit(i);

		vty_out(vty, "%-18s %8" PRIu32 "  default %" PRIu32 "%s%s%s", limits[i].word, v, limits[i].def,
			v == bsf_limit(i) ? "" : ", less than configured: the limit of open files",
			limits[i].live ? "" : ", after restart", VTY_NEWLINE);
	}
	for (int i = 0; i < BUCKET_COUNT; i++) {
		rate_text(now, limits_bucket(&bsf_cfg->limits, i));
		rate_text(def, buckets[i].def);
		vty_out(vty, "%-18s %8s  default %s%s", buckets[i].word, now, def, VTY_NEWLINE);
	}
	vty_out(vty, "%-18s %8s  default private%s", "source-exempt",
		atomic_load(&bsf_cfg->limits.source_all) ? "none" : "private", VTY_NEWLINE);
	vty_out(vty, "%-18s %8s  default guss%s", "gba-u", atomic_load(&bsf_cfg->limits.gba_u_off) ? "off" : "guss",
		VTY_NEWLINE);
	vty_out(vty, "%-18s %8s  default fail%s", "guss-bad-uss",
		atomic_load(&bsf_cfg->limits.bad_uss_left_out) ? "leave-out" : "fail", VTY_NEWLINE);
	vty_out(vty, "%-18s %8s  default off%s", "guss-timestamp",
		atomic_load(&bsf_cfg->limits.guss_timestamp) ? "on" : "off", VTY_NEWLINE);
	vty_out(vty, "%-18s %8s  default answer%s", "strangers",
		atomic_load(&bsf_cfg->limits.strangers_close) ? "close" : "answer", VTY_NEWLINE);
	for (size_t i = 0; i < bsf_cfg->n_hss; i++)
		vty_out(vty, "%-18s %8u  of hss %s%s", "timeout", (unsigned)bsf_cfg->hss[i]->timeout_s,
			bsf_cfg->hss[i]->identity, VTY_NEWLINE);
	return CMD_SUCCESS;
}

void bsf_limits_vty_init(void *ctx)
{
	for (int i = 0; i < LIM_COUNT; i++) {
		struct limit_row *r = &limits[i];

		install(r->node, &r->el, set_limit,
			talloc_asprintf(ctx, "%s <%" PRIu32 "-%" PRIu32 ">", r->word, r->min, r->max), r->help);
		install(r->node, &r->el_no, unset_limit, talloc_asprintf(ctx, "no %s", r->word),
			talloc_asprintf(ctx, NO_STR "%s", r->help));
	}
	for (int i = 0; i < BUCKET_COUNT; i++) {
		struct bucket_row *r = &buckets[i];
		const char *rate = talloc_asprintf(ctx, "%s" RATE_HELP, r->help);

		install(BSF_NODE_UB, &r->el, set_bucket, talloc_asprintf(ctx, "%s " RATE, r->word), rate);
		install(BSF_NODE_UB, &r->el_no, unset_bucket, talloc_asprintf(ctx, "no %s", r->word),
			talloc_asprintf(ctx, NO_STR "%s", r->help));
		install(BSF_NODE_UB, &r->el_off, set_bucket_off, talloc_asprintf(ctx, "%s off", r->word),
			talloc_asprintf(ctx,
					"%s"
					"No limit\n",
					r->help));
	}
	install_element(BSF_NODE_UB, &cfg_source_exempt_cmd);
	install_element(BSF_NODE_UB, &cfg_gba_u_cmd);
	install_element(BSF_NODE_UB, &cfg_guss_bad_uss_cmd);
	install_element(BSF_NODE_UB, &cfg_guss_timestamp_cmd);
	install_element(BSF_NODE_UB, &cfg_no_guss_timestamp_cmd);
	install_element(BSF_NODE_DIAMETER, &cfg_strangers_cmd);
	install_element_ve(&show_limits_cmd);
}

void bsf_limits_write(struct vty *vty, int node)
{
	for (int i = 0; i < LIM_COUNT; i++) {
		if (limits[i].node == node && (limits[i].set || bsf_limit(i) != limits[i].def))
			vty_out(vty, " %s %" PRIu32 "%s", limits[i].word, bsf_limit(i), VTY_NEWLINE);
	}
	for (int i = 0; node == BSF_NODE_UB && i < BUCKET_COUNT; i++) {
		struct bucket_rate r = limits_bucket(&bsf_cfg->limits, i);

		if (!r.n)
			vty_out(vty, " %s off%s", buckets[i].word, VTY_NEWLINE);
		else if (buckets[i].set || pack(r) != pack(buckets[i].def))
			vty_out(vty, " %s %" PRIu32 " %" PRIu32 "%s", buckets[i].word, r.n, r.per_s, VTY_NEWLINE);
	}
	if (node == BSF_NODE_UB && atomic_load(&bsf_cfg->limits.source_all))
		vty_out(vty, " source-exempt none%s", VTY_NEWLINE);
	if (node == BSF_NODE_UB && atomic_load(&bsf_cfg->limits.gba_u_off))
		vty_out(vty, " gba-u off%s", VTY_NEWLINE);
	if (node == BSF_NODE_UB && atomic_load(&bsf_cfg->limits.bad_uss_left_out))
		vty_out(vty, " guss-bad-uss leave-out%s", VTY_NEWLINE);
	if (node == BSF_NODE_UB && atomic_load(&bsf_cfg->limits.guss_timestamp))
		vty_out(vty, " guss-timestamp on%s", VTY_NEWLINE);
	if (node == BSF_NODE_DIAMETER && atomic_load(&bsf_cfg->limits.strangers_close))
		vty_out(vty, " strangers close%s", VTY_NEWLINE);
}
