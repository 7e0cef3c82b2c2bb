# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-regd and what may happen to it: killed at any moment, BSF and HSS away, rows altered, the database put back."""
import asyncio
import os
import random
import sqlite3
import time

from lib import naf, procs
from lib.ctl import Ctl
from lib.kek import rotated
from lib.registry import ASP, FQDN, Realm, page, page_until
from lib.runner import test

KILLS = int(os.environ.get("GBA_REG_KILLS", "8"))
TOLD_S = 5          # after a start, of whoever was away


async def has_key(conn, session):
    a = await naf.fetch(conn, session.btid, naf.naf_id(FQDN))
    return a.key == session.ks_naf(FQDN)


async def devices(w):
    """All cards registered, and a session each."""
    await w.order(f"app add {ASP} {FQDN} 127.0.0.1/32")
    for c in w.cards:
        await w.order(f"device add {c.impi}")
    return [await w.ue(n).bootstrap() for n in range(len(w.cards))]


class Orders:
    """Grants and withdrawals one after the other, until the daemon dies: what was answered, and what was not."""

    def __init__(self, w):
        self.w, self.known, self.open, self.answered = w, {c.impi: False for c in w.cards}, None, 0

    async def give(self):
        c = await Ctl.open(self.w.ports["reg_ctl"])
        try:
            while True:
                impi = random.choice(self.w.cards).impi
                self.open = impi
                wish = not self.known[impi]
                await c.ask(f"{'grant' if wish else 'withdraw'} {impi} {FQDN}")
                self.known[impi], self.open = wish, None
                self.answered += 1
        except (OSError, ValueError):
            pass
        finally:
            c.close()

    async def compare(self):
        """What was answered is there; what was not may be."""
        for impi, want in self.known.items():
            has = bool((await self.w.order(f"device show {impi}"))["grants"])
            assert has == want or impi == self.open, (impi, has, want)
            self.known[impi] = has
        self.open = None


@test(f"registry: killed at {KILLS} moments under orders, BSF, HSS or both away in between: what was answered is there, and BSF and HSS have it "
      "within 5 s of the start", smoke=True, timeout=60 + 12 * KILLS)
async def killed(t):
    w = await Realm(t, n_cards=4).start()
    sessions = await devices(w)
    orders = Orders(w)
    for n in range(KILLS):
        away = ((), (w.bsf,), (w.hss,), (w.hss, w.bsf))[n % 4]
        for daemon in away:
            await daemon.kill()
        giving = asyncio.create_task(orders.give())
        await asyncio.sleep(random.uniform(0, 0.15))                  # the moment
        await w.reg.kill()
        await giving
        for daemon in away:
            await daemon.start()
        await w.wait_hss_peer()
        await w.start_reg()
        began = time.monotonic()
        await w.told(TOLD_S)
        assert time.monotonic() - began < TOLD_S * procs.FACTOR
        await orders.compare()
        conn = await w.naf(FQDN)
        for c, s in zip(w.cards, sessions):
            assert await has_key(conn, s) == orders.known[c.impi], (n, c.impi, orders.known)
        await conn.close()
    assert orders.answered > KILLS
    conn = await w.naf(FQDN)
    for n, c in enumerate(w.cards):                                # and the HSS: a new bootstrap says the same
        assert await has_key(conn, await w.ue(n).bootstrap()) == orders.known[c.impi]
    rows = (await w.order("audit verify"))["rows"]
    assert rows >= orders.answered + 1 + len(w.cards), (rows, orders.answered)


async def until_refused(app, ua, session):
    """Until the application has asked the BSF, which may just be starting; there is no page meanwhile."""
    async def refused():
        status, _ = await page(app, ua, session)
        assert status != 200
        return status == 403
    await app.t.until(refused, 40, "a refusal")


@test("registry: a withdrawn grant is not served again, whoever is killed and started anew behind it, not by another bootstrap either",
      smoke=True, timeout=120)
