/* SPDX-License-Identifier: AGPL-3.0-or-later */
/*! \file subscriber_world.h
 *  A folder of its own for each test of the subscriber database, its keys, and what is imported into it. */
#pragma once

#include "hss-sim/import.h"
#include "hss-sim/subscriber_cache.h"
#include "tests/unit/suite.h"

#define KEY  "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OPC  "cd63cb71954a9f4e48a5994e37a02baf"
#define HEAD "impi,k,opc,sqn,ind,guss\n"
#define ONE  "1@x.org"

extern char dir[], path[64], csv[64], guss[64], guss2[64]; /* names */
extern struct seal_kek kek, other, second;
extern struct err err;
extern struct import_options how; /* of the imports; each test begins with the usual ones */
extern struct subscriber_rules rules;

void subscriber_world_setup(void);
void subscriber_world_teardown(void);

void write_text(const char *name, const char *text);
struct subscriber_db *db_open(void);
/*! \returns what import_csv() does */
int import_text(const char *text);
void get(const char *impi, struct subscriber_row *r);
void raw_sql(const char *text);
