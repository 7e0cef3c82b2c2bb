# SPDX-License-Identifier: AGPL-3.0-or-later
"""A new KEK for BSFs: KEK 2 seals, KEK 1 goes when nothing is sealed by it any more."""
import os
import secrets

from . import ctl, procs


def new_kek(*worlds):
    """A KEK 2, which seals from the next start on, before KEK 1."""
    text = secrets.token_hex(32)
    for w in worlds:
        path = w.write_secret("bsf-2.kek", text + "\n")
        keks(w, f"kek 2 file {path}", f"kek 1 file {w.etc}/bsf-1.kek")
        w.more_secrets.append(bytes.fromhex(text))


def keks(w, *lines):
    w.bsf_cfg.remove("store", "kek")
    for line in lines:
        w.bsf_cfg.add("store", line)
    w.write_configs()


async def restart(w):
    await w.bsf.stop()
    await w.bsf.start()


async def rotation(w):
    return await ctl.ask(w.ports["bsf_ctl"], "show kek")


def proven(last, daemon):
    assert last["keks"]["1"] == {"seals": False, "records": 0, "may_go": True}, last
    assert last["keks"]["2"]["seals"] and not last["keks"]["2"]["may_go"] and last["lost"] == 0, last
    assert "the other KEKs may go" in daemon.text()


async def rotated(t, socket, daemon):
    """Until a daemon's rotation is done, proven by a pass of its own."""
    last = None

    async def done():
        nonlocal last
        last = await ctl.ask(socket, "show kek")
        return last["rotation"] == "done"
    await t.until(done, 60, "the rotation to be done", then=lambda: last)
    proven(last, daemon)
    return last


async def until_done(t, *worlds):
    """At one of them: whichever of several is started while it is under way goes on with it, too."""
    last, w = None, None

    async def done():
        nonlocal last, w
        for w in worlds:
            last = await rotation(w)
            if last["rotation"] == "done":
                return True
        return False
    await t.until(done, 60, "the rotation to be done")
    proven(last, w.bsf)
    return last


PIN = "87654321"


async def token(t, w, env):
    """A token of softhsm2 with a key of its own, which processes with env find, and the lines that name it."""
    module = "/usr/lib/softhsm/libsofthsm2.so"
    if not os.path.exists(module):
        t.skip("softhsm2 is not installed")
    t.need_tool("pkcs11-tool", "opensc")
    folder = f"{w.etc}/tokens"
    os.mkdir(folder, 0o700)
    conf = w.write_secret("softhsm2.conf", f"directories.tokendir = {folder}\nobjectstore.backend = file\nlog.level = ERROR\n")
    env["SOFTHSM2_CONF"] = conf
    for words in (["softhsm2-util", "--init-token", "--free", "--label", "gba", "--so-pin", "12345678", "--pin", PIN],
                  ["pkcs11-tool", "--module", module, "--token-label", "gba", "--login", "--pin", PIN, "--keygen", "--key-type",
                   "generic:32", "--label", "bsf", "--sensitive"],
                  ["pkcs11-tool", "--module", module, "--token-label", "gba", "--login", "--pin", PIN, "--keygen", "--key-type",
                   "generic:32", "--label", "next", "--sensitive"],
                  ["pkcs11-tool", "--module", module, "--token-label", "gba", "--login", "--pin", PIN, "--keygen", "--key-type",
                   "AES:32", "--label", "aes", "--sensitive"]):
        rc, out, err = await procs.run(words, env=env)
        assert rc == 0, (words, out, err)
    pin = w.write_secret("pin", PIN + "\n")
    return folder, lambda module=module, label="gba", key="bsf", pin=pin: f"kek 3 pkcs11 {module} {label} {key} pin-file {pin}"
