/* SPDX-License-Identifier: AGPL-3.0-or-later */
/* The card of gba-vuicc, command by command (TS 102.221, 31.102 7.1, 31.103 7.1; TS 33.220 5.3.2, annex G). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/crypto/milenage.h"
#include "tests/unit/suite.h"
#include "ue/vuicc/vuicc_state.h"

#define NAF "6e6166312e6578616d706c652e636f6d0100000002" /* naf1.example.com, HTTP Digest */
#define PIN "31323334ffffffff"
#define PUK "3132333435363738"

static struct vuicc u;
static unsigned saves, tries_at_save;
static bool disk_full;

static int save(struct vuicc *card)
{
	saves++;
	tries_at_save = card->pin.tries;
	return disk_full ? -ENOSPC : 0;
}

static void power_on(void)
{
	struct sim_cfg cfg = { .mnc_len = 2, .gba_u = true, .gbanl_len = 108 };
	struct err err = { "" };

	cfg.cred.k = secret_of("465b5ce8b199b49faa5f0a2ee238a6bc");
	cfg.cred.opc = secret_of("cd63cb71954a9f4e48a5994e37a02baf");
	strcpy(cfg.imsi, "001010000000001");
	strcpy(cfg.iccid, "8988211000000000007");
	strcpy(cfg.impi.s, "user@ims.example.com");
	strcpy(cfg.pin, "1234");
	strcpy(cfg.puk, "12345678");
	ck_assert_msg(vuicc_state_new(&u, &cfg, "x.cfg", &err) == 0, "%s", err.text);
	u.save = save;
	saves = 0;
	disk_full = false;
}

/* One command in hex; the whole answer in hex. */
static const char *say(const char *hex)
{
	static char text[2 * VUICC_ANSWER_MAX + 1];
	uint8_t cmd[300], out[VUICC_ANSWER_MAX];
	int n = hex_decode(cmd, sizeof(cmd), hex, strlen(hex));

	ck_assert_int_ge(n, 0);
	hex_encode(text, sizeof(text), out, vuicc_command(&u, cmd, (size_t)n, out));
	return text;
}

#define ck_says(cmd, answer) ck_assert_str_eq(say(cmd), answer)

/* A command with data; its answer is fetched. */
static const char *ask(const char *head, const char *data)
{
	char cmd[600];
	const char *sw;

	snprintf(cmd, sizeof(cmd), "%s%02zx%s", head, strlen(data) / 2, data);
	sw = say(cmd);
	if (strncmp(sw, "61", 2) != 0)
		return sw;
	snprintf(cmd, sizeof(cmd), "%.2sc00000%s", head, sw + 2);
	return say(cmd);
}

static void usim(void)
{
	power_on();
	ck_says("00a4040c07a0000000871002", "9000");
	ck_says("0020000108" PIN, "9000");
}

static const char *rand_autn(const char *tag, uint64_t seq, bool star)
{
	static char text[100];
	struct aka_vector v;
	char rand[33], autn[33];
	uint8_t r[16] = { (uint8_t)seq };

	ck_assert_int_eq(aka_vector_make(&v, &u.app[0].sim.cred, r, sqn_make(seq, 0)), 0);
	if (star)
		ck_assert_int_eq(gba_u_autn(v.autn, v.autn, &v.ik, GBA_U_SHA1), 0);
	hex_encode(rand, sizeof(rand), r, 16);
	hex_encode(autn, sizeof(autn), v.autn, 16);
	snprintf(text, sizeof(text), "%s10%s10%s", tag, rand, autn);
	return text;
}

START_TEST(malformed)
{
	static const char *const rows[][2] = {
		{ "", "6700" },
		{ "00", "6700" },
		{ "00a404", "6700" },
		{ "00a40400", "6700" }, /* SELECT without a name */
		{ "00a4000c023f", "6700" },
		{ "00a4000c003f00", "6700" },
		{ "10a4000c023f00", "6e00" },
		{ "ffa4000c023f00", "6e00" },
		{ "40a4000c023f00", "6881" },
		{ "04a4000c023f00", "6882" },
		{ "01a4000c023f00", "6881" }, /* no such channel is open */
		{ "00110000", "6d00" },
		{ "00f2000000", "6e00" },
		{ "00a4070c023f00", "6a86" },
		{ "00a400ff023f00", "6a86" },
		{ "00a4000c026f07", "6a82" },
		{ "00a4080c047fff6f07", "6a82" },
		{ "00c0000010", "6985" },
		{ "00b0000010", "6986" },
		{ "0088008411dd", "6700" },
		{ "008800841110000102030405060708090a0b0c0d0e0f", "6985" },
	};

	power_on();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(strcmp(say(rows[i][0]), rows[i][1]) == 0, "row %zu: %s", i, say(rows[i][0]));
}
END_TEST

