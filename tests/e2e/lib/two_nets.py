# SPDX-License-Identifier: AGPL-3.0-or-later
"""Two network namespaces with a wire between them; this process moves into the first one, for good."""
import ctypes
import os
import subprocess

from . import procs

HOME, ABROAD = "10.77.0.1", "10.77.0.2"
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class Nets:
    home, abroad = HOME, ABROAD

    def __init__(self, pid):
        self.prefix = ["nsenter", "-t", str(pid), "-n", "--"]

    @staticmethod
    async def cut():
        await ip("link", "set", "va", "down")

    @staticmethod
    async def mend():
        await ip("link", "set", "va", "up")


async def ip(*args, prefix=()):
    rc, out, err = await procs.run(list(prefix) + ["ip", *args], 10)
    assert rc == 0, (args, out + err)


def _write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def _enter():
    """-> what stands against it, or None"""
    uid, gid = os.geteuid(), os.getegid()
    if _libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0:
        return os.strerror(ctypes.get_errno())
    try:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"0 {uid} 1")
        _write("/proc/self/gid_map", f"0 {gid} 1")
    except OSError as e:
        return str(e)
    return None


async def make(t):
    t.need_tool("ip", "iproute2")
    for tool in ("unshare", "nsenter"):
        t.need_tool(tool, "util-linux")
    if subprocess.run(["unshare", "-Urn", "true"], capture_output=True, check=False).returncode:
        t.skip("no network namespaces here (unshare -Urn)")
    why = _enter()
    if why:
        t.skip(f"no network namespace for this test: {why}")
    other = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo there; exec cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    async def end():
        other.kill()
        other.wait()
    t.cleanup(end)
    assert other.stdout.readline() == b"there\n"
    n = Nets(other.pid)
    await ip("link", "set", "lo", "up")
    await ip("link", "set", "lo", "up", prefix=n.prefix)
    try:
        await ip("link", "add", "va", "type", "veth", "peer", "name", "vb", "netns", str(other.pid))
    except AssertionError as e:
        t.skip(f"no veth here: {e}")
    await ip("addr", "add", HOME + "/24", "dev", "va")
    await ip("addr", "add", ABROAD + "/24", "dev", "vb", prefix=n.prefix)
    await ip("link", "set", "va", "up")
    await ip("link", "set", "vb", "up", prefix=n.prefix)
    return n
