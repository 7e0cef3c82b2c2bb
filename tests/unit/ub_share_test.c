/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* Who goes when there is no room: the longest owing of who holds most. */
#include <talloc.h>
#include "bsf/ub/share.h"
#include "common/base/sockaddr.h"
#include "tests/unit/suite.h"

static struct ub_share *share;

static void come(struct ub_place *p, const char *from)
{
	struct sockaddr_storage sa;

	ck_assert_int_eq(sockaddr_parse(&sa, from, "1"), 0);
	memset(p, 0, sizeof(*p));
	ub_share_join(share, p, &sa);
	ub_share_owes(p);
}

static struct ub_place *goes(void)
{
	struct ub_place *p = ub_share_oldest(share);

	if (p)
		ub_share_paid(p);
	return p;
}

START_TEST(order)
{
	struct ub_place many[4], few[2], one;

	ck_assert_ptr_null(goes());
	come(&few[0], "192.0.2.1");
	for (int i = 0; i < 4; i++)
		come(&many[i], i % 2 ? "::ffff:192.0.2.2" : "192.0.2.2");
	come(&few[1], "192.0.2.1");
	come(&one, "192.0.2.3");
	ub_share_paid(&many[1]); /* worked on: it stays */
	ck_assert_ptr_eq(goes(), &many[0]);
	/* now both hold two; the next of either is an old one */
	ub_share_owes(&many[1]);
	ck_assert_ptr_eq(goes(), &many[2]);
	ub_share_owes(&many[3]); /* owed again: from now on */
	for (int i = 0; i < 2; i++)
		ck_assert_ptr_ne(goes(), &one);
	for (int i = 0; i < 3; i++)
		ck_assert_ptr_nonnull(goes());
	ck_assert_ptr_null(goes());
	ub_share_paid(&one); /* twice is as good as once */
	ck_assert_ptr_null(goes());
}
END_TEST

/* IPv6 counts by /64; an unknown source is one, too. */
START_TEST(sources)
{
	struct ub_place six[3], four[2], none;

	for (int i = 0; i < 2; i++)
		come(&four[i], "192.0.2.1");
	come(&six[0], "2001:db8:0:1::1");
	come(&six[1], "2001:db8:0:1:ffff::2");
	come(&six[2], "2001:db8:0:1::3");
	ck_assert_ptr_eq(goes(), &six[0]);
	ck_assert_uint_eq(six[1].slot, six[2].slot);
	ub_share_paid(&six[1]);
	ck_assert_ptr_eq(goes(), &four[0]);
	ub_share_paid(&six[2]);
	ub_share_paid(&four[1]);
	memset(&none, 0, sizeof(none));
	ub_share_join(share, &none, NULL);
	ub_share_owes(&none);
	ck_assert_ptr_eq(goes(), &none);
}
END_TEST

/* One in which the sources of these tests do not meet. */
static void open_share(void)
{
	static const char *const from[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8:0:1::1" };
	struct ub_place p[4];
	bool meet;

	do {
		talloc_free(share);
		share = ub_share_new(NULL);
		ck_assert_ptr_nonnull(share);
		meet = false;
		for (int i = 0; i < 4; i++) {
			come(&p[i], from[i]);
			ub_share_paid(&p[i]);
			for (int k = 0; k < i; k++)
				meet |= p[i].slot == p[k].slot;
		}
	} while (meet);
}

static void close_share(void)
{
	talloc_free(share);
	share = NULL;
}

SUITE_WITH_FIXTURE("ub_share", open_share, close_share, order, sources)
