/* SPDX-License-Identifier: AGPL-3.0-or-later */
#include "common/rt/daemon.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <osmocom/core/application.h>
#include <osmocom/core/select.h>
#include <osmocom/vty/command.h>
#include <osmocom/vty/vty.h>
#include <talloc.h>
#include "common/base/secret.h"
#include "common/base/sockaddr.h"
#include "common/base/visible.h"
#include "common/rt/cfg_file.h"
#include "common/rt/counters.h"
#include "common/rt/log_cat.h"
#include "common/rt/log_form.h"
#include "common/rt/pseudonym.h"
#include "common/rt/vty_cmds.h"
#include "common/rt/vty_line.h"
#include "common/rt/vty_sock.h"
#include "config.h"

#define HANGUPS_MAX 4

static const struct rt_program *program;
static struct ctl_daemon ctl_served;
static void *root;
static struct osmo_fd signals = { .fd = -1 };
static int stop_signal;
static void (*on_hangup[HANGUPS_MAX])(void);
static atomic_bool failed;

static struct vty_app_info vty_app = {
	.version = PACKAGE_VERSION,
	.copyright = "License AGPL-3.0-or-later: <https://www.gnu.org/licenses/agpl-3.0.html>. There is NO WARRANTY.\n",
};

void rt_fatal(const char *fmt, ...)
{
	char text[4096]; /* an error and a path or two */
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s%s: ", log_form_journal() ? "<3>" : "", program ? program->name : "gba");
	visible_print(stderr, text, strlen(text), false); /* it may repeat what stands in a file of somebody else's */
	fputc('\n', stderr);
}

static void help(void)
{
	printf("%s: %s\n\n"
	       "  -c, --config FILE   configuration, in VTY syntax\n"
	       "      --check         read and verify the configuration, start nothing\n",
	       program->name, program->summary);
	if (program->import_help)
		printf("      --import FILE   %s\n", program->import_help);
	for (const struct rt_option *o = program->options; o && o->name; o++) {
		int n = printf("      --%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");

		printf("%*s%s\n", n < 22 ? 22 - n : 1, "", o->help);
	}
	printf("  -V, --version\n"
	       "  -h, --help\n");
}

#define OPTION_OWN  256 /* the first of a program's own; larger than any letter */
#define OPTIONS_MAX 16

/* Those all have, --import where there is one, and the program's own. */
static void list_options(struct option out[OPTIONS_MAX], const struct rt_program *p)
{
	static const struct option common[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
	};
	size_t n = sizeof(common) / sizeof(common[0]);

	memcpy(out, common, sizeof(common));
	if (p->import_help)
		out[n++] = (struct option){ "import", required_argument, NULL, 'i' };
	for (int i = 0; p->options && p->options[i].name; i++) {
		assert(n < OPTIONS_MAX - 1);
		out[n++] = (struct option){ p->options[i].name, p->options[i].arg ? required_argument : no_argument,
					    NULL, OPTION_OWN + i };
	}
	out[n] = (struct option){ 0 };
}

/* \returns as rt_begin() */
static int read_args(struct rt_args *out, const struct rt_program *p, int argc, char **argv)
{
	struct option options[OPTIONS_MAX];
	struct rt_args a = { 0 };
	int opt;

	program = p;
	list_options(options, p);
	while ((opt = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1) {
		if (opt >= OPTION_OWN) {
			const struct rt_option *o = &p->options[opt - OPTION_OWN];

			*o->value = o->arg ? optarg : o->name;
			continue;
		}
		switch (opt) {
		case 'c':
			a.config = optarg;
			break;
		case 'k':
			a.check = true;
			break;
		case 'i':
			a.import = optarg;
			break;
		case 'V':
			printf("%s %s\n", p->name, PACKAGE_VERSION);
			return 0;
		case 'h':
			help();
			return 0;
		default:
			fprintf(stderr, "Try '%s --help'.\n", p->name);
			return 2;
		}
	}
	if (optind < argc) {
		rt_fatal("unexpected argument '%s'; try '%s --help'", argv[optind], p->name);
		return 2;
	}
	if (!a.config) {
		rt_fatal("no configuration given: -c FILE");
		return 2;
	}
	*out = a;
	return -1;
}

static int on_signal(struct osmo_fd *ofd, unsigned int what)
{
	struct signalfd_siginfo si;

	if (read(ofd->fd, &si, sizeof(si)) != sizeof(si))
		return 0;
	if (si.ssi_signo == SIGHUP) {
		log_targets_reopen(); /* what logrotate sends, where "log file" is configured */
		for (size_t i = 0; i < HANGUPS_MAX && on_hangup[i]; i++)
			on_hangup[i]();
	} else {
		stop_signal = si.ssi_signo;
	}
	return 0;
}

void rt_on_hangup(void (*fn)(void))
{
	size_t i = 0;

	while (i < HANGUPS_MAX - 1 && on_hangup[i] && on_hangup[i] != fn)
		i++;
	on_hangup[i] = fn;
}

static void our_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

/* The signals we know arrive as an event of the main loop; no thread is ever interrupted. */
static int catch_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	our_signals(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signals.fd < 0)
		return -errno;
	osmo_fd_setup(&signals, signals.fd, OSMO_FD_READ, on_signal, NULL, 0);
	return osmo_fd_register(&signals);
}

