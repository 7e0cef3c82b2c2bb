/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file gba/naf.h
 *  libgba-naf: the NAF of the Generic Bootstrapping Architecture (3GPP TS 33.220) for an application server.
 *
 *  A device that has bootstrapped with its operator's BSF comes with a B-TID as user name and a key both sides can
 *  compute. This library checks the device's HTTP Digest (TS 24.109 clause 5), fetches the key from the BSF over Zn
 *  (Diameter, TS 29.109) and keeps it for its life. No account, no password list, no sign-up.
 *
 *      struct gba_naf_config cfg;
 *      gba_naf_config_init(&cfg);
 *      ... fill in names and the BSF ...
 *      struct gba_naf *naf = gba_naf_new(&cfg, err, sizeof(err));
 *
 *      for each request, when its header is there:
 *          gba_naf_request_init(&req);
 *          ... method, target, and each header field by gba_naf_request_header() ...
 *          ans = gba_naf_digest_before_body(naf, &req);
 *          if (!ans) {
 *              ... read the body into req ...
 *              ans = gba_naf_digest(naf, &req);
 *          }
 *          switch (ans->verdict) {
 *          case GBA_NAF_ACCEPT:     serve; put gba_naf_digest_finish(ans, body, len) into Authentication-Info; break;
 *          case GBA_NAF_CHALLENGE:  401 with each ans->challenge as WWW-Authenticate; break;
 *          case GBA_NAF_DENY:       ans->status (400 or 403); break;
 *          case GBA_NAF_TEMPORARY:  503 with Retry-After ans->retry_after_s; break;
 *          }
 *          gba_naf_answer_free(ans);
 *
 *  Threads. Every function may be called from any thread at any time, also for one context, but for these:
 *  gba_naf_free() of a context comes when no other call for it is running; a struct gba_naf_request, gba_naf_answer,
 *  gba_naf_fetch or gba_naf_key belongs to one thread at a time. The two gba_naf_digest...() and gba_naf_fetch_key() may block
 *  up to their deadline while the BSF is asked; a key in the cache is answered without waiting. Who must not block asks first,
 *  with gba_naf_fetch_start(), and waits for its descriptor. A link has one thread; a context has none.
 *
 *  Processes. Open before or after fork(), as you like, and close and open again as often as you like:
 *   - in a child each context and link goes on to work. Its first question makes a connection, caches and nonces of its own; what
 *     the parent had is closed and wiped in the child, and goes on undisturbed in the parent. No lock of the parent is taken;
 *   - a child that never calls holds no connection and no key of its parent. (Not after _Fork() or clone() without exec: then the
 *     descriptors stay, for no handler runs.) A fetch that was under way at the fork is the parent's;
 *   - a parent that only forks says connect_later, so that it does not itself take up a connection;
 *   - workers may share one Diameter identity if the BSF allows it so many connections; else each has its own;
 *   - several links, to several BSFs or to one, may be open in a process. Each has one connection;
 *   - gba_naf_free() and gba_naf_link_free() take leave of the BSF: a second or two, at most 6 s if it does not answer;
 *   - the library cannot be unloaded: dlclose() leaves it there.
 *
 *  Memory. Nothing handed in is kept; everything is copied. Keys are wiped when they leave the cache and by the
 *  _free functions. No key and no identity is ever logged. A NULL where none is allowed is told (-EINVAL, or what the
 *  function says), never followed.
 *
 *  Growth. A struct the application fills begins with its size, which its _init function sets: later fields are zero for
 *  who does not know them. A struct the library fills is made by the library: later fields come at its end.
 *
 *  Signals. Dispositions and masks stay as they are; none is raised, SIGPIPE neither, and the library's own thread blocks all.
 *
 *  Limits are in struct gba_naf_config and always on. Names are at most 253 characters, a B-TID 255, an Authorization
 *  value 4096, a request target 4096; a list of user security settings fits a Diameter message of 65535 octets. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GBA_NAF_KEY_LEN         32  /* octets of a Ks_NAF */