/* 31102-7.1.1-1; the counter is down and saved before the value is looked at */
START_TEST(pin)
{
	power_on();
	ck_says("00a4040c07a0000000871002", "9000");
	ck_says("00a4080c047fff6f07", "9000");
	ck_says("00b0000009", "6982");
	ck_says("0088008122"
		"10000102030405060708090a0b0c0d0e0f10000102030405060708090a0b0c0d0e0f",
		"6982");
	ck_says("00200001", "63c3");
	ck_says("002000010830303030ffffffff", "63c2");
	ck_assert_uint_eq(tries_at_save, 2);
	disk_full = true;
	ck_says("0020000108" PIN, "6581");
	ck_says("00200001", "63c2");
	disk_full = false;
	saves = 0;
	ck_says("0020000108" PIN, "9000");
	ck_assert_uint_eq(saves, 2);
	ck_says("00200001", "63c3");
	ck_says("00b0000009", "080910100000000010"
			      "9000");
	for (int left = 2; left >= 0; left--) {
		char want[5];

		snprintf(want, sizeof(want), "63c%d", left);
		ck_says("002000010830303030ffffffff", want);
	}
	ck_says("00b0000009", "6982"); /* a wrong PIN takes the right back */
	ck_says("0020000108" PIN, "6983");
	ck_says("00200001", "6983");
	ck_says("002c000110"
		"3030303030303030"
		"35363738ffffffff",
		"63c9");
	ck_says("002c000110" PUK "35363738ffffffff", "9000");
	ck_says("00b0000009", "080910100000000010"
			      "9000");
	vuicc_reset(&u);
	ck_says("0020000108"
		"35363738ffffffff",
		"9000");
}
END_TEST

/* 31102-4.2.79-1, 31102-4.2.83-1 */
START_TEST(files)
{
	usim();
	ck_says("00a4080c022fe2", "9000");
	ck_says("00b000000a", "988812010000000000f79000");
	ck_says("00b000000b", "6c0a");
	ck_says("00b0000000", "6c0a");
	ck_says("00b0000a01", "6b00");
	ck_says("00a4080c022f00", "9000");
	ck_says("00b2010400", "6c26");
	ck_says("00b2010426", "61184f10a0000000871002ffffffff890000010050045553494dffffffffffffffffffffffff9000");
	ck_says("00b2030426", "6a83");
	ck_says("00b0000001", "6981");
	ck_says("00a4000c026fad", "9000"); /* the application is still selected */
	ck_says("00b0000004", "000000029000");
	ck_says("00b0840011", "0000000420000000080000000000000000"
			      "9000"); /* EF_UST by SFI: 27, 38, 68 */
	ck_assert_str_eq(ask("00a40004", "6fd6"), "621482024121830"
						  "26fd68a01058b032f0602800200809000");
	ck_assert_str_eq(ask("00a40004", "6fda"), "62178205422100"
						  "6c0583026fda8a01058b032f06028002021c9000");
	ck_says("00dc0104026c00", "6982"); /* 31102-4.2.83-1: ADM */
	ck_says("00a4040c07a0000000871004", "9000");
	ck_says("00a4000c026f02", "9000");
	ck_says("00b0000016", "80147573657240696d732e6578616d706c652e636f6d9000");
	ck_says("00b0850011", "800f696d732e6578616d706c652e636f6d9000");
	ck_says("00b0870002", "02009000");
	ck_says("00a4000c026fd6", "6a82"); /* other numbers than in the USIM */
	ck_says("00a4000c026fd5", "9000");
	ck_says("80f2000c", "9000");
	ck_says("00a4000c023f00", "9000");
	ck_says("00a4000c027fff", "9000");
}
END_TEST

