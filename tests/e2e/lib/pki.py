# SPDX-License-Identifier: AGPL-3.0-or-later
"""Certificates for TLS on Diameter: two CAs, and what is wrong with a certificate. Made once in a run, kept in one folder."""
import atexit
import datetime
import hashlib
import os
import shutil
import ssl
import tempfile

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOUR = 3600
USAGE = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}


class Pair:
    """Paths of a certificate and its key; of none, both are None."""

    def __init__(self, certificate=None, key=None):
        self.certificate, self.key = certificate, key

    def pin(self):
        """Its public key, as a tls-key is written."""
        with open(self.certificate, "rb") as f:
            key = x509.load_pem_x509_certificate(f.read()).public_key()
        der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return "sha256:" + hashlib.sha256(der).hexdigest()


NONE = Pair()


def _write(path, octets, mode):
    """As an operator does it: a new file under another name, then renamed, so that nobody reads half of it."""
    fd = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(fd, "wb") as f:
        f.write(octets)
    os.rename(path + ".new", path)


def _name(cn):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)] if cn else [])


class Pki:
    def __init__(self, folder):
        self.dir, self.cas = folder, {}
        for name in ("ca", "other"):
            self._ca(name)

    def _key(self, name, bits=None):
        key = rsa.generate_private_key(65537, bits) if bits else ec.generate_private_key(ec.SECP256R1())
        path = f"{self.dir}/{name}.key"
        _write(path, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                       serialization.NoEncryption()), 0o600)
        return key, path

    @staticmethod
    def _builder(subject, issuer, key, since, until):
        now = datetime.datetime.utcnow()
        return (x509.CertificateBuilder().subject_name(_name(subject)).issuer_name(_name(issuer)).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now + datetime.timedelta(seconds=since))
                .not_valid_after(now + datetime.timedelta(seconds=until)))

    def _save(self, name, certificate):
        path = f"{self.dir}/{name}.pem"
        _write(path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        return path

    def _ca(self, name, above=None):
        key, _ = self._key(name)
        b = self._builder(name, above or name, key, -48 * HOUR, 1000 * HOUR).add_extension(x509.BasicConstraints(True, None), True)
        self._save(name, b.sign(self.cas.get(above, key), hashes.SHA256()))
        self.cas[name] = key

    def ca(self, name="ca"):
        return f"{self.dir}/{name}.pem"

    def make(self, name, *dns, ca="ca", cn=None, since=-HOUR, until=24 * HOUR, usage=None, bits=None, renewed=None):
        """name.pem and name.key with these dNSNames, octets as they are; made anew each time it is called. renewed: the pair whose key it has."""
        if renewed:
            key_path = renewed.key
            with open(key_path, "rb") as f:
                key = serialization.load_pem_private_key(f.read(), None)
        else:
            key, key_path = self._key(name, bits)
        b = self._builder(cn, ca, key, since, until)
        if dns:
            b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName(d) for d in dns]), not cn)
        if usage:
            b = b.add_extension(x509.ExtendedKeyUsage([USAGE[usage]]), False)
        return Pair(self._save(name, b.sign(self.cas[ca], hashes.SHA256())), key_path)

    def chain(self, name, dns, n):
        """A certificate with n CAs between it and ours, all of them in its file."""
        cas = [f"{name}-{i}" for i in range(n)]
        for above, ca in zip(["ca"] + cas, cas):
            self._ca(ca, above)
        pair = self.make(name, dns, ca=cas[-1])
        octets = b""
        for path in [pair.certificate] + [self.ca(ca) for ca in reversed(cas)]:
            with open(path, "rb") as f:
                octets += f.read()
        _write(pair.certificate, octets, 0o644)
        return pair

    @staticmethod
    def install(pair, over):
        """pair in the place of over, as an operator renews a certificate."""
        for src, dst, mode in ((pair.certificate, over.certificate, 0o644), (pair.key, over.key, 0o600)):
            with open(src, "rb") as f:
                _write(dst, f.read(), mode)

    def wrong(self, identity):
        """What is wrong with a certificate, in a word: the certificate. The first two are refused for their name alone."""
        domain = identity.split(".", 1)[1]
        return {
            "wrong name": self.make("wrong", "other." + domain),
            "wildcard": self.make("wild", "*." + domain.split(".", 1)[1], "*", "n*." + domain, "*." + identity),
            "NUL": self.make("nul", identity + "\0.evil.example", "x." + domain),
            "CN alone": self.make("cn", cn=identity),
            "other CA": self.make("foreign", identity, ca="other"),
            "expired": self.make("old", identity, since=-2 * HOUR, until=-HOUR),
            "not yet": self.make("early", identity, since=HOUR, until=2 * HOUR),
            "none": NONE,
        }

    def context(self, pair, server, ca="ca"):
        """For our own scripts: shows pair, trusts ca, looks at no name."""
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        c.check_hostname = False
        c.load_verify_locations(self.ca(ca))
        c.verify_mode = ssl.CERT_REQUIRED
        if pair.certificate:
            c.load_cert_chain(pair.certificate, pair.key)
        return c


_made = []


def pki():
    """That of this run."""
    if not _made:
        folder = tempfile.mkdtemp(prefix="gba-pki.")
        atexit.register(shutil.rmtree, folder, True)
        _made.append(Pki(folder))
    return _made[0]
