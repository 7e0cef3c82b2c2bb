/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* An answer of a DNS server, which anybody who has a zone may make. */
#include <stdlib.h>
#include <string.h>
#include "reg/reg_dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char name[REG_DNS_NAME + 1] = "_gba-challenge.video.example.com";
	unsigned hops = REG_DNS_HOPS;
	enum reg_dns is = reg_dns_read(data, size, "0123456789abcdef0123456789abcdef", name, &hops);

	if (strlen(name) > REG_DNS_NAME || hops > REG_DNS_HOPS || (is == REG_DNS_ELSEWHERE && hops == REG_DNS_HOPS))
		abort();
	return 0;
}
