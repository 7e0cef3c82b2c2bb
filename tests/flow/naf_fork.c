/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Applications that fork, wait in an event loop, open and close again: on the installed form of libgba-naf (public header,
 * shared object). Run by tests/e2e/t_naf_fork.py against a BSF that counts:
 *
 *   naf_fork MODE BSF-ADDRESS[,BSF-ADDRESS] B-TID FINGERPRINT [COUNT [THREADS]]
 *
 * prefork   COUNT children, some at a time, of a process whose THREADS threads ask all the while; each child asks for the key.
 *           The parent's own context is open and connected
 * later     the same of a parent that has said connect_later and never asks
 * quiet     says "ready PID" of a child that never calls; then both wait for their end
 * worker    a child asks, says "key", and again whenever a line comes; the file NAF_KEY has gone then
 * epoll     COUNT questions under way at once in one thread with epoll
 * again     open, ask and close COUNT times
 * once      ask, with 4 s of patience
 * btid      ask where the domain of the B-TID says
 * links     two links, to two BSFs, and two contexts on the first
 * With NAF_CERTIFICATE, NAF_KEY and NAF_CA over TLS; with NAF_GSID and NAF_GSID2 these USSs are asked for, and IMPI and ussList printed. Exit status 0: all as the header says. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <gba/naf.h>

#define BSF      "bsf.mnc001.mcc001.3gppnetwork.org"
#define REALM    "mnc001.mcc001.3gppnetwork.org"
#define AT_ONCE  16 /* children */
#define PATIENCE 30 /* seconds after which a child hangs */
#define ROOM     512

static const char *btid, *fingerprint;
static unsigned deadline_ms = 20000;
static bool realm_from_btid;
static unsigned count = 1, threads;
static char addresses[2][64];
static atomic_bool stop;

static int fail(const char *what)
{
	fprintf(stderr, "failed: %s\n", what);
	return 1;
}

static void say(void *owner, enum gba_naf_log_level level, const char *text)
{
	if (level >= GBA_NAF_LOG_NOTICE)
		fprintf(stderr, "%d: %s\n", (int)getpid(), text);
}

static struct gba_naf_diameter diameter(int bsf, bool later)
{
	struct gba_naf_diameter d;

	gba_naf_diameter_init(&d);
	d.identity = "naf1.example.com";
	d.realm = "example.com";
	d.bsf_address = addresses[bsf];
	d.peer = BSF;
	d.bsf_realm = REALM;
	d.connect_ms = 10000;
	d.connect_later = later;
	d.realm_from_btid = realm_from_btid;
	d.log = say;
	d.certificate = getenv("NAF_CERTIFICATE");
	d.key = getenv("NAF_KEY");
	d.ca = getenv("NAF_CA");
	return d;
}

static struct gba_naf *context(const struct gba_naf_diameter *d, struct gba_naf_link *link)
{
	static const char *const names[] = { "naf1.example.com" };
	const char *bsf_names[] = { strchr(btid, '@') + 1 }, *gsids[] = { getenv("NAF_GSID"), getenv("NAF_GSID2") };
	struct gba_naf_config c;
	struct gba_naf *naf;
	char err[200];

	gba_naf_config_init(&c);
	c.names = names;
	c.bsf_names = bsf_names;
	c.n_names = c.n_bsf_names = 1;
	c.diameter = d;
	c.link = link;
	c.deadline_ms = deadline_ms;
	c.cache_keys = 4;
	c.gsids = gsids;
	c.n_gsids = !!gsids[0] + !!gsids[1];
	naf = gba_naf_new(&c, err, sizeof(err));
	if (!naf)
		fail(err);
	return naf;
}

static struct gba_naf *open_one(bool later)
{
	struct gba_naf_diameter d = diameter(0, later);

	return context(&d, NULL);
}

static int check(int rc, struct gba_naf_key *key)
{
	char is[GBA_NAF_FINGERPRINT_LEN + 1];

	if (rc)
		return fail(gba_naf_strerror(rc));
	gba_naf_key_fingerprint(key, is);
	if (getenv("NAF_GSID"))
		printf("impi \"%s\" uss %s\n", key->impi, key->uss_list ? key->uss_list : "none");
	gba_naf_key_free(key);
	return strcmp(is, fingerprint) == 0 ? 0 : fail("another key");
}

