/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* No key in what is freed, and none on the stack that is left: free() is ours (-Wl,--wrap=free) and looks at each block
 * for every form the keys of this test have; the dead stack is looked at after each call. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/http/auth_hdr.h"
#include "common/http/challenge_hdr.h"
#include "naf-lib/naf_ctx.h"
#include "tests/unit/suite.h"

#define HOST  "naf1.example.com"
#define BSF   "bsf.example.org"
#define BTID  "I1U8vpY3qJ0hiuZNrke/NQ==@" BSF
#define OTHER "n3yNAhrM9NshPM/wx/caag==@" BSF
#define REALM "3GPP-bootstrapping@" HOST
#define STACK (64 * 1024)
#define FORMS 5
#define PIECE 16 /* octets of a form that are searched: a torn copy is one, too */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

void __real_free(void *p);
void __wrap_free(void *p);

static uint8_t forms[FORMS][PIECE]; /* never on the stack */
static size_t n_forms;
static atomic_int frees;
static atomic_int spilled = -1; /* form found in a freed block */

static void watch(const void *octets, size_t len)
{
	ck_assert_uint_ge(len, PIECE);
	memcpy(forms[n_forms++], octets, PIECE);
}

static int form_in(const volatile uint8_t *p, size_t len)
{
	for (size_t i = 0; i + PIECE <= len; i++) {
		for (size_t f = 0; f < n_forms; f++) {
			size_t k = 0;

			while (k < PIECE && p[i + k] == forms[f][k])
				k++;
			if (k == PIECE)
				return (int)f;
		}
	}
	return -1;
}

void __wrap_free(void *p)
{
	int found;

	atomic_fetch_add(&frees, 1);
	found = p ? form_in(p, malloc_usable_size(p)) : -1;

	if (found >= 0)
		atomic_store(&spilled, found);
	__real_free(p);
}

/*! Overwrite what lies below the caller's frame. */
__attribute__((noinline)) static void stack_wash(void)
{
	volatile uint8_t room[STACK];

	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = 0x55;
}

/*! \returns a form of a key in what lies there; -1 none */
__attribute__((noinline)) static int stack_look(void)
{
#ifdef SANITIZED
	return -1;
#else
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	return form_in((const volatile uint8_t *)(here - STACK / 2), STACK / 2);
#endif
}

static struct naf_now clock_now;

static int seen_within = -1;

/*! Asked in the midst of a request, right after the response was checked: what that has left is not yet overwritten. */
static void test_clock(struct naf_now *out)
{
	int found = stack_look();

	if (found >= 0)
		seen_within = found;
	*out = clock_now;
}

static struct gba_naf_key key;
static char uss_list[] = "<ussList>whoever reads this knows the subscriber</ussList>", nonce[128], authorization[1024];
static uint8_t nonce_secret[32] = "nonce secret of the wipe test..";
static struct gba_naf_fake *fake;
static struct gba_naf *naf;
static struct gba_naf_request req;

/*! Every form of the key: octets, base64 (the password), H(A1). Static, for the test's own stack is looked at, too. */
static void watch_all(void)
{
	static char password[GBA_NAF_PASSWORD_LEN + 1];
	static struct secret ha1;

	gba_naf_key_password(&key, password);
	ck_assert_int_eq(digest_ha1(&ha1, DIGEST_MD5, span_str(BTID), span_str(REALM), span_str(password)), 0);
	watch(key.key, sizeof(key.key));
	watch(password, strlen(password));
	watch(ha1.b, ha1.len);
	watch(uss_list, strlen(uss_list));
	watch(nonce_secret, sizeof(nonce_secret));
}

static void begin(void)
{
	static const char *const names[] = { HOST }, *const bsfs[] = { BSF };
	struct gba_naf_config c;

	naf_clock(&clock_now);
	gba_naf_key_init(&key);
	for (size_t i = 0; i < sizeof(key.key); i++)
		key.key[i] = (uint8_t)(0xa0 + 7 * i);
	key.created_at = clock_now.wall_s;
	key.expires_at = clock_now.wall_s + 3600;
	key.uss_list = uss_list;
	key.uss_list_len = strlen(uss_list);
	watch_all();
	fake = gba_naf_fake_new();
	ck_assert_int_eq(gba_naf_fake_add(fake, BTID, &key), 0);
	gba_naf_config_init(&c);
	c.names = names;
	c.bsf_names = bsfs;
	c.n_names = c.n_bsf_names = 1;
	c.fake = fake;
	c.cache_keys = 1;
	c.qop = GBA_NAF_AUTH | GBA_NAF_AUTH_INT;
	c.nonce_secret = nonce_secret;
	stack_wash();
	naf = naf_ctx_new(&c, test_clock, NULL, 0);
	ck_assert_int_eq(stack_look(), -1);
	ck_assert_ptr_nonnull(naf);
}

