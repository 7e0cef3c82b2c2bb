# SPDX-License-Identifier: AGPL-3.0-or-later
"""Another KEK for gba-hss-simd and gba-regd: what is in their databases is sealed anew while they serve, through kill -9; then the old one may go."""
import os
import secrets

from lib import ctl, procs, vty
from lib.kek import PIN, restart, rotated, token
from lib.registry import FQDN, Realm
from lib.runner import test
from lib.world import World

ROWS = 2500      # many steps


def new_kek(w, name):
    """Its line."""
    text = secrets.token_hex(32)
    w.more_secrets.append(bytes.fromhex(text))
    return f"kek 2 file {w.write_secret(f'{name}-2.kek', text)}"


def keks(w, cfg, node, *lines):
    cfg.remove(node, "kek")
    for line in lines:
        cfg.add(node, line)
    w.write_configs()


async def fill(t, w):
    rows = "".join(f"90170{n:010}@x.org,{secrets.token_hex(16)},{secrets.token_hex(16)},milenage\n" for n in range(ROWS))
    path = w.write_secret("many.csv", "impi,k,opc,algorithm\n" + rows)
    rc, out, err = await procs.run([t.need_program("gba-hss-simd"), "-c", f"{w.etc}/gba-hss-sim.cfg", "--import", path], 60)
    assert rc == 0, (out, err)


async def killed_within(t, socket, daemon):
    """kill -9 when it has sealed some, and not all."""
    c = await ctl.Ctl.open(socket)
    while not (seen := await c.ask("show kek"))["sealed"]:
        assert seen["rotation"] != "done", seen
    c.close()
    assert seen["sealed"] < ROWS and seen["rotation"] == "sealing" and not seen["keks"]["1"]["may_go"], seen
    await daemon.kill()


async def at_once(w):
    """The BSF connects again, without waiting for its time to do so."""
    await restart(w)
    await w.wait_hss_peer()


@test("gba-hss-simd: a start with another KEK seals the subscribers anew beside requests, goes on after kill -9, is proven by a second pass; then the former "
      "one goes; 'kek rotate' and 'show kek' as at the BSF; each KEK that is missing is named and nothing is changed", timeout=90)
async def hss(t):
    w = World(t).no_limits()
    w.write_configs()
    await fill(t, w)
    await w.start()
    await w.ue().bootstrap()
    old, new = f"kek 1 file {w.etc}/hss-1.kek", new_kek(w, "hss")
    await w.hss.stop()
    keks(w, w.hss_cfg, "subscribers", new, old)
    await w.hss.start()
    await killed_within(t, w.ports["hss_ctl"], w.hss)
    for one, words in ((old, "records are sealed by kek 2, which is not configured"), (new, "sealed by kek 1, which is not configured")):
        keks(w, w.hss_cfg, "subscribers", one)
        for more in (["--check"], []):
            rc, out, err = await procs.run(w.hss.argv + more, 20)
            assert rc != 0 and words in out + err, (more, rc, out, err)
    keks(w, w.hss_cfg, "subscribers", new, old)
    await w.hss.start()
    await at_once(w)
    await w.ue(1).bootstrap()                                        # meanwhile, perhaps
    last = await rotated(t, w.ports["hss_ctl"], w.hss)
    said = [line for line in w.hss.text().splitlines() if " kek: another KEK stands first now, KEK 2" in line or "goes on" in line]
    assert len(said) == 2 and "a rotation begins" in said[0] and "the rotation that was begun goes on" in said[1], said
    assert last["keks"]["2"]["records"] == ROWS + len(w.cards), last
    keks(w, w.hss_cfg, "subscribers", new)
    await w.hss.stop()
    await w.hss.start()
    await at_once(w)
    for n in range(3):
        await w.ue(n).bootstrap()
    await vty.enabled(w.ports["hss_vty"], "kek rotate")              # nothing is left to do: it is proven again

    async def counted():
        return f'"records": {ROWS + len(w.cards)}' in await w.vty("show kek", "hss")
    await t.until(counted, 30, "the proof")


@test("gba-regd: the same of devices and of answers that are kept; what a new KEK has sealed is there after kill -9", timeout=60)
async def registry(t):
    w = await Realm(t).start()
    await w.granted()
    old, new = f"kek 1 file {w.etc}/reg-1.kek", new_kek(w, "reg")
    await w.reg.stop()
    keks(w, w.reg_cfg, "registry", new, old)
    w.reg_cfg.write(f"{w.etc}/gba-reg.cfg")
    await w.start_reg()
    await w.order(f"device add {w.cards[1].impi}")
    await w.reg.kill()
    await w.start_reg()
    await rotated(t, w.ports["reg_ctl"], w.reg)
    assert (await w.order("kek rotate"))["rotation"] == "sealing"
    last = await rotated(t, w.ports["reg_ctl"], w.reg)
    assert last["keks"]["2"]["records"] == 2, last
    await w.reg.stop()
    keks(w, w.reg_cfg, "registry", new)
    w.reg_cfg.write(f"{w.etc}/gba-reg.cfg")
    await w.start_reg()
    for n in range(2):
        assert (await w.order(f"device show {w.cards[n].impi}"))["impi"] == w.cards[n].impi
    await w.order(f"grant {w.cards[1].impi} {FQDN}")
    await w.reg.stop()
    keks(w, w.reg_cfg, "registry", old)
    w.reg_cfg.write(f"{w.etc}/gba-reg.cfg")
    for more in ([], ["--check"]):
        await says(w.reg, "sealed by kek 2, which is not configured", more)