async def never_again(t):
    w = await Realm(t, n_cards=1).start()
    impi = w.cards[0].impi
    app = await w.app()
    await app.start()
    await w.order(f"device add {impi}")
    await w.order(f"grant {impi} {FQDN}")
    await w.told()
    s, ua = await w.ue().bootstrap(), app.client()
    assert await page(app, ua, s) == (200, "naf_ok")
    await w.order(f"withdraw {impi} {FQDN}")
    await w.reg.kill()                                             # before or after they were told
    await w.start_reg()
    await page_until(app, ua, s, 403)
    await w.told()
    for daemon in (w.reg, w.bsf, w.hss):
        await daemon.kill()
        await daemon.start()
        await w.wait_hss_peer()
        await until_refused(app, app.client(), s)
        s = await w.ue().bootstrap()
        await until_refused(app, app.client(), s)


@test("registry: BSF and HSS away for long: orders are taken and shown as waiting, with the reason; when they come all is told", smoke=True,
      timeout=90)
async def away(t):
    w = await Realm(t).start()
    sessions = await devices(w)
    await w.told()
    await w.bsf.stop()
    await w.hss.stop()
    for c in w.cards:
        await w.order(f"grant {c.impi} {FQDN}")
    await w.order(f"withdraw {w.cards[2].impi} {FQDN}")

    async def said():
        return all(x["waiting"] >= 3 and "fault" in x for x in (await w.order("outbox"))["targets"])
    await t.until(said, 10, "the outbox to say why it waits")
    await w.hss.start()
    await w.bsf.start()
    await w.wait_hss_peer()
    await w.told(TOLD_S)
    conn = await w.naf(FQDN)
    assert [await has_key(conn, s) for s in sessions] == [True, True, False]
    log = w.reg.text()
    assert log.count("target bsf-1: ") <= 6 and "what it is to be told waits" in log and "told again" in log, log


@test("registry: a hundred orders about one grant at once: one order of them, on which audit, registry, BSF and HSS agree", smoke=True,
      timeout=60)
async def concurrent(t):
    w = await Realm(t, n_cards=1).start()
    (s,) = await devices(w)
    impi = w.cards[0].impi
    conns = [await Ctl.open(w.ports["reg_ctl"]) for _ in range(20)]
    for c in conns:
        t.cleanup(c.close)

    async def five(c, n):
        for k in range(5):
            await c.ask(f"{'grant' if (n + k) % 2 else 'withdraw'} {impi} {FQDN}")
    await asyncio.gather(*(five(c, n) for n, c in enumerate(conns)))
    await w.told()
    granted = bool((await w.order(f"device show {impi}"))["grants"])
    audit = [a["what"] for a in (await w.order("audit show"))["audit"] if a["what"] in ("grant", "withdraw")]
    assert all(a != b for a, b in zip(audit, audit[1:])) and audit[0] == "grant", audit      # each changed something
    assert (audit[-1] == "grant") == granted
    conn = await w.naf(FQDN)
    assert await has_key(conn, s) == granted and await has_key(conn, await w.ue().bootstrap()) == granted


@test("registry: a GUSS that somebody changed at the HSS is what it was after reconcile, and outbox tells that something differed", smoke=True)
async def reconciled(t):
    w = await Realm(t).start()
    await devices(w)
    impi = w.cards[0].impi
    await w.order(f"grant {impi} {FQDN}")
    await w.told()
    c = await Ctl.open(w.ports["hss_ctl"])
    t.cleanup(c.close)
    was = (await c.ask(f"guss? {impi}"))["guss"]
    assert "1000001" in was
    await c.ask(f"guss {impi}", "<guss><ussList/></guss>")

    async def changed():
        return [x["changed"] for x in (await w.order("outbox"))["targets"] if x["target"] == "hss-1"][0]
    before = await changed()
    await w.order("reconcile")
    await w.told()
    assert await changed() == before + 1
    now = (await c.ask(f"guss? {impi}"))["guss"]
    assert now.split("<ussList>")[1] == was.split("<ussList>")[1], now
    conn = await w.naf(FQDN)
    assert await has_key(conn, await w.ue().bootstrap())
    await w.order("reconcile")
    await w.told()
    assert await changed() == before + 1                           # told twice, it changes nothing


