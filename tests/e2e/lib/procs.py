# SPDX-License-Identifier: AGPL-3.0-or-later
"""Start, watch and stop the real programs."""
import asyncio
import ctypes
import os
import random
import resource
import signal
import socket
import subprocess

from . import folder

BUILD = os.environ.get("GBA_BUILD", os.getcwd())
SRC = os.path.realpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
FACTOR = float(os.environ.get("GBA_TIME_FACTOR", "1"))     # slower machine or sanitizers: every time limit grows by it
SANITIZED = os.environ.get("GBA_SANITIZED", "")
FOLDERS = ("bsf", "hss-sim", "reg", "znproxy", "ue", "ue/vuicc", "tools", "bench", "naf-lib/examples", "naf-lib", "tests/flow", ".")
SANITIZER_EXIT = 99


def program(name):
    """Path of a built program, or None."""
    for part in FOLDERS:
        path = os.path.join(BUILD, part, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


_given = {}     # port: its reservation, held while this process lives


def reserve(port):
    """A socket with a name of this port, in the same namespace as the port, or None: whoever tests beside us has it."""
    lock = socket.socket(socket.AF_UNIX)
    try:
        lock.bind(f"\0gba-test-port.{port}")
    except OSError:
        lock.close()
        return None
    return lock


def is_free(port):
    """Nobody listens there, and no test of this process or of one beside it was given it."""
    lock = None if port in _given else reserve(port)
    if not lock:
        return False
    with socket.socket() as s:
        try:
            s.bind(("0.0.0.0", port))
        except OSError:
            lock.close()
            return False
    _given[port] = lock
    return True


def free_port():
    """A port nobody listens on, below the range the kernel hands out to clients."""
    while True:
        port = random.randint(15000, 31000)
        if is_free(port):
            return port


_libc = ctypes.CDLL(None)


def _die_with_parent():
    _libc.prctl(1, signal.SIGKILL)


def environment(extra=None):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "NOTIFY_"))}
    env["LANG"] = "C.UTF-8"
    env.setdefault("ASAN_OPTIONS", f"exitcode={SANITIZER_EXIT}:detect_leaks=1")
    env.setdefault("LSAN_OPTIONS", f"exitcode={SANITIZER_EXIT}")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    env.update(extra or {})
    return env


class Died(Exception):
    pass


class Daemon:
    """One program in the foreground, its standard error in a file."""

    def __init__(self, name, argv, log, env=None, cwd=None, notifies=True, ready_text="ready"):
        self.name, self.argv, self.log, self.env, self.cwd = name, argv, log, env or {}, cwd
        self.notifies, self.ready_text = notifies, ready_text
        self.proc, self._notify, self._log_at = None, None, 0
        self.asked_to_end = False

    async def start(self, wait=True, timeout=20):
        env = environment(self.env)
        if self.notifies:
            path = self.log + ".notify"
            if os.path.exists(path):
                os.unlink(path)
            if self._notify:
                self._notify.close()
            self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._notify.bind(path)
            self._notify.setblocking(False)
            env["NOTIFY_SOCKET"] = path
        self._log_at, self.asked_to_end = self.mark(), False
        with open(self.log, "ab") as f:
            self.proc = await asyncio.create_subprocess_exec(
                *self.argv, stdin=subprocess.DEVNULL, stdout=f, stderr=f, env=env, cwd=self.cwd,
                preexec_fn=_die_with_parent)
        if wait:
            await self.wait_ready(timeout)
        return self

    async def wait_ready(self, timeout=20):
        """READY=1 on the notify socket, or the ready line in the log; Died if the process ends before."""
        ready = asyncio.ensure_future(self._notified() if self.notifies else
                                      folder.until(os.path.dirname(self.log), self._said_ready, None))
        ended = asyncio.ensure_future(self.proc.wait())
        done, pending = await asyncio.wait({ready, ended}, timeout=timeout * FACTOR, return_when=asyncio.FIRST_COMPLETED)
        for p in pending:
            p.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        if ready in done:
            return
        raise Died(f"{self.name} {'ended with ' + str(self.proc.returncode) if done else 'is not ready in time'}:\n"
                   + self.tail(15))

    async def _notified(self):
        loop = asyncio.get_running_loop()
        while True:
            if b"READY=1" in (await loop.sock_recv(self._notify, 4096)).split(b"\n"):
                return

    def _said_ready(self):
        return self.ready_text in self.text(self._log_at)

    @property
    def pid(self):
        return self.proc.pid

    @property
    def running(self):
        return self.proc is not None and self.proc.returncode is None

    def text(self, since=0):
        try:
            with open(self.log, "rb") as f:
                f.seek(since)
                return f.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def mark(self):
        """Position in the log, for text(since)."""
        return os.path.getsize(self.log) if os.path.exists(self.log) else 0

    def tail(self, lines):
        return "\n".join("    | " + x for x in self.text().split("\n")[-lines - 1:])

    async def kill(self):
        """kill -9 and reap."""
        self.asked_to_end = True
        if self.running:
            self.proc.kill()
            await self.proc.wait()

    async def stop(self, timeout=20):
        """SIGTERM; the exit status. Not in time is a failure, after a kill -9."""
        if not self.running:
            return self.proc.returncode if self.proc else None
        self.asked_to_end = True
        self.proc.terminate()
        try:
            return await asyncio.wait_for(self.proc.wait(), timeout * FACTOR)
        except asyncio.TimeoutError:
            await self.kill()
            raise AssertionError(f"{self.name} did not stop within {timeout} s") from None

    def rss_kib(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as f:
            for line in f:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        raise AssertionError("no VmRSS")

    def sanitizer_report(self):
        """The first report of a sanitizer in the log, or None."""
        text = self.text()
        for sign in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:", "WARNING: ThreadSanitizer"):
            at = text.find(sign)
            if at >= 0:
                return text[max(0, at - 100):at + 3000]
        return None


async def run(argv, timeout=30, env=None, stdin=b"", cwd=None, binary=False):
    """A tool to its end: (exit status, standard output, standard error), as text or as octets."""
    p = await asyncio.create_subprocess_exec(*argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                             env=environment(env), cwd=cwd, preexec_fn=_die_with_parent)
    try:
        out, err = await asyncio.wait_for(p.communicate(stdin), timeout * FACTOR)
    except asyncio.TimeoutError:
        p.kill()
        await p.wait()
        raise AssertionError(f"{argv[0]} did not end within {timeout} s") from None
    if binary:
        return p.returncode, out, err
    return p.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")


def many_files(most=8192):
    """As many descriptors as may be, for hundreds of connections; here, and in what is started from here on. How many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, most)), hard))
    return max(soft, min(hard, most))


def files(pid):
    """How many descriptors it has."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def cpu_s(pid):
    """Seconds of processor it has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        ticks = f.read().rsplit(")", 1)[1].split()
    return (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
