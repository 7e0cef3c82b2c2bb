#!/usr/bin/python3
# SPDX-License-Identifier: AGPL-3.0-or-later
"""The same for Python, by ctypes alone: ue_key.py SOCKET HOST. It prints B-TID and password of HTTP Digest on Ua."""
import ctypes
import os
import select
import sys

PENDING, OK = 9, 0                                       # enum gba_ue_reason

gba = ctypes.CDLL(os.environ.get("LIBGBAUE", "libgbaue.so.0"))
for name, result, *arguments in (
        ("gba_ue_new_agent", ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t),
        ("gba_ue_start", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_bool,
         ctypes.c_char_p),
        ("gba_ue_fd", ctypes.c_int, ctypes.c_void_p), ("gba_ue_step", ctypes.c_size_t, ctypes.c_void_p),
        ("gba_ue_reason", ctypes.c_int, ctypes.c_void_p), ("gba_ue_reason_text", ctypes.c_char_p, ctypes.c_int),
        ("gba_ue_text", ctypes.c_char_p, ctypes.c_void_p),
        ("gba_ue_finish", ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)),
        ("gba_ue_key_btid", ctypes.c_char_p, ctypes.c_void_p),
        ("gba_ue_key_password", ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p),
        ("gba_ue_key_free", None, ctypes.c_void_p), ("gba_ue_free", None, ctypes.c_void_p)):
    getattr(gba, name).restype, getattr(gba, name).argtypes = result, arguments


def key(path, host):
    """(B-TID, password) from the agent at this socket."""
    err, password, got = ctypes.create_string_buffer(200), ctypes.create_string_buffer(45), ctypes.c_void_p()
    ue = gba.gba_ue_new_agent(path.encode(), err, len(err))
    if not ue:
        raise OSError(err.value.decode())
    asked = gba.gba_ue_start(ue, 0, host.encode(), None, False, None)
    while gba.gba_ue_reason(asked) == PENDING:
        select.select([gba.gba_ue_fd(ue)], [], [])
        gba.gba_ue_step(ue)
    reason, text = gba.gba_ue_reason(asked), gba.gba_ue_text(asked).decode()
    gba.gba_ue_finish(asked, ctypes.byref(got))
    try:
        if reason != OK:
            raise PermissionError(f"{gba.gba_ue_reason_text(reason).decode()}: {text}")
        gba.gba_ue_key_password(got, password)
        return gba.gba_ue_key_btid(got).decode(), password.value.decode()
    finally:
        gba.gba_ue_key_free(got)
        gba.gba_ue_free(ue)


if __name__ == "__main__":
    print(*key(*sys.argv[1:3]))