static int ask(struct gba_naf *naf)
{
	struct gba_naf_key *key;
	struct timespec begin, end;
	int rc;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	rc = gba_naf_fetch_key(naf, btid, NULL, &key);
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (rc)
		fprintf(stderr, "%d: asked for %ld s\n", (int)getpid(), (long)(end.tv_sec - begin.tv_sec));
	return check(rc, key);
}

/*! Another B-TID each time, so that the BSF is asked; and nonces, so that their lock is held often. */
static void *work(void *arg)
{
	struct gba_naf_request req;
	struct gba_naf_key *key;
	char other[256];

	gba_naf_request_init(&req);
	req.method = "GET";
	req.target = "/";
	req.host = "naf1.example.com";
	for (unsigned i = 0; !atomic_load(&stop); i++) {
		snprintf(other, sizeof(other), "%s", btid);
		other[0] = (char)('A' + i % 26);
		other[1] = (char)('a' + i / 26 % 26);
		if (gba_naf_fetch_key(arg, other, &req, &key) == 0)
			gba_naf_key_free(key);
		gba_naf_answer_free(gba_naf_digest(arg, &req));
	}
	return NULL;
}

static int child(struct gba_naf *naf)
{
	int rc;

	alarm(PATIENCE); /* its default action tells: a child that hangs is killed by it */
	rc = ask(naf) || ask(naf);
	if (rc == 0)
		gba_naf_free(naf);
	return rc;
}

static int one_ended(void)
{
	int status;

	if (wait(&status) < 0)
		return fail("wait");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return fail("a child hung");
	return status ? fail("a child ended badly") : 0;
}

static int forks(struct gba_naf *naf)
{
	unsigned running = 0;
	int rc = 0;

	for (unsigned i = 0; i < count && rc == 0; i++) {
		pid_t pid;

		if (running == AT_ONCE) {
			rc = one_ended();
			running--;
		}
		pid = fork();
		if (pid < 0)
			return fail("fork");
		if (pid == 0)
			_exit(child(naf));
		running++;
	}
	for (; running; running--)
		rc |= one_ended();
	return rc;
}

static int prefork(bool later)
{
	struct gba_naf *naf = open_one(later);
	pthread_t t[ROOM];
	int rc;

	if (!naf || (!later && (!gba_naf_connected(naf) || ask(naf))))
		return fail("not connected");
	for (unsigned i = 0; i < threads; i++)
		pthread_create(&t[i], NULL, work, naf);
	rc = forks(naf);
	stop = true;
	for (unsigned i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	if (rc == 0 && !later)
		rc = ask(naf); /* the parent has noticed nothing */
	gba_naf_free(naf);
	return rc;
}

static int run_prefork(void)
{
	return prefork(false);
}

static int run_later(void)
{
	return prefork(true);
}

static int run_quiet(void)
{
	struct gba_naf *naf = open_one(false);
	pid_t pid;

	if (!naf || ask(naf))
		return 1;
	pid = fork();
	if (pid > 0)
		printf("ready %d\n", (int)pid);
	fclose(stdout); /* whoever reads it need not wait for the child */
	for (;;)
		pause();
}

static int run_worker(void)
{
	struct gba_naf *naf = open_one(true);
	char line[16];
	pid_t pid;
	int rc;

	if (getenv("NAF_KEY"))
		unlink(getenv("NAF_KEY"));
	pid = fork();
	if (pid) {
		printf("ready %d\n", (int)pid);
		fflush(stdout);
		rc = waitpid(pid, NULL, 0) == pid ? 0 : 1;
		gba_naf_free(naf);
		return rc;
	}
	do {
		rc = ask(naf);
		puts(rc ? "none" : "key");
		fflush(stdout);
	} while (fgets(line, sizeof(line), stdin));
	gba_naf_free(naf);
	_exit(rc);
}

/*! \returns 0 and one more in *running, or the key was there */
static int begin(struct gba_naf *naf, int set, unsigned n, struct gba_naf_fetch **f)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = n };
	struct gba_naf_key *key;
	char other[256];
	int rc;

	snprintf(other, sizeof(other), "%s", btid);
	other[0] = (char)('A' + n % 26);
	other[1] = (char)('A' + n / 26 % 26);
	if (gba_naf_fetch_start(naf, other, NULL, f) != 0)
		return fail("start");
	if (gba_naf_fetch_fd(*f) >= 0)
		return epoll_ctl(set, EPOLL_CTL_ADD, gba_naf_fetch_fd(*f), &ev) < 0 ? fail("epoll") : 0;
	rc = gba_naf_fetch_finish(*f, &key);
	return check(rc, key);
}

