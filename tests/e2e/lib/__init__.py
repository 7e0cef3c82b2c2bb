# SPDX-License-Identifier: AGPL-3.0-or-later
"""An independent GBA in Python: UE, HSS and NAF written from the specifications, able to do everything wrong on purpose."""
