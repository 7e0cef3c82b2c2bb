/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* gba-vuicc: a UICC in software in a reader of pcscd. One process is one card; a socket takes it out and puts it back. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "ue/state_file.h"
#include "ue/vuicc/control.h"
#include "ue/vuicc/vpcd.h"
#include "ue/vuicc/vuicc_state.h"

#define AGAIN_MS 200 /* between two tries to find a reader */
#define IDLE_MS  20  /* without a command: time to wait for the disk */

static const char usage[] =
	"usage: gba-vuicc [options]               a UICC in a reader of pcscd (vsmartcard-vpcd)\n"
	"       gba-vuicc --control SOCKET out|in|status\n"
	"                                         take the card of another gba-vuicc out, put it back, ask\n"
	"options:\n"
	"  -c FILE              the card (default vuicc.cfg), mode 0600\n"
	"  --reader HOST:PORT   where vpcd listens (default 127.0.0.1:35963)\n"
	"  --control SOCKET     Unix socket that takes commands, mode 0600\n"
	"  --out                start with the card taken out\n"
	"  --p2-85              also take NAF derivation with P2 85, as some devices send it\n"
	"  -v                   each command and status word on stderr, no data\n"
	"  -V, -h               version, this text\n";

struct options {
	const char *config, *control, *word;
	char host[256], port[6];
	bool out, p2_85, trace;
};

/* The process: one card, its reader, its control socket. */
static struct {
	struct options o;
	struct vuicc card;
	struct vpcd reader;
	struct control control;
	char state_path[4096];
	bool in;   /* in a reader, or looking for one */
	bool told; /* that no reader is there */
	bool unsynced;
	uint64_t sync_at, again_at; /* ms, monotonic */
} p;

static int save(struct vuicc *u)
{
	struct err err = { "" };
	int rc = vuicc_state_save(u, p.state_path, &err);

	if (rc < 0)
		fprintf(stderr, "gba-vuicc: %s\n", err.text);
	p.unsynced = true;
	p.sync_at = clock_mono_ms() + IDLE_MS;
	return rc;
}

static void put_in(void)
{
	struct err err = { "" };

	if (vpcd_connect(&p.reader, p.o.host, p.o.port, &err) == 0) {
		fprintf(stderr, "gba-vuicc: card in, reader %s:%s\n", p.o.host, p.o.port);
		p.told = false;
	} else if (!p.told) {
		fprintf(stderr, "gba-vuicc: no reader yet: %s\n", err.text);
		p.told = true;
	}
}

static void take_out(const char *why)
{
	if (p.reader.fd >= 0)
		fprintf(stderr, "gba-vuicc: card out: %s\n", why);
	vpcd_close(&p.reader);
	vuicc_reset(&p.card);
}

static int answer(struct span command)
{
	uint8_t out[VUICC_ANSWER_MAX];
	size_t n = vuicc_command(&p.card, command.p, command.len, out);
	int rc = vpcd_send(&p.reader, out, n);

	if (p.o.trace && command.len >= 4)
		fprintf(stderr, "%02x %02x %02x %02x, %zu octets -> %zu octets, %02x%02x\n", command.p[0], command.p[1],
			command.p[2], command.p[3], command.len, n - 2, out[n - 2], out[n - 1]);
	OPENSSL_cleanse(out, sizeof(out));
	return rc;
}

static int serve_reader(void)
{
	struct span command;
	int rc = vpcd_read(&p.reader);

	while (rc == 0) {
		switch (vpcd_next(&p.reader, &command)) {
		case VPCD_NOTHING:
			return 0;
		case VPCD_ATR:
			rc = vpcd_send(&p.reader, vuicc_atr.p, vuicc_atr.len);
			break;
		case VPCD_COMMAND:
			rc = answer(command);
			break;
		default:
			vuicc_reset(&p.card);
		}
	}
	return rc;
}

/* \returns the answer, a line */
static const char *on_control(const char *word)
{
	if (strcmp(word, "out") == 0) {
		p.in = false;
		take_out("taken out by command");
		return "out\n";
	}
	if (strcmp(word, "in") == 0) {
		p.in = true;
		if (p.reader.fd < 0)
			put_in();
	} else if (strcmp(word, "status") != 0) {
		return "allowed is out, in or status\n";
	}
	return p.reader.fd >= 0 ? "in\n" : p.in ? "no reader\n" : "out\n";
}

/* What waits for a time and not for a message: the disk, and a reader that is not there. */
static void due(void)
{
	struct err err = { "" };
	uint64_t now = clock_mono_ms();

	if (p.unsynced && now >= p.sync_at) {
		if (state_file_sync(p.state_path, &err) < 0)
			fprintf(stderr, "gba-vuicc: %s\n", err.text);
		p.unsynced = false;
	}
	if (p.in && p.reader.fd < 0 && now >= p.again_at) {
		put_in();
		p.again_at = now + AGAIN_MS;
	}
}

static int wait_ms(void)
{
	const uint64_t now = clock_mono_ms();
	uint64_t at = UINT64_MAX;

	if (p.unsynced)
		at = p.sync_at;
	if (p.in && p.reader.fd < 0 && p.again_at < at)
		at = p.again_at;
	return at == UINT64_MAX ? -1 : at > now ? (int)(at - now) : 0;
}

