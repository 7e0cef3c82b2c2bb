# SPDX-License-Identifier: AGPL-3.0-or-later
"""An application renews its certificate: libgba-naf reads its files anew while BIRs run, and none is lost."""
import asyncio
import os
import signal
import time

from lib import dia, folder, kdf, procs
from lib.app import BSF_REALM, App, RawBsf
from lib.dia import Avp
from lib.pki import Pki, pki
from lib.runner import test
from lib.ue import Session
from lib.world import BSF_ID, BSF_NAME

NAF_ID = "naf1.example.com"
DAY = 86400


class SlowBsf(RawBsf):
    """Answers each BIR a moment later, so that some are always out, and notes whose certificate came with it."""

    def __init__(self):
        super().__init__()
        self.key, self.shown = os.urandom(32), []

    async def _on_request(self, conn, bir):
        der = conn.writer.get_extra_info("ssl_object").getpeercert(True)
        if der not in self.shown:
            self.shown.append(der)
        await asyncio.sleep(0.05)
        self.answer = [Avp(dia.RESULT, 2001), Avp(dia.ME_KEY, self.key), Avp(dia.KEY_EXPIRY, dia.to_ntp(int(time.time()) + 600))]
        await super()._on_request(conn, bir)


async def an_app(t, bsf, pair):
    path = os.path.join(t.dir, "naf.conf")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join((f"name {NAF_ID}", f"bsf-name {BSF_NAME}", f"identity {NAF_ID}", "realm example.com", f"bsf 127.0.0.1:{bsf.port}",
                           f"bsf-identity {BSF_ID}", f"bsf-realm {BSF_REALM}", f"certificate {pair.certificate}", f"key {pair.key}",
                           f"ca {pki().ca()}")) + "\n")
    app = App(t, 0)
    app.daemon.argv = [t.need_program("gba-naf-example"), "--config", path, "--listen", f"127.0.0.1:{app.port}", "--json-log"]
    return await app.start()


class Asking:
    """Devices that each come with a key nobody has fetched; .other are statuses that are no page."""

    def __init__(self, app, bsf, n):
        self.app, self.bsf, self.pages, self.other, self.stop = app, bsf, 0, [], False
        self.tasks = [asyncio.ensure_future(self._device()) for _ in range(n)]

    async def _device(self):
        while not self.stop:
            client, rand = self.app.client(), os.urandom(16)
            s = Session(kdf.btid(rand, BSF_NAME), None, rand, "a@b.example", 0)
            s.ks_naf = lambda fqdn: self.bsf.key
            client.take(await client.get("/"))
            status = (await client.get("/", client.authorization(s))).status
            if status == 200:
                self.pages += 1
            else:
                self.other.append(status)

    async def more(self, t, n):
        want = self.pages + n

        async def there():
            assert not self.other, self.other
            return self.pages >= want
        await t.until(there, 30, f"{n} pages more")

    async def end(self):
        self.stop = True
        await asyncio.gather(*self.tasks)


@test("libgba-naf: a certificate renewed again and again while BIRs run: each is shown to the BSF, no BIR is lost; a wrong one changes nothing",
      smoke=True, timeout=90)
async def renewed(t):
    bsf = SlowBsf()
    await bsf.start(procs.free_port(), tls=pki().context(pki().make("bsf", BSF_ID), True))
    t.cleanup(bsf.stop)
    mine = pki().make("renewed", NAF_ID, until=100 * DAY)
    app = await an_app(t, bsf, mine)
    asking = Asking(app, bsf, 6)
    await asking.more(t, 10)

    async def reload(word):
        n = len([e for e in app.events() if "reloaded" in e["event"]])
        os.kill(app.daemon.pid, signal.SIGHUP)
        await folder.until(os.path.dirname(app.daemon.log), lambda: len([e for e in app.events() if "reloaded" in e["event"]]) > n,
                           10 * procs.FACTOR)
        assert [e for e in app.events() if "reloaded" in e["event"]][-1]["event"] == word, app.events()[-3:]
    for n in range(5):
        Pki.install(pki().make(f"next{n}", NAF_ID, until=100 * DAY), mine)
        shown = len(bsf.shown)
        await reload("reloaded")
        await t.until(lambda shown=shown: len(bsf.shown) > shown, 20, "the new certificate to come to the BSF")
        await asking.more(t, 10)
    assert len(bsf.shown) == 6, len(bsf.shown)
    os.unlink(mine.key)
    conns = len(bsf.conns)
    await reload("not_reloaded")
    await asking.more(t, 10)
    await asking.end()
    assert not asking.other and len(bsf.conns) == conns, "with the former it goes on, on its connection"
    t.note(f"{asking.pages} keys fetched, {len(bsf.shown)} certificates")
