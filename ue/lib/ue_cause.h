/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file ue_cause.h
 *  What can end a command of gba-ue: a word for programs that read its output, and the exit code it belongs to. */
#pragma once

enum ue_exit {
	UE_OK = 0,
	UE_REFUSED = 1,     /* the network or a server refused this device or request */
	UE_USAGE = 2,       /* command line, card file, files of this device */
	UE_DISTRUST = 3,    /* this device refused the network */
	UE_UNREACHABLE = 4, /* not reached, 5xx, timeout: try again later */
};

/* name, exit code */
#define UE_CAUSES(X) \
	X(ok, UE_OK) \
	X(usage, UE_USAGE)              /* command line */ \
	X(local, UE_USAGE)              /* card file, state, memory: this machine */ \
	X(not_reached, UE_UNREACHABLE)  /* no connection, broken off, timeout */ \
	X(busy, UE_UNREACHABLE)         /* 503, 429 */ \
	X(server_error, UE_UNREACHABLE) /* another 5xx */ \
	X(refused, UE_REFUSED)          /* another 4xx, or what nobody expects */ \
	X(challenge, UE_REFUSED)        /* no challenge this device can answer */ \
	X(answer, UE_REFUSED)           /* an answer that cannot be read: body, B-TID, lifetime */ \
	X(key_refused, UE_REFUSED)      /* the application refuses a fresh key */ \
	X(too_often, UE_REFUSED)        /* the application has refused too many keys lately */ \
	X(not_allowed, UE_REFUSED)      /* the agent gives this program none */ \
	X(autn, UE_DISTRUST)            /* the network does not know K */ \
	X(resync, UE_DISTRUST)          /* used sequence numbers, also after a resynchronisation */ \
	X(rspauth, UE_DISTRUST)         /* the server did not prove that it knows the key */ \
	X(realm, UE_DISTRUST)           /* the server asks for the key of another host */ \
	X(btid, UE_DISTRUST)            /* B-TID of another run or another BSF */ \
	X(lifetime, UE_DISTRUST)        /* a key that is over when it arrives */ \
	X(certificate, UE_DISTRUST)     /* the server's is not of who it should be */

#define UE_CAUSE_ENUM(name, code) UE_CAUSE_##name,
enum ue_cause {
	UE_CAUSES(UE_CAUSE_ENUM) UE_CAUSE_COUNT,
	UE_CAUSE_pending = UE_CAUSE_COUNT, /* nothing has ended yet */
};
#undef UE_CAUSE_ENUM

const char *ue_cause_name(enum ue_cause c);
enum ue_exit ue_cause_exit(enum ue_cause c);

/*! The cause an HTTP status of a failed request stands for. \param[in] status not 2xx */
enum ue_cause ue_cause_of_status(long status);

/*! \returns the cause of this name; local for a word that is none */
enum ue_cause ue_cause_named(const char *name);
