/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file gba/ue.h
 *  libgbaue: the device of the Generic Bootstrapping Architecture (3GPP TS 33.220) for the programs on it. A program asks for
 *  a key with an application server (NAF) and gets 32 octets, the B-TID the server knows them by, and when they end. The
 *  library bootstraps with the card when it must, and only then; it keeps the key for the next program and deletes it when TS
 *  33.220 4.4.11 says so. The call is shaped like Android's bootstrapAuthenticationRequest().
 *
 *      struct gba_ue *ue = gba_ue_new(NULL, err, sizeof(err));
 *      gba_ue_realm_add(ue, "home", "usim-1.cfg", NULL, NULL, err, sizeof(err));       a device with a card, or
 *      struct gba_ue *ue = gba_ue_new_agent("/run/gba-ued/ask", err, sizeof(err));     the one gba-ued keeps for all programs
 *
 *      struct gba_ue_request *q = gba_ue_start(ue, GBA_UE_APP_ANY, "naf.example.com", NULL, false, NULL);
 *      while (gba_ue_reason(q) == GBA_UE_PENDING) {
 *          ... poll() gba_ue_fd(ue) beside what else there is ...
 *          gba_ue_step(ue);
 *      }
 *      struct gba_ue_key *key;
 *      if (gba_ue_finish(q, &key) == GBA_UE_OK)
 *          ... gba_ue_key_octets(key), gba_ue_key_btid(key) ...
 *      gba_ue_key_free(key);
 *
 *  Waiting. No call but gba_ue_wait() waits for the network. A card is asked within gba_ue_step() and takes as long as it takes:
 *  microseconds in software, some 100 ms a real one; one that never answers, 10 s, or the timeout= of its line. The descriptor must be polled also while no key is wanted, by whoever keeps
 *  an object for long: that is how keys end when their time is over or the card is pulled.
 *
 *  Threads. An object belongs to one thread at a time; objects know nothing of each other. The library starts a thread
 *  for each card in a reader, which may hang, and libcurl below it one for as long as a name is looked up. Signals stay as they are.
 *
 *  Processes. An object does not live through fork(). One process at a time has a card; several programs share it through
 *  gba-ued.
 *
 *  Memory. What is handed in is copied. Keys are wiped by gba_ue_key_free() and gba_ue_free(); no key and no identity is logged.
 *  What a program keeps of a key it deletes when gba_ue_key_valid() says so (GSMA IoT.04 B4). A NULL where none is allowed is
 *  told, never followed. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GBA_UE_KEY_LEN      32  /* octets of a Ks_NAF */
#define GBA_UE_UA_ID_LEN    5   /* octets of a Ua security protocol identifier, TS 33.220 annex H */
#define GBA_UE_NAME_MAX     253 /* characters of a host name */
#define GBA_UE_REALM_MAX    63  /* characters of a realm's name here: letters, digits, '.', '_', '-' */
#define GBA_UE_REALMS_MAX   16
#define GBA_UE_PASSWORD_LEN 44 /* characters: base64 of a key, the password of HTTP Digest on Ua */

/*! A device: realms, each a card at an operator, of which one is active. Opaque. */
struct gba_ue;

/*! A wish for a key. Opaque. */
struct gba_ue_request;

/*! A key with a NAF. Opaque. */
struct gba_ue_key;

/*! Which application of the card. */
enum gba_ue_app {
	GBA_UE_APP_ANY,  /*!< the one 33.220 4.4.8 chooses */
	GBA_UE_APP_USIM, /*!< the active one, else the first; no ISIM */
	GBA_UE_APP_ISIM, /*!< where there is one, else the USIM (4.4.8) */
};

/*! Why there is no key. The first six are Android's GBA_FAILURE_REASON_ in their order, each one more than there. */
enum gba_ue_reason {
	GBA_UE_OK,
	GBA_UE_UNKNOWN,                         /*!< the network could not prove itself, or what it sent is unusable */
	GBA_UE_FEATURE_NOT_SUPPORTED,           /*!< the card has no such application */
	GBA_UE_FEATURE_NOT_READY,               /*!< no card, no active realm, or this machine fails */
	GBA_UE_NETWORK_FAILURE,                 /*!< BSF not reached, busy, or it refuses the card */
	GBA_UE_INCORRECT_NAF_ID,                /*!< no host name a key can be made for */
	GBA_UE_SECURITY_PROTOCOL_NOT_SUPPORTED, /*!< a reserved or invalid Ua security protocol identifier */
	GBA_UE_NOT_ALLOWED,                     /*!< the agent's access list or consent hook refuses this program */
	GBA_UE_TOO_OFTEN,                       /*!< this NAF has refused too many keys lately: no new one for it now */
	GBA_UE_PENDING,                         /*!< no answer yet */
};

