# SPDX-License-Identifier: AGPL-3.0-or-later
"""The head of gba-regd's audit, signed: who may write the database and the anchor cannot write either anew."""
import os
import sqlite3

from lib import procs
from lib.registry import FQDN, Realm
from lib.runner import test


async def openssl(*args):
    rc, out, err = await procs.run(["openssl", *args], 20)
    return rc, out + err


async def keys(w, name, *algorithm):
    """-> private and public key, as an operator makes them"""
    private, public = (os.path.join(w.etc, f"{name}.{end}") for end in ("key", "pub"))
    assert (await openssl("genpkey", *algorithm, "-out", private))[0] == 0
    os.chmod(private, 0o600)
    assert (await openssl("pkey", "-in", private, "-pubout", "-out", public))[0] == 0
    return private, public


def lines(w):
    with open(w.anchor, encoding="ascii") as f:
        return f.read().splitlines(True)


def write(path, what):
    with open(path, "w", encoding="ascii") as f:
        f.write("".join(what))


async def signed_realm(t, *algorithm):
    w = Realm(t)
    private, public = await keys(w, "audit", *algorithm)
    w.reg_cfg.add("registry", f"anchor-key {private}")
    for target in ("target bsf-1 bsf", "target hss-1 hss"):
        w.reg_cfg.remove_node(target)
    await w.start_reg()
    await w.order(f"app add asp-1 {FQDN} 127.0.0.1/32")
    await w.order("audit head")
    await w.order(f"device add {w.cards[0].impi}")
    await w.order("audit head")
    return w, public


async def foreign_check(w, line, public):
    """openssl alone: the first three words, and the fourth."""
    head, _, signature = line.rstrip("\n").rpartition(" ")
    paths = [os.path.join(w.dir, x) for x in ("head", "b64", "sig")]
    for path, text in zip(paths, (head, signature + "\n")):
        write(path, text)
    assert (await openssl("base64", "-d", "-A", "-in", paths[1], "-out", paths[2]))[0] == 0
    rc, out = await openssl("pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", paths[0], "-sigfile", paths[2])
    return rc == 0 and "Verified Successfully" in out


@test("registry: each head of the audit is signed, as openssl sees it, too; a line that is altered, made by another or without a signature is told", smoke=True)
async def signed(t):
    w, public = await signed_realm(t, "-algorithm", "ed25519")
    _, other = await keys(w, "other", "-algorithm", "ed25519")
    said = await w.order(f"audit verify {public}")
    good = lines(w)
    assert said["signed"] == said["anchored"] == len(good) == 3 and said["last"]["row"] == said["rows"], said
    assert all([await foreign_check(w, x, public) for x in good]) and not await foreign_check(w, good[0], other)
    assert f"audit: signed {good[-1]}" in w.reg.text()
    assert "is not signed by this key" in await w.refused(f"audit verify {other}")
    last = good[-1].split()
    for what, spoilt, why in (("another time", good[:-1] + [" ".join(["2030-01-01T00:00:00Z", *last[1:]]) + "\n"], "line 3 of the anchor is not signed by this key"),
                              ("no signature", good[:-1] + [" ".join(last[:3]) + "\n"], "line 3 of the anchor is not signed, and one before it is"),
                              ("none is signed", [" ".join(x.split()[:3]) + "\n" for x in good], "no line of the anchor is signed"),
                              ("not base64", good[:-1] + [" ".join([*last[:3], "x" * 88]) + "\n"], "line 3 of the anchor is not signed by this key")):
        write(w.anchor, spoilt)
        out = await w.refused(f"audit verify {public}")
        assert out.startswith("failed ") and why in out, (what, out)
    write(w.anchor, [" ".join(x.split()[:3]) + "\n" for x in good[:2]] + good[2:])             # signed only since then: that covers what was before
    assert (await w.order(f"audit verify {public}"))["signed"] == 1
    for words, why in (("relative.pub", "invalid allowed: an absolute path"), (f"{w.etc}/none.pub", "No such file"),
                       (f"{w.etc}/audit.key", "allowed: a public key")):
        assert why in await w.refused(f"audit verify {words}"), words


@test("registry: a database that is cut, written anew or an older one is told by a signed anchor, and by a copy of it that was kept", smoke=True)
async def cut(t):
    w, public = await signed_realm(t, "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    assert await foreign_check(w, lines(w)[-1], public)
    backup = os.path.join(w.dir, "reg", "copy.sqlite")
    await w.order(f"backup {backup}")
    await w.order(f"grant {w.cards[0].impi} {FQDN}")
    await w.order("audit head")
    kept = os.path.join(w.dir, "kept.anchor")
    write(kept, lines(w))

    async def again(change):
        await w.reg.stop()
        before = lines(w)
        change()
        await w.start_reg()
        return before

    def older():
        for end in ("-wal", "-shm"):
            if os.path.exists(w.database + end):
                os.unlink(w.database + end)
        with open(backup, "rb") as src, open(w.database, "wb") as dst:
            dst.write(src.read())
    before = await again(older)
    assert "rows were cut off or written anew" in await w.refused(f"audit verify {public}")
    write(w.anchor, before[:3] + lines(w)[len(before):])                                       # the lines of the time behind it taken out, too
    assert (await w.order(f"audit verify {public}"))["last"]["row"] == 2                       # who looks only here sees an older row at a later time
    assert "rows were cut off or written anew" in await w.refused(f"audit verify {public} {kept}")
    rows = (await w.order("audit verify"))["rows"]

    def rewrite():
        db = sqlite3.connect(w.database)
        db.execute("DELETE FROM audit WHERE seq = ?", (rows,))
        db.commit()
        db.close()
    await again(rewrite)
    await w.order(f"device add {w.cards[1].impi}")
    out = await w.refused("audit verify")                                                      # by our own key
    assert "rows were cut off or written anew" in out, out


@test("registry: an anchor-key that others may read, that is public, of another kind or not there is refused before the start; so is an anchor that is no file", smoke=True)
async def wrong_keys(t):
    w = Realm(t)
    private, public = await keys(w, "audit", "-algorithm", "ed25519")
    rsa, _ = await keys(w, "rsa", "-algorithm", "RSA")
    exe = t.need_program("gba-regd")
    w.reg_cfg.add("registry", f"anchor-key {private}")
    path = os.path.join(w.etc, "gba-reg.cfg")
    for key, mode, why in ((private, 0o644, "may be read by others; allowed: mode 0600 or 0400"), (public, 0o600, "allowed: a private key"),
                           (rsa, 0o600, "Ed25519 or EC P-256"), (w.etc + "/none", None, "No such file")):
        if mode:
            os.chmod(key, mode)
        w.reg_cfg.set("registry", f"anchor-key {key}")
        w.reg_cfg.write(path)
        rc, _, err = await procs.run([exe, "-c", path, "--check"], 20)
        assert rc and "anchor-key: " in err and why in err, (key, err)
    w.reg_cfg.set("registry", f"anchor-key {private}")
    os.chmod(private, 0o600)
    os.mkfifo(pipe := os.path.join(w.dir, "pipe"))
    for anchor in (pipe, "/dev/null", w.etc):                     # an anchor that is none: whoever opens a FIFO waits for its other side
        w.reg_cfg.set("registry", f"anchor {anchor}")
        w.reg_cfg.write(path)
        rc, _, err = await procs.run([exe, "-c", path, "--check"], 20)
        assert rc and f"{anchor}: is no regular file; allowed: one, or a name that nothing has" in err, (anchor, err)