#define GBA_NAF_UA_ID_LEN       5   /* octets of a Ua security protocol identifier, TS 33.220 annex H */
#define GBA_NAF_NAME_MAX        253 /* characters of a host name */
#define GBA_NAF_BTID_MAX        255 /* characters of a B-TID */
#define GBA_NAF_IMPI_MAX        255 /* octets of a private identity, UTF-8 */
#define GBA_NAF_FINGERPRINT_LEN 8   /* hex digits */
#define GBA_NAF_RUN_LEN         8   /* hex digits */
#define GBA_NAF_SOURCE_MAX      63  /* characters of a source that are told apart */
#define GBA_NAF_PASSWORD_LEN    44  /* characters: base64 of a key */

/*! A NAF: names, BSF, caches. Opaque. */
struct gba_naf;

/*! What to do with the request. There are no others. */
enum gba_naf_verdict {
	GBA_NAF_ACCEPT,    /*!< serve it; the key is in the answer */
	GBA_NAF_CHALLENGE, /*!< 401: the device must bootstrap, bootstrap again, or only answer a new nonce */
	GBA_NAF_DENY,      /*!< 400 or 403: trying again will not help */
	GBA_NAF_TEMPORARY, /*!< 503: the BSF cannot be asked now */
};

/*! Why. The names (gba_naf_cause_name()) are those of the operator's table of causes, the same in BSF and NAF. */
enum gba_naf_cause {
	GBA_NAF_CAUSE_OK,           /*!< naf_ok: accept */
	GBA_NAF_CAUSE_CHALLENGED,   /*!< naf_challenged: no Authorization, or none for our realm */
	GBA_NAF_CAUSE_SYNTAX,       /*!< naf_syntax: header fields that no request may have, Authorization not
					 parsable or incomplete, user name no B-TID */
	GBA_NAF_CAUSE_URI_MISMATCH, /*!< naf_uri_mismatch: uri is not the request target, or Host is not ours */
	GBA_NAF_CAUSE_DOWNGRADE,    /*!< naf_downgrade: algorithm or qop that was not offered */
	GBA_NAF_CAUSE_NONCE_STALE,  /*!< naf_nonce_stale: nonce not ours or over; same B-TID, new nonce */
	GBA_NAF_CAUSE_REPLAY,       /*!< naf_replay: this nonce count came before, or long ago; same B-TID, new nonce */
	GBA_NAF_CAUSE_RESPONSE,     /*!< naf_response: wrong response */
	GBA_NAF_CAUSE_BTID_UNKNOWN, /*!< naf_btid_unknown: the BSF does not know the B-TID (any more) */
	GBA_NAF_CAUSE_KEY_EXPIRED,  /*!< naf_key_expired: life of the key, or our own limit, is over */
	GBA_NAF_CAUSE_BSF_FOREIGN,  /*!< naf_bsf_foreign: B-TID of a BSF that is none of ours */
	GBA_NAF_CAUSE_NOT_AUTHORIZED, /*!< naf_not_authorized: the BSF gives us no key for this name or user, or not
					   the one that was used */
	GBA_NAF_CAUSE_BSF_DOWN,       /*!< naf_bsf_down: not connected, no answer in time, or too many waiting */
	GBA_NAF_CAUSE_BSF_ERROR,      /*!< naf_bsf_error: any other result of the BSF, or no memory here */
	GBA_NAF_CAUSE_KEY_ENDING, /*!< naf_key_ending: the key will soon be over; said once, then it serves to its end */
	GBA_NAF_CAUSE_COUNT
};

enum gba_naf_log_level { GBA_NAF_LOG_DEBUG, GBA_NAF_LOG_INFO, GBA_NAF_LOG_NOTICE, GBA_NAF_LOG_ERROR };

