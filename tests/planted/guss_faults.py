# SPDX-License-Identifier: AGPL-3.0-or-later
"""Of the GUSS that is kept and its timestamp, and of uses that are counted on Redis."""

FAULTS = {
    "bsf/store/redis_count.c": [
    ("uses of before a failover are thought to be known", "redis_sentinel_test",
     "return r->session.made_ms >= p->uses_since_ms && ",
     "return "),
    ],
    "bsf/store/redis_script.c": [
    ("where memory is full no use is counted", "redis_late_test",
     "[REDIS_USE] = \"#!lua flags=allow-oom\\n\"",
     "[REDIS_USE] = \"\""),
    ("a count of uses is kept for ever", "redis_late_test",
     "\"redis.call('PEXPIRE', KEYS[1], ARGV[1], 'NX')\\n\"",
     "\"\""),
    ("each link counts from its own beginning", "redis_sentinel_test",
     "if run == ARGV[1] and tonumber(since)",
     "if false and tonumber(since)"),
    ],
    "bsf/store/store.c": [
    ("the GUSS that is kept is any of the subscriber's", "contract",
     "guss_push_replace(&r->session.guss, guss, guss_push_when(guss_blob_span(guss)));",
     "guss_push_replace(&r->session.guss, guss, INT64_MAX);"),
    ],
    "bsf/store/lmdb_read.c": [
    ("the GUSS of a session that is over is still kept", "contract",
     "if (read_record(l, txn, e[i].rand, now, &s) < 0)",
     "if (read_record(l, txn, e[i].rand, 0, &s) < 0)"),
    ],
    "bsf/store/mem_session.c": [
    ("the GUSS of a session is replaced where it is only looked for", "contract",
     "if (r->op == STORE_FIND_GUSS)",
     "if (r->op == STORE_RESEAL)"),
    ],
    "bsf/ub/flow.c": [
    ("the HSS is told a timestamp though the operator does not want it", "ub_around_test",
     "atomic_load(&run->flow->env.limits->guss_timestamp) && !run->guss_kept",
     "!run->guss_kept"),
    ("the HSS is told another timestamp", "ub_around_test",
     ".guss_timestamp = run->guss_when };",
     ".guss_timestamp = run->guss_when + 1 };"),
    ],
    "bsf/ub/guss.c": [
    ("no GUSS is always an unchanged one", "ub_around_test",
     "if (z->guss_equal && run->guss_kept)",
     "if (run->guss_kept)"),
    ("an unchanged GUSS is none", "ub_around_test",
     "\t\t*guss = guss_blob_get(run->guss_kept);\n",
     "\t\t*guss = NULL;\n"),
    ],
    "bsf/vectors/zh_dia.c": [
    ("a GUSS that came is thought unchanged", "t_guss",
     "r->guss_equal = q->mar.has_guss_timestamp && !maa.guss.len;",
     "r->guss_equal = q->mar.has_guss_timestamp;"),
    ],
    "bsf/vectors/guss_facts.c": [
    ("a GUSS without a timestamp is told", "guss_facts_test",
     "all = c.has_facts && c.has_timestamp;",
     "all = c.has_facts;"),
    ],
    "common/gba/guss_copy.c": [
    ("a life is not kept", "guss_facts_test",
     "c->life_time_s = (int64_t)be64_get(all.p + FIXED_LEN);",
     "c->life_time_s = 0;"),
    ("a card that can GBA_U is forgotten", "guss_facts_test",
     "c->gba_u = all.p[1] & COPY_GBA_U;",
     "c->gba_u = false;"),
    ("a GUSS of which a uss was left out is told", "guss_facts_test",
     "(g->n_left_out ? 0 : COPY_FACTS)",
     "COPY_FACTS"),
    ],
}
