# SPDX-License-Identifier: AGPL-3.0-or-later
"""Waiting for what appears in a file: Linux tells (inotify) when one of a folder is made, written or renamed."""
import asyncio
import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)
IN_MODIFY, IN_MOVED_TO, IN_CREATE = 0x2, 0x80, 0x100


async def until(folder, check, timeout):
    """Until check() is true; it is called at first and after each change in the folder. asyncio.TimeoutError"""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()
    fd = _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    if fd < 0 or _libc.inotify_add_watch(fd, os.fsencode(folder), IN_MODIFY | IN_MOVED_TO | IN_CREATE) < 0:
        raise OSError(ctypes.get_errno(), folder)

    def on_event():
        os.read(fd, 65536)
        changed.set()

    async def look():
        while not check():
            changed.clear()
            await changed.wait()
    loop.add_reader(fd, on_event)
    try:
        await asyncio.wait_for(look(), timeout)
    finally:
        loop.remove_reader(fd)
        os.close(fd)
