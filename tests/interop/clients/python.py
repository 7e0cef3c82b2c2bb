# SPDX-License-Identifier: AGPL-3.0-or-later
"""One page by Python's requests, or with "urllib" as second argument by the standard library's urllib."""
import os
import sys
import urllib.error
import urllib.request

url, user, password = sys.argv[1], os.environ["GBA_USER"], os.environ["GBA_PASSWORD"]
if sys.argv[2:] == ["urllib"]:
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, url, user, password)
    try:
        with urllib.request.build_opener(urllib.request.HTTPDigestAuthHandler(passwords)).open(url) as r:
            print(r.status, r.read().decode())
    except urllib.error.URLError as e:
        print(e)
else:
    import requests
    from requests.auth import HTTPDigestAuth
    r = requests.get(url, auth=HTTPDigestAuth(user, password), timeout=20)
    print(r.status_code, r.text)