def seen(folder):
    return {e.name: (e.stat().st_size, e.stat().st_mtime_ns) for e in os.scandir(folder)}


async def fine(daemon):
    rc, out, err = await procs.run([*daemon.argv, "--check"], 20, env=daemon.env)
    assert rc == 0 and "configuration ok" in out + err, (rc, out, err)


@test("gba-regd --check opens the database and says what the start would, running or not; it changes nothing and makes no file, and a missing credential "
      "is called one")
async def checked(t):
    w = Realm(t)
    folder = os.path.dirname(w.database)
    w.reg_cfg.set("registry", f"database {folder}/of%41?mode=rwc.sqlite")     # a URI would have it otherwise
    w.reg = w.reg_daemon()
    await fine(w.reg)
    assert seen(folder) == {}
    t.watch(w.reg)
    await w.start_reg()
    new, right = new_kek(w, "reg"), f"kek 1 file {w.etc}/reg-1.kek"
    wrong = new.replace("kek 2", "kek 1")
    for state in ("running", "killed", "stopped"):
        if state == "killed":
            await w.reg.kill()
        if state == "stopped":
            await w.start_reg()
            await w.reg.stop()
        was = seen(folder)
        for line, words in ((new, "sealed by kek 1, which is not configured"),
                            (wrong, "kek 1 is not the key this database was sealed by; allowed: the key that kek 1 was"),
                            ("kek 1 credential reg.kek", "systemd gives us no credential reg.kek; allowed: one that LoadCredential=")):
            keks(w, w.reg_cfg, "registry", line)
            w.reg_cfg.write(f"{w.etc}/gba-reg.cfg")
            w.reg.env = {**os.environ, **(w.reg.env or {}), "CREDENTIALS_DIRECTORY": w.etc}
            await says(w.reg, words, ["--check"])
        keks(w, w.reg_cfg, "registry", right)
        w.reg_cfg.write(f"{w.etc}/gba-reg.cfg")
        await fine(w.reg)
        now = seen(folder)
        for it in (was, now):                                # an index of the log, that is built anew; what the daemon writes
            it.update({n: None for n in it if n.endswith("-shm") or state == "running"})
        assert now == was, (state, was, now)


async def says(daemon, words, more=()):
    rc, out, err = await procs.run([*daemon.argv, *more], 20, env=daemon.env)
    assert rc != 0 and words in out + err and PIN not in out + err, (rc, out, err)


@test("gba-hss-simd: a KEK that stays in a token (softhsm2) seals and opens, though the token is away meanwhile; what is wrong with it in words", timeout=60)
async def in_a_token(t):
    w = World(t).no_limits()
    await w.start()
    folder, line = await token(t, w, w.hss_env)
    await w.hss.stop()
    w.hss.env.update(w.hss_env)
    keks(w, w.hss_cfg, "subscribers", line(), f"kek 1 file {w.etc}/hss-1.kek")
    await w.hss.start()
    os.rename(folder, folder + ".away")                      # no record waits for it
    os.mkdir(folder, 0o700)

    async def done():
        return (await ctl.ask(w.ports["hss_ctl"], "show kek"))["rotation"] == "done"
    await t.until(done, 30, "the rotation to be done")
    await at_once(w)
    await w.ue().bootstrap()
    await w.hss.stop()
    keks(w, w.hss_cfg, "subscribers", line())
    for more in ([], ["--check"]):
        await says(w.hss, "kek 3: token gba, key bsf: there is no token of this label", more)
    os.rmdir(folder)
    os.rename(folder + ".away", folder)
    keks(w, w.hss_cfg, "subscribers", line(key="next"))
    await says(w.hss, "kek 3 is not the key this database was sealed by; allowed: the key that kek 3 was")
    keks(w, w.hss_cfg, "subscribers", line())
    await w.hss.start()
    await at_once(w)
    await w.ue(1).bootstrap()
    assert line() in await vty.enabled(w.ports["hss_vty"], "show running-config")


@test("gba-regd: a KEK is a credential of systemd, or stays in a token; the words for people in the log are made of it as well")
async def of_the_registry(t):
    w = await Realm(t).start()
    await w.granted()
    env = dict(w.reg.env or {})
    _, line = await token(t, w, env)
    os.mkdir(f"{w.etc}/credentials", 0o700)
    text = secrets.token_hex(32)
    w.more_secrets.append(bytes.fromhex(text))
    path = w.write_secret("credentials/reg-2.kek", text)
    os.chmod(path, 0o440)                                    # as systemd shows a right of the service's user
    former = f"kek 1 file {w.etc}/reg-1.kek"
    for kek, more in (("kek 2 credential reg-2.kek", {"CREDENTIALS_DIRECTORY": f"{w.etc}/credentials"}), (line(), env)):
        await w.reg.stop()
        keks(w, w.reg_cfg, "registry", kek, former)
        w.reg_cfg.write(f"{w.etc}/gba-reg.cfg")
        w.reg.env.update({"CREDENTIALS_DIRECTORY": f"{w.etc}/credentials", **more})
        await w.start_reg()

        async def done():
            return (await w.order("show kek"))["rotation"] == "done"
        await t.until(done, 30, "the rotation to be done")
        await w.reg.stop()
        keks(w, w.reg_cfg, "registry", kek)
        w.reg_cfg.write(f"{w.etc}/gba-reg.cfg")
        await w.start_reg()
        assert (await w.order(f"device show {w.cards[0].impi}"))["impi"] == w.cards[0].impi
        former = kek