/*! Limits and surroundings. gba_ue_config_init() first; then what is 0 or NULL means its default. */
struct gba_ue_config {
	size_t size; /*!< of this struct as the caller knows it; set by gba_ue_config_init() */

	const char *state_dir; /*!< folder for what is kept: which realm is active, and what each realm keeps, so that a
				*   realm without its card can be emptied. NULL: beside the card's own state, and the first
				*   realm is active */
	const char *const *connect_to; /*!< HOST:PORT:ADDR:PORT as in curl: where to connect instead */
	size_t n_connect_to;           /*!< at most 32 */
	unsigned timeout_s;            /*!< of one request to the BSF, 1..3600; default 15 */
	bool trace;                    /*!< each HTTP message on stderr, what a key could be searched with masked */

	/*! How many keys a NAF may refuse before no new one is made for it, in which time. Default 3 in 600 s. */
	unsigned renewals, renewals_s;

	/*! A key that somebody was given is made anew so many seconds before its end, or at half of its life where that is later, by
	 *  gba_ue_step(): who asks meanwhile has the former one. At most 86400; 0: when it is over and somebody asks */
	unsigned renew_s;
};

void gba_ue_config_init(struct gba_ue_config *cfg);

/*! A device in this process. \param[in] cfg NULL: all defaults
 *  \returns new object; NULL and a reason in err (errlen octets; err may be NULL) */
struct gba_ue *gba_ue_new(const struct gba_ue_config *cfg, char *err, size_t errlen);

/*! The device that gba-ued keeps. Of the calls below those that speak of realms are the agent's own affair: -ENOTSUP here.
 *  \param[in] path of its socket; nothing is connected yet */
struct gba_ue *gba_ue_new_agent(const char *path, char *err, size_t errlen);

/*! Wipes keys in memory, gives up what is under way. The requests must be finished before. */
void gba_ue_free(struct gba_ue *ue);

/*! A card at an operator. The first one is active if none was. The card need not be there yet.
 *  \param[in] name  what it is called here
 *  \param[in] card  path of a soft USIM's file, or another card as gba-ue(1) has it: "pcsc:READER,pin-file=FILE"
 *  \param[in] bsf   URL of the BSF; NULL: http:// and the name made from the card (23.003 16.2)
 *  \param[in] state what is kept is in STATE.gba; NULL: by the config
 *  \returns 0; -EINVAL a wrong name or URL; -EEXIST; -ENOSPC too many; -ENOTSUP; -ENOMEM; err as above */
int gba_ue_realm_add(struct gba_ue *ue, const char *name, const char *card, const char *bsf, const char *state,
		     char *err, size_t errlen);

/*! Make another realm the active one; what waits for a key gets it from this one. Kept, if there is a state_dir.
 *  \returns 0; -ENOENT no such realm; -EIO cannot be written down, nothing has changed; -ENOTSUP */
int gba_ue_realm_use(struct gba_ue *ue, const char *name);

/*! What is held of a realm; made by the library, later fields come at the end. */
struct gba_ue_token {
	const char *realm;
	bool active;
	bool card;            /*!< there is a card */
	bool key;             /*!< there is a key; the four below are of it */
	bool on_card;         /*!< GBA_U: the card has Ks */
	const char *btid;     /*!< "" none */
	int64_t expires_at;   /*!< seconds since 1970, by this device's clock */
	const char *run;      /*!< name of the run in the logs of the network; "" none */
	const char *identity; /*!< masked; "" as long as there was no card */
	const char *tmpi;     /*!< "" none */
	const char *why;      /*!< why there is no card, one line; "" */
};

/*! The realm at place i, in the order they were added. Lent until the next call for ue. \returns NULL there is none */
const struct gba_ue_token *gba_ue_token_at(struct gba_ue *ue, size_t i);

/*! Delete a realm's key; with_tmpi: the temporary identity too, as when the card is taken out.
 *  \returns 0; -ENOENT no such realm; -ENODEV there is no card, and so no key; -EIO; -ENOTSUP */
int gba_ue_drop(struct gba_ue *ue, const char *realm, bool with_tmpi);