/*! Algorithms to offer, in `algorithms`. With both, SHA-256 comes first; many devices know only MD5. */
#define GBA_NAF_MD5    1u
#define GBA_NAF_SHA256 2u

/*! Qualities of protection to offer, in `qop`. With auth the body is not part of the proof, which is what browsers and
 *  most clients can do; some of them (wget, Ruby, old phones) cannot even read a list that names both. With auth-int the
 *  body is protected as well, without TLS. */
#define GBA_NAF_AUTH     1u
#define GBA_NAF_AUTH_INT 2u

/*! Keys a device may prove itself with, in `keys`. That of the device is Ks_NAF, or Ks_ext_NAF of a card with GBA_U; that of
 *  the card is Ks_int_NAF, which only a card with GBA_U has and never gives away. With the latter the BSF is told that we know
 *  GBA_U, and the realm offered is 3GPP-bootstrapping-uicc@ and our name, or both in one (TS 24.109 5.2.4). */
#define GBA_NAF_KEY_DEVICE 1u
#define GBA_NAF_KEY_CARD   2u
#define GBA_NAF_KEY_NONE   4u /* in gba_naf_key.use alone */

/*! The BSF over Diameter. gba_naf_diameter_init() first. All texts are needed unless said, at most 255 characters each. */
struct gba_naf_diameter {
	size_t size; /*!< of this struct as the caller knows it; set by gba_naf_diameter_init() */

	const char *identity; /*!< ours (Origin-Host), configured at the BSF as a NAF */
	const char *realm;    /*!< ours (Origin-Realm) */
	const char *
		bsf_address; /*!< "HOST", "HOST:PORT" or "[IPV6]:PORT", port 1 to 65535; if not given 3868, with TLS 5868. Looked up once */
	const char *peer;         /*!< Diameter identity of who is there: a relay; NULL: it is the BSF itself */
	const char *bsf_identity; /*!< Diameter identity of the BSF (Destination-Host); NULL: the relay knows it */
	const char *bsf_realm;    /*!< Diameter realm of the BSF (Destination-Realm) */
	bool realm_from_btid; /*!< Destination-Realm is the domain of the B-TID, no Destination-Host: through relays */
	bool connect_later;   /*!< not before the first question (or gba_naf_connected()) of this process */
	unsigned
		connect_ms; /*!< opening waits this long for the connection (and succeeds anyway), and so do first questions; 0: 1000 */

	/*! One line, no newline, never a key or an identity of a subscriber. Called from the link's thread, or where that cannot
	 *  begin from the caller's; must not block or call back. NULL: of a link nobody listens, else that of the configuration. */
	void (*log)(void *owner, enum gba_naf_log_level level, const char *text);
	void *log_owner;

	/*! TLS, to port 5868 if none is given: three files in PEM, read when the link is made; all three, or none. The keys of all
	 *  your users come this way, so without TLS the BSF (or relay) must be on this host, unless plain is set. */
	const char *certificate; /*!< ours, for the name `identity`; then those between it and its CA */
	const char *key;         /*!< its private key, in a file that only its owner can read, without a passphrase */
	const char *ca;          /*!< CAs that certify the BSF (or the relay) */
	const char *tls_name;    /*!< host name its certificate is for; NULL: its Diameter identity (`peer`) */
	bool tls_cn;             /*!< the CN of its certificate counts if it has no dNSName */
	bool plain; /*!< without TLS to another host: it is protected in another way, or whoever is there may read the keys */
};

/*! A connection to a BSF, and its thread. Opaque. */
struct gba_naf_link;

struct gba_naf_fake;

/*! Everything about a NAF. gba_naf_config_init() first; then what is 0 or NULL means its default, but for recheck_s. */
struct gba_naf_config {
	size_t size; /*!< of this struct as the caller knows it; set by gba_naf_config_init() */