static int serve_until(int signals)
{
	for (;;) {
		struct pollfd f[] = {
			{ .fd = p.reader.fd, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
			{ .fd = control_fd(&p.control), .events = POLLIN },
		};
		int n = poll(f, 3, wait_ms());

		if (n < 0 && errno != EINTR)
			return 1;
		if (f[1].revents)
			return 0;
		if (f[0].revents && p.reader.fd >= 0 && serve_reader() < 0)
			take_out("the reader is gone");
		if (f[2].revents)
			control_serve(&p.control, on_control);
		due();
	}
}

static int misused(const char *what, const char *value)
{
	fprintf(stderr, "gba-vuicc: %s%s%s; gba-vuicc --help tells what is allowed\n", what, value ? ": " : "",
		value ? value : "");
	return 2;
}

static int set_reader(struct options *o)
{
	const char *colon = strrchr(optarg, ':');
	size_t host = colon ? (size_t)(colon - optarg) : 0, digits = colon ? strspn(colon + 1, "0123456789") : 0;

	if (!host || host >= sizeof(o->host) || !digits || digits >= sizeof(o->port) || colon[1 + digits])
		return misused("--reader: allowed is HOST:PORT", optarg);
	memcpy(o->host, optarg, host);
	o->host[host] = '\0';
	strcpy(o->port, colon + 1);
	return -1;
}

enum { OPT_READER = 256, OPT_CONTROL, OPT_OUT, OPT_P2_85 };

static const struct option longopts[] = {
	{ "reader", required_argument, NULL, OPT_READER },
	{ "control", required_argument, NULL, OPT_CONTROL },
	{ "out", no_argument, NULL, OPT_OUT },
	{ "p2-85", no_argument, NULL, OPT_P2_85 },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* \returns -1 go on, else the exit code */
static int vuicc_option(struct options *o, int c, const char *word)
{
	switch (c) {
	case 'c':
		o->config = optarg;
		return -1;
	case 'v':
		o->trace = true;
		return -1;
	case OPT_READER:
		return set_reader(o);
	case OPT_CONTROL:
		o->control = optarg;
		return -1;
	case OPT_OUT:
		o->out = true;
		return -1;
	case OPT_P2_85:
		o->p2_85 = true;
		return -1;
	case 'V':
		puts("gba-vuicc " PACKAGE_VERSION);
		return 0;
	case 'h':
		fputs(usage, stdout);
		return 0;
	default:
		return misused(c == ':' ? "an option lacks its value" : "unknown option", word);
	}
}

static int parse(struct options *o, int argc, char **argv)
{
	int c, rc;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":c:vVh", longopts, NULL)) != -1) {
		rc = vuicc_option(o, c, argv[optind - 1]);
		if (rc >= 0)
			return rc;
	}
	if (optind < argc)
		o->word = argv[optind++];
	if (optind < argc)
		return misused("too many words", argv[optind]);
	if (o->word && !o->control)
		return misused("a command needs --control SOCKET", o->word);
	return -1;
}

/* \returns lock; -errno */
static int make_card(struct err *err)
{
	struct sim_cfg cfg;
	int rc = sim_cfg_read(&cfg, p.o.config, err), lock;

	if (rc < 0)
		return rc;
	strcpy(p.state_path, cfg.state_file);
	rc = vuicc_state_new(&p.card, &cfg, p.o.config, err);
	sim_cfg_clear(&cfg);
	if (rc < 0)
		return rc;
	lock = state_file_lock(p.state_path, err);
	if (lock < 0)
		return lock;
	p.card.save = save;
	p.card.p2_85 = p.o.p2_85;
	rc = vuicc_state_load(&p.card, p.state_path, err);
	if (rc == 0 && p.o.control)
		rc = control_open(&p.control, p.o.control, err);
	if (rc < 0)
		close(lock);
	return rc < 0 ? rc : lock;
}

static int serve(void)
{
	struct err err = { "" };
	sigset_t ends;
	int lock, signals, rc;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	signals = signalfd(-1, &ends, SFD_CLOEXEC);
	lock = signals < 0 ? err_set(&err, -errno, "signalfd: %s", strerror(errno)) : make_card(&err);
	if (lock < 0) {
		fprintf(stderr, "gba-vuicc: %s\n", err.text);
		return 2;
	}
	p.in = !p.o.out;
	if (p.in)
		put_in();
	fprintf(stderr, "gba-vuicc: ready\n");
	rc = serve_until(signals);
	take_out("the end");
	if (p.unsynced)
		state_file_sync(p.state_path, NULL);
	control_close(&p.control);
	vuicc_clear(&p.card);
	close(lock);
	close(signals);
	return rc;
}

int main(int argc, char **argv)
{
	struct err err = { "" };
	char text[100];
	int rc;

	secret_harden_process();
	p.o = (struct options){ .config = "vuicc.cfg", .host = "127.0.0.1", .port = "35963" };
	p.reader.fd = -1;
	p.control = CONTROL_NONE;
	rc = parse(&p.o, argc, argv);
	if (rc >= 0)
		return rc;
	if (!p.o.word)
		return serve();
	rc = control_ask(p.o.control, p.o.word, text, sizeof(text), &err);
	if (rc < 0)
		fprintf(stderr, "gba-vuicc: %s\n", err.text);
	else
		fputs(text, stdout);
	return rc < 0 ? 2 : strncmp(text, "allowed", 7) == 0 ? 2 : 0;
}
