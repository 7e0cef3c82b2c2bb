/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*! \file dia_guard.h
 *  What may reach the Diameter library at all. freeDiameter 1.2.1 aborts the process, by an assertion, on messages that
 *  anybody who reaches the port can send (CER included), or that an HSS newer than us sends in good faith. This looks at
 *  the octets before the library does. Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*! Refused: a length that does not fit its surroundings; V flag with vendor 0; grouped AVPs over 16 deep; in CER and CEA
 *  an AVP inside Vendor-Specific-Application-Id that is no identifier; a Proxy-Info with anything but Proxy-Host and
 *  Proxy-State; an answer of a command we have none of, or whose
 *  Result-Code is not 4 octets. In an answer, the first Result-Code is moved behind the Session-Id: an AVP the library
 *  cannot read must not come before it. In a request, a '!' in the User-Name and a NUL in the Session-Id become an octet
 *  that is no character.
 *  \param[in,out] buf a whole message as received
 *  \param[in] len octets in buf
 *  \returns 0; -EBADMSG: the message must not be parsed */
int dia_guard(uint8_t *buf, size_t len);

/*! For a node that serves nothing: a request becomes one that the library refuses on the peer's own thread (3001). Routed,
 *  its refusal may find the connection gone, and that ends the node where dia_out.h is not in force, in libgba-naf.
 *  \param[in,out] buf a message that passed dia_guard() */
void dia_guard_unserved(uint8_t *buf);