	/*! Host names devices use for this server; at least one, at most 64. Of those behind the first "*.NAME" stands for
	 * each with one label more: each has a key of its own. A request for another Host is denied.
	 *  The BSF must be configured to let us speak for each. */
	const char *const *names;
	size_t n_names;

	/*! BSF names that may stand behind the @ of a B-TID; at least one, at most 64. */
	const char *const *bsf_names;
	size_t n_bsf_names;

	/*! The BSF: exactly one of these three. */
	const struct gba_naf_diameter *diameter; /*!< a link for this context alone */
	struct gba_naf_link *link; /*!< or one that contexts share; kept, so it may be freed at any time */
	struct gba_naf_fake *fake; /*!< or a fake one for tests; must outlive the context */

	/*! User security settings to ask for, by GAA service identifier (decimal text, at most 16 characters); at
	 * most 32. Those the BSF grants come back in gba_naf_key.uss_list. */
	const char *const *gsids;
	size_t n_gsids;

	unsigned algorithms; /*!< GBA_NAF_MD5 | GBA_NAF_SHA256; 0: MD5 */
	unsigned qop; /*!< GBA_NAF_AUTH, GBA_NAF_AUTH_INT, or both; 0: GBA_NAF_AUTH. What is not offered is refused */

	/*! "/page/" and "/page" name the same page here: a device may write either in its uri. Else they differ, as they
	 * do for most servers. */
	bool slash_optional;

	unsigned cache_keys;    /*!< keys kept; the least recently used goes. 0: 10000 */
	unsigned refusals;      /*!< B-TIDs remembered as refused by the BSF, apart from the keys. 0: 10000 */
	unsigned refusal_s;     /*!< for so long the BSF is not asked again for them; unknown ones by source. 0: 5 */
	unsigned key_age_max_s; /*!< use no key that was bootstrapped longer ago. 0: until the BSF's expiry */
	unsigned nonce_s;       /*!< life of a nonce. 0: 300 */
	unsigned nonces;        /*!< nonces in use whose counts are watched. 0: 20000 */
	unsigned deadline_ms;   /*!< of one question to the BSF. 0: 3000 */
	unsigned in_flight;     /*!< questions to the BSF at a time. 0: 256 */

	/*! 32 octets, or NULL: random, another in each process. Workers that share it accept each other's nonces, so a balancer
	 * may spread the requests of a device; each worker counts for itself, so a recorded request could be repeated
	 * once per worker within nonce_s. */
	const uint8_t *nonce_secret;

	/*! One line, no newline, never a key or an identity. Called from any thread; must not block or call back. */
	void (*log)(void *owner, enum gba_naf_log_level level, const char *text);
	void *log_owner;

	/*! GBA_NAF_KEY_DEVICE, GBA_NAF_KEY_CARD, or both; 0: GBA_NAF_KEY_DEVICE. What is not offered is refused. */
	unsigned keys;

	/*! The BSF is asked again for a key it gave: beside the requests that use it when half of so many seconds is over, before
	 *  the next one when all of it is. Who was refused meanwhile, or is unknown by now, has no key here any more; so what an
	 *  operator withdraws is true here in that time. If the BSF cannot be asked the key serves on. gba_naf_config_init()
	 *  sets 60; 0: never, a key serves its whole life */
	unsigned recheck_s;

	const uint8_t *ua_id; /*!< of requests that do not say theirs; NULL: HTTP Digest without TLS, 01 00 00 00 02 */

	/*! A device whose key ends within so many seconds, or within the last half of its life where that is shorter, is asked once to
	 *  bootstrap again (TS 33.220 4.5.3: about to expire); one that comes with the same key all the same is served until the end. Said by
	 *  gba_naf_digest() alone. 0: it is told when the key is over */
	unsigned renew_s;
};

/*! Set everything to its default. */
static inline void gba_naf_config_init(struct gba_naf_config *cfg)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->size = sizeof(*cfg);
	cfg->recheck_s = 60;
}