/*! Ask for a key with a NAF; from the active realm.
 *  \param[in] app     which application of the card
 *  \param[in] naf     host name, or a URI whose host it is; NULL: no key is wanted, only a bootstrapping run (force)
 *  \param[in] ua_id   5 octets; NULL: HTTP Digest, 01 00 00 00 02
 *  \param[in] force   bootstrap anew; only so often per NAF
 *  \param[in] refused with force: the B-TID the NAF refused; if the device has a newer key by now that one is given and
 *             nothing is run. NULL: not told
 *  \returns a request, also for what is wrong; NULL only without memory */
struct gba_ue_request *gba_ue_start(struct gba_ue *ue, enum gba_ue_app app, const char *naf, const uint8_t ua_id[5],
				    bool force, const char *refused);

/*! An application of the card, named: by its label in EF_DIR, or by the identity that is on it, which counts where both are told. */
struct gba_ue_named {
	const char *label, *impi; /*!< NULL: not told; without blanks */
};

/*! The same for a program that always wants the same application of the card, and so the same identity (33.220 4.4.8).
 *  GBA_UE_FEATURE_NOT_SUPPORTED: the card has it not, or it is a USIM beside the one that is active; nothing is run then */
struct gba_ue_request *gba_ue_start_named(struct gba_ue *ue, const struct gba_ue_named *named, const char *naf,
					  const uint8_t ua_id[5], bool force, const char *refused);

/*! Readable when gba_ue_step() has something to do. Of ue: not to be read or closed. */
int gba_ue_fd(const struct gba_ue *ue);

/*! Do what can be done now: network, card, the ends of keys. \returns how many requests are still pending */
size_t gba_ue_step(struct gba_ue *ue);

/*! \returns GBA_UE_PENDING, GBA_UE_OK or why there is none */
enum gba_ue_reason gba_ue_reason(const struct gba_ue_request *q);

/*! Step until it is no longer pending or the time is over. \param[in] ms -1: as long as it takes \returns as gba_ue_reason() */
enum gba_ue_reason gba_ue_wait(struct gba_ue_request *q, int ms);

/*! Why, for people: one line. And as a word for programs ("rspauth"; gba-ue(1) has them). Lent as long as q. */
const char *gba_ue_text(const struct gba_ue_request *q);
const char *gba_ue_cause(const struct gba_ue_request *q);

/*! The HTTP status of the BSF's last answer for it, 0: none; and the name of the run in the logs of the network, "": none. */
long gba_ue_status(const struct gba_ue_request *q);
const char *gba_ue_run(const struct gba_ue_request *q);

/*! End a request, in whatever state, and free it.
 *  \param[out] key the caller's, to be freed by gba_ue_key_free(); NULL unless GBA_UE_OK. key may be NULL: not wanted
 *  \returns as gba_ue_reason() */
enum gba_ue_reason gba_ue_finish(struct gba_ue_request *q, struct gba_ue_key **key);

/*! Word for a reason: "network failure". */
const char *gba_ue_reason_text(enum gba_ue_reason r);

/* A key. Texts are lent as long as it lives. */

/*! 32 octets: Ks_NAF, or Ks_ext_NAF with GBA_U. NULL: no NAF was named. */
const uint8_t *gba_ue_key_octets(const struct gba_ue_key *key);
const char *gba_ue_key_btid(const struct gba_ue_key *key);
const char *gba_ue_key_naf(const struct gba_ue_key *key);
const char *gba_ue_key_realm(const struct gba_ue_key *key);
const char *gba_ue_key_run(const struct gba_ue_key *key);
/*! For people to compare: 8 hex digits that tell nothing of the key. */
const char *gba_ue_key_fingerprint(const struct gba_ue_key *key);
/*! Seconds since 1970, by this device's clock. */
int64_t gba_ue_key_expires_at(const struct gba_ue_key *key);
/*! Was a run made for it? */
bool gba_ue_key_bootstrapped(const struct gba_ue_key *key);
/*! May it still be used: its time is not over, and the device has not dropped its Ks since (card pulled, realm changed)? The
 *  agent is asked to tell with the first such call: until it has, and when it has ended, only the time is looked at. The descriptor
 *  becomes readable when it tells. */
bool gba_ue_key_valid(struct gba_ue *ue, const struct gba_ue_key *key);
/*! base64 of the octets, the password of HTTP Digest (TS 24.109 5.2). \returns 0; -ENOKEY */
int gba_ue_key_password(const struct gba_ue_key *key, char out[GBA_UE_PASSWORD_LEN + 1]);
/*! Wipes and frees; NULL is fine. */
void gba_ue_key_free(struct gba_ue_key *key);

#ifdef __cplusplus
}
#endif
