/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_wire.h
 *  Diameter messages as octets (RFC 6733 3, 4): read a header, walk AVPs, write them. Pure, nothing is allocated. */
#pragma once

#include <time.h>
#include "common/dia/dia_dict.h"

#define DIA_HDR_LEN   20
#define DIA_VERSION   1
#define DIA_LEN_MAX   0xffffff /* what 24 bits can say */
#define DIA_AVP_HDR   8
#define DIA_AVP_HDR_V 12

#define DIA_CMD_R 0x80 /* request */
#define DIA_CMD_P 0x40 /* proxiable */
#define DIA_CMD_E 0x20 /* error */
#define DIA_CMD_T 0x10 /* sent before, perhaps */

struct dia_hdr {
	uint8_t version, flags;
	uint32_t len; /* of the whole message, as written */
	uint32_t command, app, hop_by_hop, end_to_end;
};

/*! \param[in] p DIA_HDR_LEN octets */
void dia_wire_hdr(struct dia_hdr *out, const uint8_t *p);

/*! The AVPs of one level, not yet walked. */
struct dia_iter {
	const uint8_t *at, *end;
};

struct dia_avp {
	enum dia_avp_id id;
	uint32_t code, vendor; /* vendor 0: without V */
	uint8_t flags;
	struct span data;
	struct span whole; /* with its header, without padding */
};

/*! \param[in] msg whole message, at least DIA_HDR_LEN octets, or the part of one that was kept */
struct dia_iter dia_wire_avps(struct span msg);
/*! The inside of a grouped AVP. */
struct dia_iter dia_wire_inside(const struct dia_avp *group);

/*! \param[out] out untouched if there is none
 *  \returns 1 and the next AVP; 0 at the end; -EBADMSG: its length is less than its header or beyond its surroundings,
 *  it->at then stays there */
int dia_wire_next(struct dia_iter *it, struct dia_avp *out);

/*! The first AVP of this name. \returns false: none before the end or before what cannot be read */
bool dia_wire_find(struct dia_avp *out, struct dia_iter it, enum dia_avp_id id);

/*! The next AVP of this name, from here on. \returns as dia_wire_find() */
bool dia_wire_next_of(struct dia_iter *it, struct dia_avp *out, enum dia_avp_id id);

/*! Values. The AVP was checked: its data has the length of its type. */
uint32_t dia_wire_u32(const struct dia_avp *a);
time_t dia_wire_time(const struct dia_avp *a);

/*! Writing, over a writer of caller memory that remembers an overflow. AVPs have vendor and flags of the dictionary. */
void dia_wire_begin(struct writer *w, const struct dia_hdr *hdr); /* hdr->version and len are not read */
/*! The message is whole: its length is written. \returns octets; -ENOSPC */
int dia_wire_end(struct writer *w);
void dia_wire_put(struct writer *w, enum dia_avp_id id, struct span data);
void dia_wire_put_str(struct writer *w, enum dia_avp_id id, const char *s);
void dia_wire_put_u32(struct writer *w, enum dia_avp_id id, uint32_t v);
void dia_wire_put_time(struct writer *w, enum dia_avp_id id, time_t t);
/*! An AVP as it came, with its padding. */
void dia_wire_put_whole(struct writer *w, struct span whole);
/*! \returns mark for dia_wire_group_end() */
size_t dia_wire_group(struct writer *w, enum dia_avp_id id);
void dia_wire_group_end(struct writer *w, size_t mark);