/*! Read a file that says everything about a NAF, as the operator's registry hands it out: libgba-naf(3) has its form.
 *  \param[out] err reason in words if NULL is returned, with file and line, NUL-terminated; may be NULL with errlen 0
 *  \returns for gba_naf_config_free(), or NULL. Its fields may be changed, also the log's, before gba_naf_new() */
struct gba_naf_config *gba_naf_config_read(const char *file, char *err, size_t errlen);

/*! Free it, and what it points to. gba_naf_new() has copied all. NULL is allowed. */
void gba_naf_config_free(struct gba_naf_config *cfg);

static inline void gba_naf_diameter_init(struct gba_naf_diameter *d)
{
	memset(d, 0, sizeof(*d));
	d->size = sizeof(*d);
}

/*! \param[in] d lent for the call
 *  \param[out] err reason in words if NULL is returned, NUL-terminated; may be NULL with errlen 0
 *  \returns a link for gba_naf_link_free(), or NULL. The BSF need not be reachable: the library goes on connecting. */
struct gba_naf_link *gba_naf_link_new(const struct gba_naf_diameter *d, char *err, size_t errlen);

/*! Given back; closed when the last context that uses it is freed. NULL is allowed. */
void gba_naf_link_free(struct gba_naf_link *link);

/*! Is it connected at this moment? NULL: no. */
bool gba_naf_link_connected(struct gba_naf_link *link);

/*! Read certificate, key and ca anew, from the files named when the link was made. Where they are right the connection is ended
 *  when what was asked is answered, and begun anew with them; questions meanwhile wait for it, so none is lost. Of this process:
 *  others that share the link from before a fork have to do it themselves. Any thread. Reads files and makes keys: some
 *  milliseconds. What was read before is wiped when the link is freed.
 *  \param[out] err reason in words if it failed; may be NULL with errlen 0
 *  \returns 0; -EINVAL: the files cannot be used, or there is no TLS; -ENOMEM. All is then as it was */
int gba_naf_link_reload(struct gba_naf_link *link, char *err, size_t errlen);

/*! The same for the link of a context, its own or a shared one. A fake one has no files: -EINVAL. */
int gba_naf_reload(struct gba_naf *naf, char *err, size_t errlen);

/*! \param[in] cfg lent for the call (fake: for the life of the context)
 *  \param[out] err reason in words if NULL is returned, NUL-terminated; may be NULL with errlen 0
 *  \returns a context for gba_naf_free(), or NULL. The BSF need not be reachable: the library goes on connecting. */
struct gba_naf *gba_naf_new(const struct gba_naf_config *cfg, char *err, size_t errlen);

/*! Wipe and free; see "Processes" above. NULL is allowed. */
void gba_naf_free(struct gba_naf *naf);

/*! Is the BSF connected at this moment? For readiness probes; a fake one is unless told otherwise. NULL: no. */
bool gba_naf_connected(struct gba_naf *naf);

/*! What the BSF says about a B-TID. Made by the library; only a test makes one, for gba_naf_fake_add(). */
struct gba_naf_key {
	size_t size; /*!< of this struct as its maker knows it; set by gba_naf_key_init() */

	uint8_t key[GBA_NAF_KEY_LEN];    /*!< Ks_NAF (Ks_ext_NAF of GBA_U) for this name and Ua protocol */
	int64_t expires_at;              /*!< Unix time; the BSF's expiry or our own limit, whichever is first */
	int64_t created_at;              /*!< Unix time of the bootstrapping; 0: the BSF did not say */
	int gba_type;                    /*!< 0: USIM or ISIM, 1: 2G SIM, 2: GBA_Digest */
	char impi[GBA_NAF_IMPI_MAX + 1]; /*!< private identity, if the BSF lets us know it; else "" */
	char *uss_list;                  /*!< ussList XML of the services asked for, NUL-terminated, or NULL */
	size_t uss_list_len;             /*!< without the NUL */