START_TEST(channels)
{
	usim();
	ck_says("0070000001", "019000");
	ck_says("0070000001", "029000");
	ck_says("0070000001", "039000");
	ck_says("0070000001", "6881");
	ck_says("02a4040c07a0000000871004", "9000");
	ck_says("02b0850011", "800f696d732e6578616d706c652e636f6d9000");
	ck_says("00b0870009", "0809101000000000109000"); /* the first has its own application */
	ck_says("00708002", "9000");
	ck_says("02b0850011", "6881");
	ck_says("00708002", "6881");
	ck_says("00708000", "6a86");
	/* an answer waits on its channel alone */
	ck_says("00a40004026fad", "6119");
	ck_says("01c0000019", "6985");
	ck_says("00c0000020", "6c19");
	ck_says("00b0870001", "089000");
	ck_says("00c0000019", "6985"); /* another command, and it waits no longer */
}
END_TEST

/* 31102-7.1.1.1-1, 31102-7.1.1.2-1, 31102-7.3.1-1; set 1 of TS 35.208 and TS 55.205 */
START_TEST(contexts)
{
	char answer[200];

	usim();
	u.app[0].sim.sqn.seq[0] = (0xff9bb4d0b607ull >> 5) - 1;
	ck_assert_str_eq(ask("00880081", "1023553cbe9637a89d218ae64dae47bf351055f328b43577b9b94a9ffac354dfafb3"),
			 "db08a54211d5e3ba50bf10b40ba9a3c58b2a05bbf0d987b21bf8cb10f769bcd751044604127672711c6d3441"
			 "08eae4be823af9a08b9000");
	ck_assert_uint_eq(saves, 3);
	strcpy(answer, ask("00880081", "1023553cbe9637a89d218ae64dae47bf351055f328b43577b9b94a9ffac354dfafb3"));
	ck_assert_msg(strncmp(answer, "dc0e", 4) == 0 && strlen(answer) == 36, "%s", answer);
	ck_assert_str_eq(ask("00880081", "1023553cbe9637a89d218ae64dae47bf351055f328b43577b9b94a9ffac354dfafb4"),
			 "9862");
	ck_assert_str_eq(ask("00880080", "1023553cbe9637a89d218ae64dae47bf35"), "0446f8416a08eae4be823af9a08b9000");
	ck_assert_str_eq(ask("00880082", "1023553cbe9637a89d218ae64dae47bf35"), "6a86");
	ck_assert_str_eq(ask("00880080", "0f23553cbe9637a89d218ae64dae47bf35"), "6a80");
	ck_assert_str_eq(ask("00880081", "1023553cbe9637a89d218ae64dae47bf35"), "6a80");
	/* the number is used for the ISIM, too: the key is the same; there is no GSM context */
	ck_says("00a4040c07a0000000871004", "9000");
	strcpy(answer, ask("00880081", "1023553cbe9637a89d218ae64dae47bf351055f328b43577b9b94a9ffac354dfafb3"));
	ck_assert_msg(strncmp(answer, "dc0e", 4) == 0, "%s", answer);
	ck_assert_str_eq(ask("00880080", "1023553cbe9637a89d218ae64dae47bf35"), "9864");
}
END_TEST

/* A number that is not written down gives no RES, and is not used up. */
START_TEST(no_disk)
{
	usim();
	disk_full = true;
	ck_assert_str_eq(ask("00880081", rand_autn("", 7, false)), "6581");
	ck_assert_str_eq(ask("00880084", rand_autn("dd", 7, true)), "6581");
	disk_full = false;
	ck_assert_uint_eq(u.app[1].sim.sqn.seq[0], 0);
	ck_assert_int_eq(strncmp(ask("00880081", rand_autn("", 7, false)), "db", 2), 0);
	ck_assert_uint_eq(u.app[1].sim.sqn.seq[0], 7);
}
END_TEST

