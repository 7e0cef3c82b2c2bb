# SPDX-License-Identifier: AGPL-3.0-or-later
"""One test to its end, and its line of TAP."""
import asyncio
import traceback


class Skip(Exception):
    """It cannot be run here; why."""


async def outcome(coroutine, timeout, begun=lambda limit: None):
    """("ok", ""), ("skip", why) or ("fail", what was seen). begun gets the asyncio.Timeout, for a test that moves its own limit."""
    try:
        async with asyncio.timeout(timeout) as limit:
            begun(limit)
            await coroutine
    except Skip as e:
        return "skip", str(e)
    except (Exception, asyncio.CancelledError):
        return "fail", traceback.format_exc()
    return "ok", ""


def line(number, label, status, text="", seconds=0.0):
    """text: why it was skipped."""
    word = "not ok" if status == "fail" else "ok"
    return f"{word} {number} - {label} # " + (f"SKIP {text}" if status == "skip" else f"{seconds:.1f}s")


def diagnostics(text):
    return "\n".join("#   " + x for x in text.split("\n"))