	bool has_card_key; /*!< the BSF gave Ks_int_NAF: the run was GBA_U, and `keys` has GBA_NAF_KEY_CARD */
	uint8_t card_key[GBA_NAF_KEY_LEN]; /*!< Ks_int_NAF, if so */

	/*! Which of the two may be used: what the key selections of the USSs leave (TS 33.220 5.3.3), and what the BSF gave.
	 *  GBA_NAF_KEY_DEVICE, GBA_NAF_KEY_CARD; GBA_NAF_KEY_NONE: they contradict each other; 0: either. gba_naf_digest() keeps to
	 *  it; who has a key from gba_naf_fetch_key() has to look. Where the BSF gave only Ks_int_NAF, `key` is random octets. */
	unsigned use;
};

/*! For tests: everything zero. */
static inline void gba_naf_key_init(struct gba_naf_key *key)
{
	memset(key, 0, sizeof(*key));
	key->size = sizeof(*key);
}

/*! A question to the BSF that nobody sleeps for. Opaque. */
struct gba_naf_fetch;

/*! One HTTP request, as it came. gba_naf_request_init() first; then what is 0 or NULL is not there. */
struct gba_naf_request {
	size_t size; /*!< of this struct as the caller knows it; set by gba_naf_request_init() */

	const char *method; /*!< "GET"... */
	const char *target; /*!< of the request line, before any decoding: "/a%20b?c=d" or the absolute form */
	const char *host;   /*!< Host header or :authority, a port is ignored; not looked at if target names a host */
	const char *authorization; /*!< value of the Authorization header, or NULL */
	const void *body;          /*!< whole body after transfer decoding; looked at for qop auth-int only */
	size_t body_len;
	const uint8_t *ua_id; /*!< NULL: HTTP Digest without TLS, 01 00 00 00 02; under TLS: 01 00 01 and the suite */
	unsigned deadline_ms; /*!< 0: that of the configuration */

	/*! Who asks, as text: the address of the client, or what a proxy you trust says it is. A B-TID the BSF did not
	 * know is remembered for this source alone, so that nobody else's question keeps the owner out. NULL: it is not
	 * remembered at all, and the BSF is asked each time. */
	const char *source;

	unsigned fields; /*!< private: what gba_naf_request_header() has seen */

	/*! The end of gba_naf_fetch_start() for this request: what it came to is used, not asked for again. Yours. */
	struct gba_naf_fetch *fetch;

	unsigned keys; /*!< for this request, of those of the configuration; 0: all of those */
};

static inline void gba_naf_request_init(struct gba_naf_request *req)
{
	memset(req, 0, sizeof(*req));
	req->size = sizeof(*req);
}

/*! Hand over one header field; call it for each, in any order. Host and Authorization are kept from here (lent, as if
 *  assigned). What no request may have is noted and makes it naf_syntax, 400: Host, Authorization, Content-Length or
 *  Transfer-Encoding twice, Content-Length beside Transfer-Encoding, a name that is no token, a Content-Length that is
 *  no number, a coding that is not chunked, a control character in a value (RFC 9112 clauses 2.2, 3.2, 5.1, 6.1 to 6.3). Nothing is done for a NULL.
 *  The pseudo-header fields of HTTP/2 are no fields: assign ":authority" to host. */
void gba_naf_request_header(struct gba_naf_request *req, const char *name, const char *value);

/*! Key for a B-TID, from the cache or the BSF: for Ua protocols other than HTTP Digest.
 *  Threads that ask for the same key at the same time share one question to the BSF.
 *  \param[in] req  only host, ua_id, deadline_ms and source are looked at. host: the name the device used, one of ours (a
 *                  port is cut off); NULL: the first of cfg.names. May be NULL
 *  \param[out] out for gba_naf_key_free(); untouched on error
 *  \returns 0;
 *           -EINVAL a NULL, no B-TID, or host is none of our names;
 *           -ENOENT unknown to the BSF, -EKEYEXPIRED life over: the device must bootstrap again;
 *           -EREMOTE B-TID of a BSF that is none of ours, -EPERM the BSF refuses: no key for this device;
 *           -EHOSTDOWN no BSF connected, -ETIMEDOUT no answer in time, -EBUSY too many waiting, -EPROTO any other
 *           result of the BSF, -ENOMEM: later perhaps */