static int run_epoll(void)
{
	struct gba_naf *naf = open_one(false);
	struct gba_naf_fetch *f[ROOM];
	struct gba_naf_key *key;
	struct epoll_event ev;
	int set = epoll_create1(EPOLL_CLOEXEC), rc = 0;
	unsigned over = 0, early = 0;

	for (unsigned i = 0; i < count; i++)
		if (begin(naf, set, i, &f[i]))
			return 1;
	if (gba_naf_fetch_finish(f[count - 1], &key) != -EAGAIN)
		return fail("an answer before the question was out");
	for (; over < count && rc == 0; over++) {
		if (epoll_wait(set, &ev, 1, PATIENCE * 1000) != 1)
			return fail("nothing came");
		rc = gba_naf_fetch_finish(f[ev.data.u32], &key);
		if (rc == -EAGAIN) {
			rc = 0;
			over--;
			early++;
		} else {
			rc = check(rc, key);
		}
	}
	gba_naf_free(naf);
	close(set);
	return early > count ? fail("told too early again and again") : rc;
}

static int run_again(void)
{
	struct gba_naf *naf;
	int rc = 0;

	for (unsigned i = 0; i < count && rc == 0; i++) {
		naf = open_one(i % 2);
		rc = naf ? ask(naf) : 1;
		gba_naf_free(naf);
	}
	return rc;
}

static int run_once(void)
{
	deadline_ms = 4000;
	return run_again();
}

static int run_btid(void)
{
	realm_from_btid = true;
	return run_again();
}

static int run_links(void)
{
	struct gba_naf_diameter d[2] = { diameter(0, false), diameter(1, true) };
	struct gba_naf_link *link[2];
	struct gba_naf *naf[3];
	char err[200];
	int rc;

	for (int i = 0; i < 2; i++) {
		link[i] = gba_naf_link_new(&d[i], err, sizeof(err));
		if (!link[i])
			return fail(err);
	}
	for (int i = 0; i < 3; i++)
		naf[i] = context(NULL, link[i / 2]);
	if (!gba_naf_link_connected(link[0]))
		return fail("not connected");
	gba_naf_link_free(link[0]);
	gba_naf_link_free(link[1]);
	rc = ask(naf[0]) || ask(naf[1]) || ask(naf[2]);
	for (int i = 0; i < 3; i++)
		gba_naf_free(naf[i]);
	return rc;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} modes[] = {
		{ "prefork", run_prefork }, { "later", run_later }, { "quiet", run_quiet },
		{ "worker", run_worker },   { "epoll", run_epoll }, { "again", run_again },
		{ "links", run_links },     { "once", run_once },   { "btid", run_btid },
	};

	if (argc < 5 || sscanf(argv[2], "%63[^,],%63s", addresses[0], addresses[1]) < 1)
		return fail("MODE BSF-ADDRESS[,BSF-ADDRESS] B-TID FINGERPRINT [COUNT [THREADS]]");
	btid = argv[3];
	fingerprint = argv[4];
	if (argc > 5)
		count = (unsigned)atoi(argv[5]);
	if (argc > 6)
		threads = (unsigned)atoi(argv[6]);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(argv[1], modes[i].name) == 0 && threads <= ROOM && count)
			return modes[i].run();
	}
	return fail("no such mode");
}
