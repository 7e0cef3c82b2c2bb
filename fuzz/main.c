/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Runs one fuzz target over its corpus, without libFuzzer: each file as it is, then damaged in ways that are always the
 * same, so that a sanitizer build sees more than the good cases. fuzz_<module> reads $srcdir/fuzz/corpus/<module>/;
 * files may be named instead. No input is a failure. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX   (1 << 20) /* octets of one file */
#define DAMAGED_MAX 1024      /* places in one input that are damaged, spread over its length */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long runs;

/* On the heap and of exact size, so that a sanitizer sees each octet read beyond. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(size ? copy : copy + 1, size);
	free(copy);
	runs++;
}

static void run_damaged(uint8_t *data, size_t size)
{
	static const uint8_t octets[] = { 0x00, 0xff, '"', '<', '=', ' ' };
	size_t step = size / DAMAGED_MAX + 1;

	for (size_t i = 0; i < size; i += step) {
		uint8_t kept = data[i];

		run(data, i);
		run(data + i, size - i);
		data[i] = octets[i % sizeof(octets)];
		run(data, size);
		data[i] = kept ^ (uint8_t)(1u << i % 8);
		run(data, size);
		data[i] = kept;
	}
}

static void run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX);
	size_t size;

	if (!f || !data) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, INPUT_MAX, f);
	run(data, size);
	run_damaged(data, size);
	fclose(f);
	free(data);
}

/* \returns files run */
static unsigned run_corpus(const char *module)
{
	const char *srcdir = getenv("srcdir");
	char dir[1024], path[2048];
	unsigned files = 0;
	struct dirent *e;
	struct stat st;
	DIR *d;

	snprintf(dir, sizeof(dir), "%s/fuzz/corpus/%s", srcdir ? srcdir : ".", module);
	d = opendir(dir);
	if (!d) {
		perror(dir);
		return 0;
	}
	while ((e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
			run_file(path);
			files++;
		}
	}
	closedir(d);
	return files;
}

int main(int argc, char **argv)
{
	const char *name = strstr(argv[0], "fuzz_"), *next;
	unsigned files = 0;

	for (; name && (next = strstr(name + 1, "fuzz_")); name = next)
		;
	for (int i = 1; i < argc; i++, files++)
		run_file(argv[i]);
	if (argc == 1 && name)
		files = run_corpus(name + strlen("fuzz_"));
	printf("%s: %u files, %lu inputs\n", argv[0], files, runs);
	return files ? 0 : 1;
}
