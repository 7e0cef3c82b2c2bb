# SPDX-License-Identifier: AGPL-3.0-or-later
"""HSSs that attack who dials them: the BSF keeps a connection to each of sixteen at once, by TLS and in the clear, and each misbehaves in its own
way. A good HSS serves all the while, and none of the others costs the BSF time or memory. And an SLF that names whatever it can think of."""
import asyncio
import contextlib
import os

from lib import causes, dia, procs
from lib.dia import Avp, Msg
from lib.hss_pair import REALM, UnderLoad, is_state, node
from lib.pki import pki
from lib.runner import test
from lib.slf import redirect, slf
from lib.tls import tls_world
from lib.world import HSS_ID


SANITIZED = os.environ.get("GBA_SANITIZED") is not None


def cea(cer, identity, *more, result=2001, apps=(dia.APP_ZH,), realm=REALM):
    avps = [Avp(dia.RESULT, result), Avp(dia.ORIGIN_HOST, identity), Avp(dia.ORIGIN_REALM, realm), Avp(dia.HOST_IP, b"\0\1\x7f\0\0\1"),
            Avp(dia.VENDOR_ID, 10415), Avp(dia.PRODUCT, "hostile")]
    return cer.answer(avps + [dia.vsai(a) for a in apps] + list(more))


async def read_msg(reader):
    return Msg.decode(await dia.read(reader))


async def pour(writer, octets, pause=0.0):
    while True:
        writer.write(octets)
        await writer.drain()
        await asyncio.sleep(pause)


# --- before TLS has begun

async def silence(h, r, w):
    await asyncio.sleep(3600)


async def half_hello(h, r, w):
    w.write(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + os.urandom(20))
    await asyncio.sleep(3600)


async def garbage(h, r, w):
    await pour(w, os.urandom(4096))


async def clear_cea(h, r, w):
    w.write(Msg(dia.CMD_CE, 0, [Avp(dia.RESULT, 2001)], 0, 1, 1).encode())
    await asyncio.sleep(3600)


async def alerts(h, r, w):
    await pour(w, b"\x15\x03\x03\x00\x02\x01\x00", 0.001)


async def empty_records(h, r, w):
    await pour(w, b"\x17\x03\x03\x00\x00" * 100)


# --- behind a handshake that is right, or in the clear

async def wrong_name(h, r, w):
    w.write(cea(await read_msg(r), "other." + h.identity).encode())
    await asyncio.sleep(3600)


async def refuses(h, r, w):
    w.write(cea(await read_msg(r), h.identity, result=5010).encode())


async def no_application(h, r, w):
    w.write(cea(await read_msg(r), h.identity, apps=()).encode())
    await asyncio.sleep(3600)


async def requests_first(h, r, w):
    await read_msg(r)
    await pour(w, Msg(dia.CMD_DW, 0, [Avp(dia.ORIGIN_HOST, h.identity), Avp(dia.ORIGIN_REALM, REALM)], dia.R, 1, 1).encode())


async def long_cea(h, r, w):
    """Believed to be 16 MB long, and never there."""
    await read_msg(r)
    w.write(b"\1\xff\xff\xfc\0\0\1\1" + b"\0" * 12)
    await pour(w, b"\0" * 65536)


async def octet_by_octet(h, r, w):
    for b in cea(await read_msg(r), h.identity).encode():
        w.write(bytes([b]))
        await w.drain()
        await asyncio.sleep(0.5)


async def twice(h, r, w):
    m = cea(await read_msg(r), h.identity).encode()
    w.write(m + m)
    await asyncio.sleep(3600)


async def opens_then_floods(h, r, w):
    """Answers nobody waits for, as fast as they are taken."""
    w.write(cea(await read_msg(r), h.identity).encode())
    await pour(w, Msg(dia.CMD_MA, dia.APP_ZH, [Avp(dia.RESULT, 2001), Avp(dia.SESSION_ID, "x")], dia.P, 7, 7).encode() * 20)


async def opens_then_asks(h, r, w):
    """Requests that are none of its business, and it reads no answer."""
    w.write(cea(await read_msg(r), h.identity).encode())
    r._transport.pause_reading()                                  # pylint: disable=protected-access
    await pour(w, Msg(dia.CMD_MA, dia.APP_ZH, [Avp(dia.SESSION_ID, "x"), Avp(dia.ORIGIN_HOST, h.identity), Avp(dia.ORIGIN_REALM, REALM),
                                              Avp(dia.DEST_REALM, REALM)], dia.R | dia.P, 7, 7).encode() * 20)


async def opens_then_leaves(h, r, w):
    w.write(cea(await read_msg(r), h.identity).encode())


QUICK = (wrong_name, refuses, no_application, requests_first, long_cea, twice, opens_then_leaves)
RAW = (silence, half_hello, garbage, clear_cea, alerts, empty_records)      # the others speak TLS first where they are to
# one HSS each: what it does with its first connection, its second...
BY_TLS = ((silence,), (half_hello, octet_by_octet), (opens_then_floods,), (opens_then_asks,),
          (garbage, clear_cea, alerts, empty_records) + QUICK)
IN_CLEAR = (QUICK, (opens_then_asks, opens_then_floods))


class Hostile:
    def __init__(self, n, shapes):
        self.identity, self.shapes, self.came, self.tasks = f"bad{n}.{REALM}", shapes, 0, set()

    async def start(self, t, tls):
        self.tls, self.server = tls, await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        t.cleanup(self.stop)
        return self

    async def stop(self):
        self.server.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        shape = self.shapes[self.came % len(self.shapes)]
        self.came += 1
        self.tasks.add(asyncio.current_task())
        try:
            if self.tls and shape not in RAW:
                await writer.start_tls(self.tls)
            await shape(self, reader, writer)
        except (OSError, asyncio.IncompleteReadError, RuntimeError):
            pass
        finally:
            self.tasks.discard(asyncio.current_task())
            writer.transport.abort()


