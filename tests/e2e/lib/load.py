# SPDX-License-Identifier: AGPL-3.0-or-later
"""UEs in flight against one BSF, with a ledger of every session whose 200 was read completely."""
import asyncio
import collections
import time

from . import naf
from .http_raw import HttpClosed, HttpConn
from .ue import UbError


class Ledger:
    """Sessions that a client was told of. Each subscriber's newest counts: a new run of an IMPI replaces its session."""

    def __init__(self):
        self.sessions = {}            # IMPI -> newest session
        self.unsure = set()           # IMPIs with a run whose end the client never learnt
        self.btids = collections.Counter()
        self.done = 0
        self.failures = collections.Counter()
        self.done_at = []

    def add(self, session):
        self.sessions[session.impi] = session
        self.unsure.discard(session.impi)
        self.btids[session.btid] += 1
        self.done += 1
        self.done_at.append(time.monotonic())


class Load:
    """n_in_flight workers; each takes the subscriber that has rested longest and bootstraps it over a kept connection."""

    def __init__(self, w, in_flight):
        self.w, self.in_flight = w, in_flight
        self.ledger = Ledger()
        self.idle = collections.deque(w.ue(i) for i in range(len(w.cards)))
        self.on_session = None        # coroutine called with each session, still inside the worker
        self.running = False
        self.fatal = []
        self._tasks = []

    async def _worker(self):
        conn = None
        while self.running:
            ue = self.idle.popleft()
            try:
                if conn is None:
                    conn = await HttpConn.open(self.w.ports["ub"])
                # from here on a 200 may have been decided that never reaches us, so an older session may be replaced
                self.ledger.unsure.add(ue.impi)
                s = await ue.bootstrap(conn)
                del ue.secrets[60:-4]
                self.ledger.add(s)
                if self.on_session:
                    await self.on_session(s)
            except UbError as e:
                self.ledger.failures[e.response.status] += 1
                if e.response.status == 503:
                    await asyncio.sleep(0.2)             # what Retry-After asks of a UE, in short
            except (HttpClosed, ConnectionError, asyncio.TimeoutError, OSError) as e:
                self.ledger.failures[type(e).__name__] += 1
                if conn:
                    conn.close()
                conn = None
                await asyncio.sleep(0.05)
            except Exception as e:                       # a wrong key, a wrong rspauth: the test fails
                self.fatal.append(e)
                raise
            finally:
                self.idle.append(ue)
        if conn:
            conn.close()

    def start(self):
        self.running = True
        self._tasks = [asyncio.ensure_future(self._worker()) for _ in range(self.in_flight)]

    async def stop(self):
        self.running = False
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.fatal:
            raise self.fatal[0]

    async def run(self, seconds):
        self.start()
        await asyncio.sleep(seconds)                     # the length of the load
        await self.stop()


class NafPool:
    """Fetches keys on one connection and compares them with the UE's; connects again after a loss."""

    def __init__(self, w, identity="naf1.example.com"):
        self.w, self.identity, self.conn = w, identity, None
        self.equal = self.connected = 0
        self._lock = asyncio.Lock()

    async def fetch(self, btid, timeout=10):
        async with self._lock:                           # one connection, however many ask for it
            if self.conn is None or self.conn.closed.is_set():
                self.conn = await naf.connect(self.w.ports["dia"], self.identity, "example.com")
                assert self.conn.cea.result == 2001, self.conn.cea.result
                self.connected += 1
        return await naf.fetch(self.conn, btid, timeout=timeout)

    async def compare(self, session):
        bia = await self.fetch(session.btid)
        assert bia.result == 2001, f"{session.btid}: {bia.result}"
        assert bia.key == session.ks_naf(), f"{session.btid}: UE and NAF hold different keys"
        assert bia.expires_at == session.expires_at
        self.equal += 1

    async def verify(self, ledger, side_by_side=50):
        """Every session of the ledger must be there with its key, but those replaced by a run of unknown end."""
        todo = [s for s in ledger.sessions.values() if s.impi not in ledger.unsure]
        lost, it = [], iter(todo)

        async def worker():
            for s in it:
                bia = await self.fetch(s.btid)
                if bia.result != 2001 or bia.key != s.ks_naf():
                    lost.append((s.btid, bia.result))
        await asyncio.gather(*(worker() for _ in range(side_by_side)))
        return len(todo), lost

    async def close(self):
        if self.conn:
            await self.conn.close()
