# SPDX-License-Identifier: AGPL-3.0-or-later
"""Keys come in, stay sealed, and are found."""
# covers: OBF-9.2.1-1 OBFA-8.1-2 OBFA-8.1-1
#   + t_hss: import: a vendor's file, semicolons, quotes and encrypted keys
#   - t_hss: hss_bad_avp: a User-Name that no IMPI can be
#   - t_config: import: errors with file and line
#
# covers: OBF-7.5-4
#   + unit/subscriber_db_test
#   - t_config: a second daemon on the same state; a wrong key
#
# covers: OBF-7.5-5
#   + store/lmdb_records_test
#   - t_leaks: memory: after its transaction no key of a run
#
# covers: OBF-9.4.3-3 OBF-9.4.3-4
#   + t_naf_fork: a pre-forking server: each child
#   - t_leaks: memory: after its transaction no key of a run
#
# covers: OBFA-8.1-3
#   + t_dz: two HSSs and an SLF of ours
#   - t_dz: Dz: circles, chains, foreign hosts