@test("hostile HSSs, seven at once, by TLS and in the clear: the good one serves all the while, each is dialled at its time", smoke=True,
      timeout=150)
async def hostile(t):
    w = tls_world(t, n_cards=40).no_limits()
    w.bsf_cfg.set("diameter", "tc 1")
    bad = []
    for way, lists in (("tls", BY_TLS), ("plain", IN_CLEAR)):
        for shapes in lists:
            h = Hostile(len(bad), shapes)
            tls = pki().context(pki().make(f"bad{len(bad)}", h.identity), True) if way == "tls" else None
            await h.start(t, tls)
            w.bsf_cfg.nodes.append([f"hss {h.identity}", node(h.port, "timeout 1", "priority 9", f"security {way}")])
            bad.append(h)
    w.bsf_cfg.set(f"hss {HSS_ID}", "priority 1")
    loop = asyncio.get_running_loop()
    await w.start()
    began = loop.time()
    async with UnderLoad(w) as u:
        await t.until(lambda: all(h.came >= len(h.shapes) for h in bad), 60, "each to have done its worst", lambda: [h.came for h in bad])
        await u.more(50)
    u.no_failure()
    passed = loop.time() - began
    for h in bad:
        assert h.came <= 3 + 1.5 * passed, f"{h.shapes[0].__name__}: dialled {h.came} times in {passed:.1f} s"
    rss, cpu, at = w.bsf.rss_kib(), procs.cpu_s(w.bsf.pid), loop.time()
    await asyncio.sleep(2)                                       # long enough to measure
    share, grown = (procs.cpu_s(w.bsf.pid) - cpu) / (loop.time() - at), w.bsf.rss_kib() - rss
    t.note(f"{sum(h.came for h in bad)} connections in {passed:.1f} s, then {100 * share:.0f} % of a core, memory {grown:+} KiB")
    assert SANITIZED or grown < 4096, grown
    await w.ue(0).bootstrap()


async def press(argv, letter):
    """A server with a user who leans on a key; some of its ends end it, then there is another one."""
    while True:
        p = await asyncio.create_subprocess_exec(*argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
                                                 stderr=asyncio.subprocess.DEVNULL)
        try:
            while p.returncode is None:
                p.stdin.write(letter * 10)
                await p.stdin.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            pass
        finally:
            with contextlib.suppress(ProcessLookupError):
                p.kill()
            await p.wait()


@test("an HSS that changes keys, or asks for new handshakes, all the time, before its CEA: cut off with a word, dialled again, the other one serves",
      smoke=True, timeout=90)
async def changes_keys(t):
    openssl = t.need_tool("openssl", "openssl")
    w = tls_world(t).no_limits()
    w.bsf_cfg.set("diameter", "tc 1")
    identity, port = f"bad.{REALM}", procs.free_port()
    pair = pki().make("keys", identity)
    w.bsf_cfg.nodes.append([f"hss {identity}", node(port, "timeout 1", "priority 9", "security tls")])
    w.bsf_cfg.set(f"hss {HSS_ID}", "priority 1")
    await w.start()
    for version, letter, word in (("-tls1_3", b"K\n", "it changes keys all the time"), ("-tls1_2", b"R\n", f"peer={identity}")):
        mark = w.bsf.mark()
        argv = [openssl, "s_server", "-accept", f"127.0.0.1:{port}", "-cert", pair.certificate, "-key", pair.key, "-CAfile", pki().ca(),
                "-Verify", "1", version]
        pressing = asyncio.ensure_future(press(argv, letter))
        try:
            async def told(mark=mark, word=word):
                await w.ue(0).bootstrap()
                return any(word in line and "dia_tls" in line for line in w.bsf.text(mark).split("\n"))
            await t.until(told, 40, f"{version}: {word}")
        finally:
            pressing.cancel()
            await asyncio.gather(pressing, return_exceptions=True)
    assert w.bsf.running


@test("an SLF that names thousands, itself under another case, hosts of 255 octets, or in a message of 1 MB: refused and counted, never asked; "
      "the next good word is followed", smoke=True, timeout=60)
async def slf_names(t):
    w, one, other = await slf(t)
    many = [f"h{i}.example.com" for i in range(3000)]
    rows = (("zh_malformed", redirect(*many, usage=5, cache=4294967295)),
            ("zh_redirect_foreign", redirect(*many[:200], usage=5, cache=4294967295)),
            ("zh_redirect_loop", redirect(HSS_ID.upper(), usage=1, cache=1)),
            ("zh_redirect_foreign", redirect("a" * 60 + "." + "b" * 60 + "." + "c" * 60 + "." + "d" * 60 + ".com", usage=6, cache=3600)))
    for cause, behave in rows:
        w.raw_hss.behave = behave
        async with causes.counted(w, **{cause: 1}):
            assert (await w.ue().first()).status == 503, cause
    w.raw_hss.behave = redirect(*many[:200], one.identity, usage=6, cache=60)  # the last of them is ours
    before = len(one.mars)
    r = await w.ue(1).first()
    assert r.status in (401, 503) and len(one.mars) - before == (r.status == 401), r.status
    w.raw_hss.behave = redirect(one.identity)
    for n in range(3):
        await w.ue(n).bootstrap()
    assert not other.mars and await is_state(w, HSS_ID, "open")
