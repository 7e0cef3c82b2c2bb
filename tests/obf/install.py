# SPDX-License-Identifier: AGPL-3.0-or-later
"""The operator sets it up: packages, units, parameters."""
# covers: OBF-10.1-1 OBFA-7.1-1 OBFA-8.2-1 OBF-9.3-1
#   + package/systemd.sh
#   + unit/units_test.sh
#   - unit/hardening_test.sh
#
# covers: OBF-10.1-2
#   + t_config: --check on the example configuration: 0
#   - t_config: unknown word, value out of range, incomplete line
#
# covers: OBF-7.5-2
#   + unit/docs_test.sh
#   - t_config: each option that a program's help names stands in its manual