static void end(void)
{
	gba_naf_free(naf);
	gba_naf_fake_free(fake);
	ck_assert_int_eq(spilled, -1);
	ck_assert_int_eq(seen_within, -1);
}

static void take_nonce(void)
{
	struct gba_naf_answer *a;
	struct challenge_hdr c;

	gba_naf_request_init(&req);
	req.method = "GET";
	req.target = "/";
	req.host = HOST;
	a = gba_naf_digest(naf, &req);
	ck_assert_int_eq(challenge_hdr_parse(&c, (const uint8_t *)a->challenge[0], strlen(a->challenge[0])), 0);
	ck_assert_int_eq(span_to_str(nonce, sizeof(nonce), c.nonce), 0);
	gba_naf_answer_free(a);
}

static void authorize(const char *qop, const char *nc, bool wrong)
{
	static struct digest_text response;
	static struct secret ha1;
	static char password[GBA_NAF_PASSWORD_LEN + 1];
	struct digest_input in = { .method = span_str("GET"), .uri = span_str("/"), .nonce = span_str(nonce) };
	struct auth_hdr h = { .username = span_str(BTID), .realm = span_str(REALM), .uri = span_str("/") };

	in.nc = h.nc = span_str(nc);
	in.cnonce = h.cnonce = span_str("c");
	h.nonce = in.nonce;
	h.qop = span_str(qop);
	ck_assert_int_eq(digest_qop_parse(&in.qop, h.qop), 0);
	gba_naf_key_password(&key, password);
	ck_assert_int_eq(digest_ha1(&ha1, DIGEST_MD5, h.username, h.realm, span_str(password)), 0);
	ck_assert_int_eq(digest_response(&response, &in, &ha1), 0);
	response.hex[0] ^= wrong;
	h.response = span_str(response.hex);
	ck_assert_int_ge(auth_hdr_format(authorization, sizeof(authorization), &h), 0);
	req.authorization = authorization;
}

/*! One request, header and whole, and the stack after each call. */
static enum gba_naf_cause ask(void)
{
	struct gba_naf_answer *a;
	enum gba_naf_cause cause;

	stack_wash();
	a = gba_naf_digest_before_body(naf, &req);
	ck_assert_int_eq(stack_look(), -1);
	gba_naf_answer_free(a);
	stack_wash();
	a = gba_naf_digest(naf, &req);
	ck_assert_int_eq(stack_look(), -1);
	cause = a->cause;
	stack_wash();
	gba_naf_digest_finish(a, "", 0);
	ck_assert_int_eq(stack_look(), -1);
	if (cause != GBA_NAF_CAUSE_OK) /* refused: it holds no key any more */
		ck_assert_int_eq(form_in((uint8_t *)a, malloc_usable_size(a)), -1);
	gba_naf_answer_free(a);
	return cause;
}

/* The watch sees what it is for */
START_TEST(watched)
{
	volatile uint8_t *p = malloc(100);

	for (size_t i = 0; i < sizeof(key.key); i++)
		p[60 + i] = key.key[i];
	free((void *)p);
	ck_assert_int_eq(spilled, 0);
	atomic_store(&spilled, -1);
#ifndef SANITIZED
	stack_wash();
	ck_assert_int_eq(stack_look(), -1);
	p = (volatile uint8_t *)((uintptr_t)__builtin_frame_address(0) - 8192);
	for (size_t i = 0; i < sizeof(key.key); i++)
		p[i] = key.key[i];
	ck_assert_int_eq(stack_look(), 0);
	stack_wash();
#endif
}
END_TEST

START_TEST(requests)
{
	take_nonce();
	authorize("auth", "00000001", false);
	ck_assert_int_eq(ask(), GBA_NAF_CAUSE_OK);
	ck_assert_int_eq(ask(), GBA_NAF_CAUSE_REPLAY);
	authorize("auth-int", "00000002", false);
	ck_assert_int_eq(ask(), GBA_NAF_CAUSE_OK);
	authorize("auth", "00000003", true);
	ck_assert_int_eq(ask(), GBA_NAF_CAUSE_RESPONSE);
	clock_now.wall_s += 3600; /* out of the cache by its life */
	authorize("auth", "00000003", false);
	ck_assert_int_eq(ask(), GBA_NAF_CAUSE_KEY_EXPIRED);
}
END_TEST