void rt_signals_default(void)
{
	sigset_t set;

	our_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static int rt_init(const struct rt_program *p)
{
	int rc;

	secret_harden_process();
	root = talloc_named_const(NULL, 0, p->name);
	if (!root)
		return -ENOMEM;
	rc = catch_signals();
	if (rc < 0)
		return rc;
	rc = osmo_init_logging2(root, &gba_log_info);
	if (rc < 0)
		return rc;
	vty_app.name = p->name;
	vty_app.tall_ctx = root;
	vty_init(&vty_app);
	pseudonym_vty_init();
	vty_cmds_init(p->check);
	vty_line_init(p->check);
	vty_sock_init();
	if (p->counters)
		counters_vty_init(p->counters);
	if (p->commands) {
		ctl_served = (struct ctl_daemon){ p->name, p->commands, p->figures };
		ctl_init(&ctl_served);
	}
	return log_relay_init();
}

int rt_begin(struct rt_args *out, const struct rt_program *p, int argc, char **argv)
{
	int rc = read_args(out, p, argc, argv);

	if (rc >= 0)
		return rc;
	rc = rt_init(p);
	if (rc == 0)
		return -1;
	rt_fatal("cannot start: %s", strerror(-rc));
	return 1;
}

int rt_owner_check(const struct rt_args *a, const char *dir, int line, struct err *err)
{
	const struct passwd *user;
	struct stat st;

	if (geteuid() != 0 || stat(dir, &st) < 0 || st.st_uid == 0)
		return 0;
	user = getpwuid(st.st_uid);
	return cfg_error(err, -EPERM, line,
			 "%s belongs to %s, who could not open what root makes there; allowed: "
			 "runuser -u %s -- %s -c %s%s%s",
			 dir, user ? user->pw_name : "another user", user ? user->pw_name : "USER", program->name,
			 a->config, a->import ? " --import " : "", a->import ? a->import : "");
}

int rt_config(const struct rt_args *a)
{
	struct err err = { { 0 } };
	int rc = cfg_file_read(a->config, &err);

	if (rc < 0)
		rt_fatal("%s", err.text);
	log_relay_refresh();
	return rc;
}

void *rt_ctx(void)
{
	return root;
}

int rt_held(const struct rt_args *a, int rc, const struct err *err)
{
	if (!a->check || (rc != -EBUSY && rc != -EADDRINUSE))
		return rc;
	fprintf(stderr, "%s: remark: %s\n", program->name, err->text);
	return 0;
}

int rt_vty_check(const struct rt_args *a, struct err *err)
{
	int rc = vty_sock_check(err);

	if (rc == 0)
		rc = ctl_check(err);
	if (!a->check || rc != -ENOENT)
		return rt_held(a, rc, err);
	fprintf(stderr, "%s: remark: %s\n", program->name, err->text); /* a service's folder, made when it starts */
	return 0;
}

int rt_checked(const struct rt_args *a, int rc)
{
	if (rc == 0)
		printf("%s: %s: configuration ok\n", program->name, a->config);
	return rc;
}

int rt_vty_start(struct err *err)
{
	int rc = vty_sock_start(root, err);

	return rc < 0 ? rc : ctl_start(root, err);
}

void rt_ready(void)
{
	LOGP(DRT, LOGL_NOTICE, "%s %s ready\n", program->name, PACKAGE_VERSION);
	sd_notify(0, "READY=1");
}

void rt_fail(void)
{
	atomic_store(&failed, true);
	kill(getpid(), SIGTERM);
}

bool rt_failed(void)
{
	return atomic_load(&failed);
}

void rt_run(void)
{
	while (!stop_signal) {
		osmo_select_main_ctx(0);
		log_relay_refresh(); /* the VTY may have changed a level */
	}
	sd_notify(0, "STOPPING=1");
	LOGP(DRT, LOGL_NOTICE, "%s: stopping\n", strsignal(stop_signal));
}

void rt_exit(void)
{
	ctl_stop();
	vty_sock_stop();
	log_relay_stop();
	/* The log target writes when its descriptor says so: without a last turn the last lines would be lost. */
	if (osmo_stderr_target)
		log_target_file_switch_to_stream(osmo_stderr_target);
	fflush(stderr);
}