def sql(w, *statements):
    db = sqlite3.connect(w.database)
    for s in statements:
        db.execute(s)
    db.commit()
    db.close()


@test("registry: an audit row that is altered, taken out or cut off behind the anchored head is found, by its number", smoke=True, timeout=60)
async def audited(t):
    w = await Realm(t).start()
    await devices(w)
    for n in range(3):
        await w.order(f"grant {w.cards[n].impi} {FQDN}")
    await w.order("audit head")
    said = await w.order("audit verify")
    assert (said["rows"], said["anchored"], said["signed"], said["last"]["row"]) == (7, 2, 0, 7), said
    backup = os.path.join(w.dir, "reg", "copy.sqlite")
    await w.order(f"backup {backup}")
    for statements, said in ((["UPDATE audit SET json = replace(json, 'grant', 'grunt') WHERE seq = 6"], "row 6 was altered"),
                             (["DELETE FROM audit WHERE seq = 3"], "row 3 is not there"), (["DELETE FROM audit WHERE seq > 5"], "row 7 was the last one at")):
        await w.reg.stop()
        keep = open(w.anchor, encoding="utf-8").read()
        put_back(w, backup)
        sql(w, *statements)
        await w.start_reg()
        out = await w.refused("audit verify")
        assert out.startswith("failed " + said), out
        with open(w.anchor, "w", encoding="utf-8") as f:           # what the start with a cut chain has anchored
            f.write(keep)
    await w.reg.stop()
    put_back(w, backup)
    await w.start_reg()
    assert (await w.order("audit verify"))["rows"] == 7


def put_back(w, backup):
    for end in ("-wal", "-shm"):
        if os.path.exists(w.database + end):
            os.unlink(w.database + end)
    with open(backup, "rb") as src, open(w.database, "wb") as dst:
        dst.write(src.read())


@test("registry: a backup that is put back is told to BSF and HSS by reconcile; a new kek seals all anew, a foreign one opens nothing", smoke=True, timeout=60)
async def put_back_told(t):
    w = await Realm(t, n_cards=2).start()
    sessions = await devices(w)
    await w.order(f"grant {w.cards[0].impi} {FQDN}")
    await w.told()
    backup = os.path.join(w.dir, "reg", "copy.sqlite")
    assert (await w.order(f"backup {backup}"))["octets"] > 0 and os.stat(backup).st_mode & 0o077 == 0
    assert (await w.refused(f"backup {backup}")).startswith("invalid allowed: the absolute path of a file that is not there")
    await w.order(f"grant {w.cards[1].impi} {FQDN}")
    await w.told()
    await w.reg.stop()
    put_back(w, backup)
    await w.start_reg()
    await w.order(f"grant {w.cards[1].impi} {FQDN}")               # what was lost is ordered again
    await w.order("reconcile")
    await w.told()
    conn = await w.naf(FQDN)
    assert [await has_key(conn, s) for s in sessions] == [True, True]
    await w.reg.stop()
    lines = w.reg_cfg.node("registry")
    at = next(n for n, line in enumerate(lines) if line.split()[0] == "kek")
    lines.insert(at, f" kek 2 file {w.write_secret('reg-2.kek', os.urandom(32).hex())}")     # a new one seals, and then the old one can go
    w.reg_cfg.write(os.path.join(w.etc, "gba-reg.cfg"))
    await w.start_reg()
    assert (await rotated(t, w.ports["reg_ctl"], w.reg))["keks"]["2"]["records"] >= 2
    await w.reg.stop()
    del lines[at + 1]
    w.reg_cfg.write(os.path.join(w.etc, "gba-reg.cfg"))
    await w.start_reg()
    assert (await w.order(f"device show {w.cards[1].impi}"))["impi"] == w.cards[1].impi
    await w.reg.stop()
    w.write_secret("reg-2.kek", os.urandom(32).hex() + "\n")
    rc, _, err = await procs.run(w.reg.argv, 20)
    assert rc == 1 and "kek 2 is not the key this database was sealed by; allowed: the key that kek 2 was when it sealed" in err, (rc, err)