int gba_naf_fetch_key(struct gba_naf *naf, const char *btid, const struct gba_naf_request *req,
		      struct gba_naf_key **out);

/*! The same without waiting, for an event loop: start, wait until the descriptor is readable, finish.
 *  \param[in] btid NULL: the user name in the Authorization of req, as gba_naf_digest() will look for it
 *  \param[out] out for gba_naf_fetch_finish() or gba_naf_fetch_cancel(); untouched on error
 *  \returns 0; -EINVAL, -EREMOTE as above; -ENOMEM no memory or no descriptor. What else can go wrong is told at the end */
int gba_naf_fetch_start(struct gba_naf *naf, const char *btid, const struct gba_naf_request *req,
			struct gba_naf_fetch **out);

/*! \returns a descriptor to watch for reading, not to read or close; with the answer, and at the deadline, it is readable.
 *           -1: it is over already, as a key in the cache is */
int gba_naf_fetch_fd(const struct gba_naf_fetch *fetch);

/*! \returns -EAGAIN not yet, come again; else the fetch is over and freed: 0 and the key, or what gba_naf_fetch_key() returns,
 *           or -ECANCELED the context was freed before, -ECHILD it was started before a fork */
int gba_naf_fetch_finish(struct gba_naf_fetch *fetch, struct gba_naf_key **out);

/*! Wait no longer, and free it: also after gba_naf_digest() has used it. NULL is allowed. */
void gba_naf_fetch_cancel(struct gba_naf_fetch *fetch);

/*! Forget keys before their time: those of a B-TID, or those whose USSs name this uid. The next request asks the BSF; what of it is
 *  on its way serves who waits, and is not kept.
 *  \param[in] btid or uid: the other one is NULL
 *  \returns how many keys there were, of all names and Ua protocols; -EINVAL no B-TID, or not just one of both; -ENOMEM */
int gba_naf_drop(struct gba_naf *naf, const char *btid, const char *uid);

/*! Wipe and release. NULL is allowed. */
void gba_naf_key_free(struct gba_naf_key *key);

/*! The first 8 hex digits of SHA-256("gba key fingerprint" || key): lets two logs be compared without showing the
 *  key. "" for no key. */
void gba_naf_key_fingerprint(const struct gba_naf_key *key, char out[GBA_NAF_FINGERPRINT_LEN + 1]);

/*! The key as HTTP Digest uses it (TS 24.109): base64, the password of the user B-TID. As secret as the key. "" for no
 *  key. */
void gba_naf_key_password(const struct gba_naf_key *key, char out[GBA_NAF_PASSWORD_LEN + 1]);

/*! Made by the library. */
struct gba_naf_answer {
	size_t size; /*!< of this struct as the library knows it */

	enum gba_naf_verdict verdict;
	enum gba_naf_cause cause;
	int status;             /*!< HTTP status: 200, 401, 400, 403 or 503 */
	unsigned retry_after_s; /*!< with 503 */
	/*! WWW-Authenticate values with 401: send each as a header of its own, in this order. */
	unsigned n_challenges;
	const char *const *challenge;
	char btid[GBA_NAF_BTID_MAX + 1]; /*!< who it claims to be; "" if nobody. Proven only with GBA_NAF_ACCEPT */
	char run[GBA_NAF_RUN_LEN + 1];   /*!< of btid, or "": names the bootstrapping in the logs of device, BSF, HSS */
	unsigned failures; /*!< wrong responses for this B-TID since the last right one, this one included */
	const struct gba_naf_key *key; /*!< with GBA_NAF_ACCEPT; else NULL */
	bool by_card;                  /*!< with GBA_NAF_ACCEPT: proven with key->card_key */
};

