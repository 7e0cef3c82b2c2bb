# SPDX-License-Identifier: AGPL-3.0-or-later
"""gba-store: count, check, salvage, export and import of a real store, whole and damaged."""
import os
import shutil

from lib import naf, procs, vty
from lib.runner import test
from lib.store_file import leaves_with, values_of
from lib.world import World


async def tool(*args, rc=0, env=None):
    got, out, err = await procs.run([procs.program("gba-store"), *args], env=env)
    assert got == rc, (args, got, out, err)
    return out + err


def has(text, name, number):
    return any(line.split() == [*name.split(), str(number)] for line in text.splitlines())


async def filled(t, n=12):
    """A store of n sessions; its daemon is stopped."""
    w = await World(t, n_cards=n).start()
    sessions = [await w.ue(i).bootstrap() for i in range(n)]
    return w, sessions, w.dir + "/bsf", f"--kek=1={w.etc}/bsf-1.kek"


async def put_back(w, store, new):
    """The daemon on another store."""
    shutil.rmtree(store)
    os.rename(new, store)
    await w.bsf.start()
    await w.wait_hss_peer()
    return await w.naf()


@test("gba-store: a store counted, checked, exported, imported; keys as before, and nothing of them in the export", smoke=True)
async def carried(t):
    w, sessions, store, kek = await filled(t)
    assert "in use by another process" in await tool("count", store, rc=1)
    await vty.enabled(w.ports["bsf_vty"], "revoke impi nobody@example.org")
    await w.bsf.stop()
    out = await tool("count", store)
    assert has(out, "sessions", 12) and has(out, "revocation marks", 1) and has(out, "sealed under KEK 1", 13) and "opened" not in out, out
    assert has(await tool("check", store, kek), "records opened", 13)
    w.write_secret("other.kek", "ab" * 32 + "\n")
    out = await tool("check", store, f"--kek=1={w.etc}/other.kek", rc=1)
    assert has(out, "damaged: they do not open", 13) and "index key does not open" in out, out
    assert "the index key does not open: KEK 1 is another one" in await tool("salvage", store, w.dir + "/no", f"--kek=1={w.etc}/other.kek", rc=1)
    assert not os.path.exists(w.dir + "/no")     # a wrong KEK is no reason to throw records away
    assert has(await tool("check", store, f"--kek=2={w.etc}/other.kek", rc=1), "sealed under a KEK not given", 13)
    assert "allowed: --kek" in await tool("check", store, rc=1)
    assert "no credentials; allowed: ID=PATH" in await tool("check", store, "--kek=1=credential:bsf-1.kek", rc=2)
    given = {"CREDENTIALS_DIRECTORY": w.etc}
    assert has(await tool("check", store, "--kek=1=credential:bsf-1.kek", env=given), "records opened", 13)
    assert "a name without /" in await tool("check", store, "--kek=1=credential:../bsf-1.kek", rc=2, env=given)
    for wrong in ("0=x", "256=x", "x", "1x=y"):
        assert "ID of 1 to 255" in await tool("check", store, f"--kek={wrong}", rc=2), wrong
    before = open(store + "/data.mdb", "rb").read()
    export = w.dir + "/all.gba"
    assert has(await tool("export", store, export), "entries exported", 15)        # and the index key, and which KEKs have sealed
    assert "allowed: a file that is not there" in await tool("export", store, export, rc=1)
    assert has(await tool("import", export, w.dir + "/new"), "records imported", 13)
    assert "allowed: a folder that is not there" in await tool("import", export, w.dir + "/new", rc=1)
    assert open(store + "/data.mdb", "rb").read() == before
    text = open(export, "rb").read()
    assert not any(secret in text for s in sessions for secret in (s.ks, s.impi.encode()))
    for i in range(0, len(text), len(text) // 40):           # one octet altered, or the end cut off
        for wrong in (text[:i] + bytes([text[i] ^ 1]) + text[i + 1:], text[:i]):
            with open(w.dir + "/wrong.gba", "wb") as f:
                f.write(wrong)
            await tool("import", w.dir + "/wrong.gba", w.dir + "/no", rc=1)
            assert not os.path.exists(w.dir + "/no")
    conn = await put_back(w, store, w.dir + "/new")
    for s in sessions:
        assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
    await w.bsf.stop()
    w.bsf_cfg.remove("store", "kek")             # the index key is under the new KEK from the start on, records are not
    for line in (f"kek 2 file {w.etc}/other.kek", f"kek 1 file {w.etc}/bsf-1.kek"):
        w.bsf_cfg.add("store", line)
    w.write_configs()
    await w.bsf.start()
    await w.bsf.stop()
    out = await tool("check", store, f"--kek=2={w.etc}/other.kek", rc=1)
    assert has(out, "sealed under a KEK not given", 13) and "index key does not open" not in out, out


@test("gba-store: a damaged page and a record that does not open: counted, named, kept apart, the rest is served", smoke=True)
async def salvaged(t):
    w, sessions, store, kek = await filled(t, 40)
    await w.bsf.stop()
    path = store + "/data.mdb"
    altered = sessions[0]
    with open(path, "r+b") as f:
        for at in values_of(path, altered.rand):
            f.seek(at + 60)
            octet = f.read(1)[0]
            f.seek(at + 60)
            f.write(bytes([octet ^ 1]))
    out = await tool("check", store, kek, rc=1)
    assert has(out, "damaged: they do not open", 1) and has(out, "records opened", 39), out
    out = await tool("salvage", store, w.dir + "/new", kek)
    assert has(out, "records saved", 39) and has(out, "records in quarantine.gba", 1), out
    assert "no index key" in await tool("import", w.dir + "/new/quarantine.gba", w.dir + "/no", rc=1)
    assert not os.path.exists(w.dir + "/no")
    conn = await put_back(w, store, w.dir + "/new")
    assert (await naf.fetch(conn, altered.btid)).result == (10415, 5403)
    for s in sessions[1:]:
        assert (await naf.fetch(conn, s.btid)).key == s.ks_naf()
    await w.bsf.stop()
    with open(path, "r+b") as f:
        for page in leaves_with(path, sessions[7].rand):
            f.seek(4096 * page)
            f.write(bytes(4096))
    assert "damaged: page" in await tool("count", store, rc=1)
    assert "salvage it first" in await tool("export", store, w.dir + "/no.gba", rc=1)
    assert not os.path.exists(w.dir + "/no.gba")
    out = await tool("salvage", store, w.dir + "/again", kek)
    assert "damaged: page" in out and not os.path.exists(w.dir + "/again/quarantine.gba"), out
    conn = await put_back(w, store, w.dir + "/again")
    assert (await naf.fetch(conn, sessions[7].btid)).result == (10415, 5403)
    served = [(await naf.fetch(conn, s.btid)).key == s.ks_naf() for s in sessions[1:]]
    assert has(out, "records saved", sum(served)) and sum(served) > 10, (out, served)
    await w.bsf.stop()
    with open(path, "r+b") as f:
        f.truncate()
    assert "is empty" in await tool("count", store, rc=1)
    assert "no store there" in await tool("count", w.etc, rc=1)
