# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-interop: GBA peers written from the specifications, and what they try at another's BSF or HSS."""