/*! Check one request when only its header is there, so that no room is given to the body of a stranger. Everything is
 *  checked but what needs the body (the response with auth-int), the nonce count, and whether the key ends soon.
 *  \returns NULL: read the body, then call gba_naf_digest(); else the answer to give without the body, never
 *           GBA_NAF_ACCEPT, for gba_naf_answer_free() */
struct gba_naf_answer *gba_naf_digest_before_body(struct gba_naf *naf, const struct gba_naf_request *req);

/*! Check one whole request. Say to the device what the answer says, serve it only for GBA_NAF_ACCEPT.
 *  \returns for gba_naf_answer_free(); never NULL: without memory, or called wrongly, it is GBA_NAF_TEMPORARY */
struct gba_naf_answer *gba_naf_digest(struct gba_naf *naf, const struct gba_naf_request *req);

/*! After GBA_NAF_ACCEPT: the Authentication-Info value that proves to the device that we have the key too.
 *  \param[in] body whole body of our answer (hashed for qop auth-int, which covers it)
 *  \returns text lent until gba_naf_answer_free() or the next call with this answer; NULL if it was not accepted or
 *           on failure of the cryptography */
const char *gba_naf_digest_finish(struct gba_naf_answer *ans, const void *body, size_t len);

/*! Wipe and release. NULL is allowed. */
void gba_naf_answer_free(struct gba_naf_answer *ans);

/*! \returns "naf_ok"...; "?" out of range */
const char *gba_naf_cause_name(enum gba_naf_cause cause);

/*! \returns "accept", "challenge", "deny", "temporary"; "?" out of range */
const char *gba_naf_verdict_name(enum gba_naf_verdict verdict);

/*! \returns words for a result of gba_naf_fetch_key(); static */
const char *gba_naf_strerror(int rc);

/*! The verdict and cause gba_naf_digest() would give for a result of gba_naf_fetch_key(). cause may be NULL. */
enum gba_naf_verdict gba_naf_key_verdict(int rc, enum gba_naf_cause *cause);

/* --- Test double: a BSF inside the process, without Diameter. */

/*! What a fake BSF does with each question. */
enum gba_naf_fake_mood {
	GBA_NAF_FAKE_NORMAL, /*!< answers from what was added */
	GBA_NAF_FAKE_DOWN,   /*!< not connected */
	GBA_NAF_FAKE_SILENT, /*!< never answers */
	GBA_NAF_FAKE_REFUSE, /*!< "not authorised" (5402) */
	GBA_NAF_FAKE_BROKEN, /*!< "unable to comply" (5012) */
};

/*! \returns new object, free after the contexts that use it; NULL: no memory. Usable from any thread. */
struct gba_naf_fake *gba_naf_fake_new(void);
void gba_naf_fake_free(struct gba_naf_fake *fake);

/*! Let it know a B-TID. The same key is given for every name and Ua protocol.
 *  \param[in] key copied, begun with gba_naf_key_init(); a key for the same B-TID is replaced
 *  \returns 0; -EINVAL a NULL, no B-TID, or a key without its size; -ENOMEM */
int gba_naf_fake_add(struct gba_naf_fake *fake, const char *btid, const struct gba_naf_key *key);

/*! Forget a B-TID, as after revocation. \returns 0; -ENOENT; -EINVAL a NULL */
int gba_naf_fake_remove(struct gba_naf_fake *fake, const char *btid);

/*! From the next question on. */
void gba_naf_fake_set(struct gba_naf_fake *fake, enum gba_naf_fake_mood mood);

/*! \returns questions so far, to see the cache work */
unsigned gba_naf_fake_asked(struct gba_naf_fake *fake);

#ifdef __cplusplus
}
#endif
