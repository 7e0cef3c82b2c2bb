# SPDX-License-Identifier: AGPL-3.0-or-later
"""The runner: target file, cases, what was seen, reports."""