START_TEST(keys)
{
	struct gba_naf_key *k;
	char fingerprint[GBA_NAF_FINGERPRINT_LEN + 1];

	stack_wash();
	ck_assert_int_eq(gba_naf_fetch_key(naf, BTID, NULL, &k), 0);
	ck_assert_int_eq(stack_look(), -1);
	stack_wash();
	gba_naf_key_fingerprint(k, fingerprint);
	ck_assert_int_eq(stack_look(), -1);
	gba_naf_key_free(k);
	ck_assert_int_eq(gba_naf_fake_add(fake, OTHER, &key), 0);
	ck_assert_int_eq(gba_naf_fetch_key(naf, OTHER, NULL, &k), 0); /* the first leaves the cache for it */
	gba_naf_key_free(k);
	stack_wash();
	ck_assert_int_eq(gba_naf_fake_add(fake, OTHER, &key), 0); /* replaced */
	ck_assert_int_eq(stack_look(), -1);
	ck_assert_int_eq(gba_naf_fake_remove(fake, BTID), 0);
}
END_TEST

/* An answer nobody waits for any more, and one that is over when it comes */
START_TEST(late)
{
	struct gba_naf_key late_key, out;
	struct btid b;
	struct naf_id naf_id;
	struct naf_ks_id id;

	ck_assert_int_eq(naf_key_copy(&late_key, &key), 0);
	naf_zn_answer(naf_ctx_live(naf)->zn, 777, 0, &late_key);
	ck_assert_int_eq(form_in((uint8_t *)&late_key, sizeof(late_key)), -1);
	ck_assert_int_eq(naf_id_make(&naf_id, HOST, UA_ID_HTTP_DIGEST), 0);
	ck_assert_int_eq(naf_ctx_btid(naf, span_str(BTID), &b), 0);
	naf_ks_id_make(&id, &b, &naf_id);
	ck_assert_int_eq(naf_key_copy(&late_key, &key), 0);
	late_key.expires_at = clock_now.wall_s;
	ck_assert_int_eq(naf_ks_put(naf_ctx_live(naf)->ks, &id, &clock_now, &late_key, &out), -EKEYEXPIRED);
	ck_assert_int_eq(form_in((uint8_t *)&late_key, sizeof(late_key)), -1);
	ck_assert_int_eq(naf_key_copy(&late_key, &key), 0);
	ck_assert_int_eq(naf_ks_put(naf_ctx_live(naf)->ks, &id, &clock_now, &late_key, &out), 0);
	ck_assert_int_eq(form_in((uint8_t *)&late_key, sizeof(late_key)), -1); /* it moved */
	naf_key_clear(&out);
	ck_assert_int_eq(form_in((uint8_t *)&out, sizeof(out)), -1);
}
END_TEST

/* Sanitizers keep the heap in such pages, too, and watch who reads them. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PAGES_SEEN 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PAGES_SEEN 0
#endif
#endif
#ifndef PAGES_SEEN
#define PAGES_SEEN 1
#endif

/*! Where the key lies in pages of our own: neither heap nor stack nor what the program brought along. */
static const uint8_t *find_in_pages(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	const uint8_t *found = NULL;
	char line[512], rights[5], rest[256];
	unsigned long from, to, inode;

	while (maps && !found && fgets(line, sizeof(line), maps)) {
		*rest = '\0';
		if (sscanf(line, "%lx-%lx %4s %*s %*s %lu %255s", &from, &to, rights, &inode, rest) < 4 || inode ||
		    *rest || strcmp(rights, "rw-p") != 0 || to - from > (1ul << 20))
			continue;
		for (const uint8_t *p = (const uint8_t *)from; !found && p + PIECE <= (const uint8_t *)to; p++)
			found = memcmp(p, forms[0], PIECE) == 0 ? p : NULL;
	}
	if (maps)
		fclose(maps);
	return found;
}

/* A child does not touch its parent's part, whose locks may be held by threads that are not there; and has none of its keys,
 * also if it never calls */
START_TEST(child)
{
	const uint8_t *held;
	int status;
	pid_t pid;

	take_nonce();
	authorize("auth", "00000001", false);
	ck_assert_int_eq(ask(), GBA_NAF_CAUSE_OK);
	if (!PAGES_SEEN)
		return;
	held = find_in_pages();
	ck_assert_ptr_nonnull(held);
	pid = fork();
	if (pid == 0) {
		int before = frees, mine;
		bool wiped = true;

		for (size_t i = 0; i < PIECE; i++)
			wiped = wiped && held[i] == 0;
		gba_naf_free(naf);
		mine = frees - before;
		_exit(!wiped ? 1 : mine != 1 ? 2 : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_mem_eq(held, forms[0], PIECE);
}
END_TEST

/* What leaves the cache is wiped where it lay, not when another key takes its place */
START_TEST(dropped)
{
	take_nonce();
	authorize("auth", "00000001", false);
	ck_assert_int_eq(ask(), GBA_NAF_CAUSE_OK);
	if (!PAGES_SEEN)
		return;
	ck_assert_ptr_nonnull(find_in_pages());
	ck_assert_int_eq(gba_naf_drop(naf, BTID, NULL), 1);
	ck_assert_ptr_null(find_in_pages());
}
END_TEST

SUITE_WITH_FIXTURE("naf_wipe", begin, end, watched, requests, keys, late, child, dropped)
