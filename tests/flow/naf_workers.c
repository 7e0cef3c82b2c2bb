/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An application that forks two workers, each with a Diameter identity of its own, as gba/naf.h asks for; on the
 * installed form of the library (public header, shared object). Run by tests/e2e/t_ua.py against a real BSF:
 *
 *   naf_workers BSF-ADDRESS BSF-IDENTITY BSF-REALM BSF-NAME B-TID
 *
 * Each worker asks for the key of the B-TID from four threads and says what it got. Then it shows what the header
 * says of forks and closing. Exit status 0: all as promised. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <gba/naf.h>

#define WORKERS 2
#define THREADS 4

static const char *btid;

struct asker {
	struct gba_naf *naf;
	int rc;
	char fingerprint[GBA_NAF_FINGERPRINT_LEN + 1];
};

static int fail(const char *what)
{
	fprintf(stderr, "failed: %s\n", what);
	return 1;
}

static void *ask(void *arg)
{
	struct asker *a = arg;
	struct gba_naf_request req;
	struct gba_naf_key *key;

	gba_naf_request_init(&req);
	req.deadline_ms = 5000;
	a->rc = gba_naf_fetch_key(a->naf, btid, &req, &key);
	if (a->rc == 0) {
		gba_naf_key_fingerprint(key, a->fingerprint);
		gba_naf_key_free(key);
	}
	return NULL;
}

static int ask_from_threads(struct gba_naf *naf, const char *identity)
{
	struct asker a[THREADS];
	pthread_t t[THREADS];

	memset(a, 0, sizeof(a));
	for (int i = 0; i < THREADS; i++) {
		a[i].naf = naf;
		if (pthread_create(&t[i], NULL, ask, &a[i]))
			return fail("no thread");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < THREADS; i++) {
		if (a[i].rc)
			return fail(gba_naf_strerror(a[i].rc));
		if (strcmp(a[i].fingerprint, a[0].fingerprint) != 0)
			return fail("threads got different keys");
	}
	printf("%s key %s\n", identity, a[0].fingerprint);
	return 0;
}

/*! A child of an open process: nothing works, nothing hangs. */
static int child_of_open(struct gba_naf *naf, const struct gba_naf_config *cfg)
{
	struct gba_naf_key *key;
	char err[200];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		bool right = gba_naf_fetch_key(naf, btid, NULL, &key) == -ECHILD && !gba_naf_connected(naf);

		gba_naf_free(naf);
		right = right && !gba_naf_new(cfg, err, sizeof(err)) && strstr(err, "before fork()");
		_exit(right ? 0 : 1);
	}
	return waitpid(pid, &status, 0) == pid && status == 0 ? 0 : fail("child of an open process");
}

static int worker(int n, char **argv)
{
	const char *names[] = { "naf1.example.com" }, *bsf_names[] = { argv[4] };
	struct gba_naf_diameter d;
	struct gba_naf_config cfg;
	struct gba_naf *naf, *second;
	char identity[64], err[200] = "";

	snprintf(identity, sizeof(identity), "naf1-w%d.example.com", n);
	gba_naf_diameter_init(&d);
	d.identity = identity;
	d.realm = "example.com";
	d.bsf_address = argv[1];
	d.bsf_identity = argv[2];
	d.bsf_realm = argv[3];
	d.connect_ms = 10000;
	d.realm_from_btid = n == 2;
	gba_naf_config_init(&cfg);
	cfg.names = names;
	cfg.n_names = 1;
	cfg.bsf_names = bsf_names;
	cfg.n_bsf_names = 1;
	cfg.diameter = &d;
	naf = gba_naf_new(&cfg, err, sizeof(err));
	if (!naf)
		return fail(err);
	if (!gba_naf_connected(naf))
		return fail("not connected");
	if (ask_from_threads(naf, identity) || child_of_open(naf, &cfg))
		return 1;
	second = gba_naf_new(&cfg, err, sizeof(err)); /* the same connection, a cache of its own */
	if (!second || ask_from_threads(second, identity))
		return fail("second context");
	d.identity = "naf9.example.com";
	if (gba_naf_new(&cfg, err, sizeof(err)) || !strstr(err, "identity"))
		return fail("another identity in the same process");
	d.identity = identity;
	gba_naf_free(naf);
	if (ask_from_threads(second, identity)) /* from its cache; the connection is still there */
		return 1;
	gba_naf_free(second);
	if (gba_naf_new(&cfg, err, sizeof(err)) || !strstr(err, "closed"))
		return fail("open after the last close");
	return 0;
}

int main(int argc, char **argv)
{
	pid_t pid[WORKERS];
	int status, rc = 0;

	if (argc != 6)
		return fail("BSF-ADDRESS BSF-IDENTITY BSF-REALM BSF-NAME B-TID");
	btid = argv[5];
	for (int i = 0; i < WORKERS; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			rc = worker(i + 1, argv);
			fflush(stdout);
			exit(rc);
		}
	}
	for (int i = 0; i < WORKERS; i++) {
		if (waitpid(pid[i], &status, 0) != pid[i] || status)
			rc = 1;
	}
	return rc;
}
