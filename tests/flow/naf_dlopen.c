/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* A program that loads libgba-naf as a plug-in, lets its thread run, unloads it and goes on, three times:
 *
 *   naf_dlopen LIBRARY BSF-ADDRESS
 *
 * The last context is not even freed. Also shown: SIGPIPE has its default, and the library does not raise it. */
#include <dlfcn.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>
#include <gba/naf.h>

typedef struct gba_naf *new_fn(const struct gba_naf_config *cfg, char *err, size_t errlen);
typedef void free_fn(struct gba_naf *naf);
typedef bool connected_fn(struct gba_naf *naf);

static int fail(const char *what)
{
	fprintf(stderr, "failed: %s\n", what);
	return 1;
}

static int load_once(const char *library, const char *address, bool close_it)
{
	static const char *const names[] = { "naf1.example.com" }, *const bsf_names[] = { "bsf.example.com" };
	void *lib = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	new_fn *make = lib ? (new_fn *)dlsym(lib, "gba_naf_new") : NULL;
	free_fn *release = lib ? (free_fn *)dlsym(lib, "gba_naf_free") : NULL;
	connected_fn *connected = lib ? (connected_fn *)dlsym(lib, "gba_naf_connected") : NULL;
	struct gba_naf_diameter d;
	struct gba_naf_config c;
	struct gba_naf *naf;
	char err[200];

	if (!make || !release || !connected)
		return fail("cannot load");
	gba_naf_diameter_init(&d);
	d.identity = "naf1.example.com";
	d.realm = d.bsf_realm = "example.com";
	d.bsf_identity = "bsf.mnc001.mcc001.3gppnetwork.org";
	d.bsf_address = address;
	d.connect_ms = 10000;
	gba_naf_config_init(&c);
	c.names = names;
	c.bsf_names = bsf_names;
	c.n_names = c.n_bsf_names = 1;
	c.diameter = &d;
	naf = make(&c, err, sizeof(err));
	if (!naf || !connected(naf))
		return fail("not connected");
	if (close_it)
		release(naf);
	return dlclose(lib) ? fail("cannot unload") : 0;
}

int main(int argc, char **argv)
{
	struct sigaction pipe;
	char line[8];

	if (argc != 3)
		return fail("LIBRARY BSF-ADDRESS");
	for (int i = 0; i < 3; i++)
		if (load_once(argv[1], argv[2], i < 2))
			return 1;
	puts("loaded");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) /* meanwhile the BSF goes away and comes back */
		;
	if (sigaction(SIGPIPE, NULL, &pipe) || pipe.sa_handler != SIG_DFL)
		return fail("SIGPIPE is another");
	return 0;
}