/* 220-5.2.1-1, 220-5.3.2-8, 220-G.1-2, 220-G.1-4, 31102-7.1.1.4-1, 220-G.2-2, 220-G.2-4, 31102-4.2.79-2, 31102-4.2.83-2, 31102-7.1.2.4-2 */
START_TEST(gba)
{
	char big[300];

	usim();
	ck_assert_str_eq(ask("00880084", "de15" NAF "0361406200"), "6a80");
	ck_assert_str_eq(ask("00880084", "de15" NAF "03614062"), "6985");
	u.app[0].sim.sqn.seq[0] = (0xff9bb4d0b607ull >> 5) - 1;
	ck_assert_str_eq(ask("00880084", "dd1023553cbe9637a89d218ae64dae47bf351055f328b43577b9b98c7f3f0d723fb244"),
			 "db08a54211d5e3ba50be9000");
	ck_says("00a4000c026fd6", "9000");
	ck_says("00b0000013", "1023553cbe9637a89d218ae64dae47bf3500009000");
	snprintf(big, sizeof(big), "00d6001170%0224d", 0);
	ck_says(big, "6700");              /* one octet more than the file has */
	ck_says("00d60000021000", "6982"); /* RAND is the card's */
	ck_says("00d600117010", "6700");
	ck_says("00d60011"
		"08"
		"0361406202"
		"6c69ff",
		"9000");
	ck_says("00b0001107", "03614062026c699000");
	ck_assert_str_eq(ask("00880084", "de15" NAF "31323334313530393939393939393939"
					 "40696d732e6d6e633031352e6d63633233342e336770706e6574776f726b2e6f7267"),
			 "db20f8cf543ce60250e3da34fd1cb463ad17dffb7f6bdd021f82cb944b439d8884309000");
	ck_assert_secret(u.app[0].naf[0].ks_int, "64a55e56ed8d4db63a7ba096cdf0f3ddccd1a0a5677e2934b2584beefc641f5d");
	ck_says("00a4000c026fda", "9000");
	ck_assert_int_eq(strncmp(say("00b201046c"), "8015" NAF "8103614062ffff", 2 * 30), 0);
	/* a new run: the record stays, what the device wrote beside RAND does not */
	ck_assert_str_eq(ask("00880085", "de15" NAF "03614062"), "6a86");
	u.p2_85 = true;
	ck_assert_int_eq(strncmp(ask("00880085", "de15" NAF "03614062"), "db20", 4), 0);
	ck_assert_str_eq(ask("00880085", rand_autn("dd", 9, true)), "6a86");
	u.gba = false;
	ck_assert_str_eq(ask("00880084", "de15" NAF "03614062"), "9864");
	ck_says("00a4000c026fd6", "6a82");
}
END_TEST

/* 220-G.2-2, 220-G.2-3: one record per NAF_Id; none empty: the one derived longest ago goes */
START_TEST(naf_list)
{
	char data[100];

	usim();
	ck_assert_int_eq(strncmp(ask("00880084", rand_autn("dd", 7, true)), "db08", 4), 0);
	for (int i = 0; i < VUICC_NAFS; i++) {
		snprintf(data, sizeof(data), "de066%d010000000203614062", i);
		ck_assert_int_eq(strncmp(ask("00880084", data), "db20", 4), 0);
	}
	ck_assert_int_eq(strncmp(ask("00880084", "de0660010000000203614062"), "db20", 4), 0); /* used again */
	ck_assert_int_eq(strncmp(ask("00880084", "de0669010000000203614062"), "db20", 4), 0);
	ck_says("00a4000c026fda", "9000");
	ck_assert_int_eq(strncmp(say("00b201046c"), "800660", 6), 0);
	ck_assert_int_eq(strncmp(say("00b202046c"), "800669", 6), 0);
	ck_assert_int_eq(strncmp(say("00b203046c"), "800662", 6), 0);
	/* 31102-7.3.1-1: what no record holds */
	snprintf(data, sizeof(data), "de%02x", 120);
	{
		char big[400];

		strcpy(big, data);
		for (int i = 0; i < 120; i++)
			strcat(big, "61");
		strcat(big, "03614062");
		ck_assert_str_eq(ask("00880084", big), "9866");
	}
}
END_TEST

START_TEST(state)
{
	char path[] = "vuicc_test.XXXXXX";
	struct err err = { "" };
	struct vuicc before;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
	usim();
	ck_says("002000010830303030ffffffff", "63c2");
	ck_assert_int_eq(strncmp(say("0020000108" PIN), "9000", 4), 0);
	ck_assert_int_eq(strncmp(ask("00880084", rand_autn("dd", 7, true)), "db08", 4), 0);
	ck_assert_int_eq(strncmp(ask("00880084", "de15" NAF "03614062"), "db20", 4), 0);
	ck_says("002000010830303030ffffffff", "63c2");
	ck_assert_msg(vuicc_state_save(&u, path, &err) == 0, "%s", err.text);
	before = u;
	power_on();
	ck_assert_msg(vuicc_state_load(&u, path, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(u.pin.tries, 2);
	ck_assert_mem_eq(u.app, before.app, sizeof(u.app));
	ck_assert_uint_eq(u.naf_clock, 1);
	fd = open(path, O_WRONLY | O_APPEND);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	close(fd);
	ck_assert_int_eq(vuicc_state_load(&u, path, &err), -EBADMSG);
	unlink(path);
}
END_TEST

SUITE("vuicc", malformed, pin, files, channels, contexts, no_disk, gba, naf_list, state)
