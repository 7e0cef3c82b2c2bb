/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_base.h
 *  CER, CEA, DWR, DWA, DPR, DPA (RFC 6733 5.3 to 5.5) between structs and octets. Pure, nothing is allocated. */
#pragma once

#include "common/dia/dia_build.h"

#define DIA_CMD_CAPABILITIES 257
#define DIA_CMD_WATCHDOG     280
#define DIA_CMD_DISCONNECT   282

#define DIA_APP_BASE  0
#define DIA_APP_RELAY 0xffffffff

#define DIA_NAME_MAX      255
#define DIA_BASE_APPS_MAX 16 /* of ours and of those of a peer that are kept: more are no fault */
#define DIA_BASE_IPS_MAX  4

enum dia_security_id { DIA_SECURITY_NONE = 0, DIA_SECURITY_TLS = 1 };
enum dia_cause { DIA_REBOOTING = 0, DIA_BUSY = 1, DIA_DO_NOT_WANT = 2 };

extern const struct dia_grammar dia_base_dwr, dia_base_dwa, dia_base_dpr;

/*! Who somebody is, as CER and CEA say. */
struct dia_caps {
	char host[DIA_NAME_MAX + 1], realm[DIA_NAME_MAX + 1];
	uint32_t vendor_id;
	char product[64]; /* cut, for people; what is no printable ASCII is a '?' */
	bool has_state;
	uint32_t state;                   /* Origin-State-Id */
	uint32_t apps[DIA_BASE_APPS_MAX]; /* all ids, wherever they stand, each once; Vendor-Id is ignored (6.11) */
	size_t n_apps;
	bool relay;            /* 0xffffffff was among them: common with all */
	bool security_offered; /* Inband-Security-Id is there */
	bool tls, no_tls;      /* and names these; not offered: no_tls */
	/* only written: our addresses, as Host-IP-Address has them (family, address), and our vendor */
	uint8_t ip[DIA_BASE_IPS_MAX][18];
	size_t ip_len[DIA_BASE_IPS_MAX], n_ips;
};

/*! Do they have an application in common (5.3)? */
bool dia_base_common(const struct dia_caps *a, const struct dia_caps *b);

/*! \param[out] bad answered with a CEA, then closed. \returns 0; -EBADMSG, out is untouched */
int dia_base_cer_get(struct dia_caps *out, struct span msg, struct dia_fault *bad);
/*! What is not needed may be missing. \param[out] code Result-Code; 0: none was there
 *  \returns 0; -EBADMSG, out and code are untouched */
int dia_base_cea_get(struct dia_caps *out, uint32_t *code, struct span msg);
int dia_base_cer_put(struct writer *w, const struct dia_caps *us, uint32_t hop_by_hop, uint32_t end_to_end);
/*! \param[in] cer the request; only its header is read
 *  \param[in] bad NULL: 2001; else its code and Failed-AVP. \param[in] words Error-Message, UTF-8; NULL: none */
int dia_base_cea_put(struct writer *w, struct span cer, const struct dia_caps *us, const struct dia_fault *bad,
		     const char *words);

/*! What DWR and DPR say. */
struct dia_word {
	char host[DIA_NAME_MAX + 1];
	bool has_state;
	uint32_t state;       /* DWR */
	enum dia_cause cause; /* DPR */
};

/*! A DWR or a DPR. \param[in] g dia_base_dwr or dia_base_dpr. \returns 0; -EBADMSG, out is untouched */
int dia_base_word_get(struct dia_word *out, struct span msg, const struct dia_grammar *g, struct dia_fault *bad);
/*! Our names, and the Origin-State-Id of a DWR if us has one. \returns octets; -ENOSPC */
int dia_base_word_put(struct writer *w, const struct dia_grammar *g, const struct dia_caps *us, enum dia_cause cause,
		      uint32_t hop_by_hop, uint32_t end_to_end);
/*! The DWA or DPA to this request. \param[in] bad NULL: 2001. \returns octets; -ENOSPC */
int dia_base_reply_put(struct writer *w, struct span request, const struct dia_caps *us, const struct dia_fault *bad);
/*! Is a DWA or DPA readable? Lenient: any Result-Code is a sign of life. \returns 0; -EBADMSG */
int dia_base_reply_check(struct span msg, const struct dia_grammar *g);
