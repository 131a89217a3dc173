"""Throw-away certificates: a CA, a server's, a client's, and such as nobody should accept."""

import datetime
import functools
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vmodem.tls.security import Bundle

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
HOST = "device.example.com"
ADDRESSES = ("127.0.0.1", "::1")
PSK = bytes.fromhex("000102030405060708090a0b0c0d0e0f")
PSK_IDENTITY = b"nrf-123456"


class Issued:
    """A certificate and its key, both PEM."""

    def __init__(self, certificate, key):
        self.x509, self.private = certificate, key
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM)
        self.key = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def issue(name, issuer=None, *, days=(-1, 30), hosts=(), authority=False, client=False, private=None):
    """Issue a certificate; ``issuer`` None signs itself."""
    private = private or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    key_usage = dict.fromkeys(
        ("content_commitment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"), False
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.x509.subject if issuer else subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + days[0] * DAY)
        .not_valid_after(NOW + days[1] * DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_encipherment=isinstance(private, rsa.RSAPrivateKey),
                key_cert_sign=authority,
                crl_sign=authority,
                **key_usage,
            ),
            critical=True,
        )
    )
    for identifier in (  # Python 3.13 insists on them
        x509.SubjectKeyIdentifier.from_public_key(private.public_key()),
        x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer.private if issuer else private).public_key()),
    ):
        builder = builder.add_extension(identifier, critical=False)
    if not authority:
        usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if hosts:
        names = [x509.DNSName(host) if host[0].isalpha() else ip_name(host) for host in hosts]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return Issued(builder.sign(issuer.private if issuer else private, hashes.SHA256()), private)


def ip_name(address):
    return x509.IPAddress(ipaddress.ip_address(address))


class Certificates:
    """All of them; made when first asked for."""

    @functools.cached_property
    def ca(self):
        return issue("vmodem test CA", authority=True)

    @functools.cached_property
    def other_ca(self):
        return issue("vmodem other CA", authority=True)

    @functools.cached_property
    def server(self):
        return issue(HOST, self.ca, hosts=(HOST, "localhost", *ADDRESSES))

    @functools.cached_property
    def rsa_server(self):
        private = rsa.generate_private_key(65537, 2048)
        return issue(HOST, self.ca, hosts=(HOST, *ADDRESSES), private=private)

    @functools.cached_property
    def expired_server(self):
        return issue(HOST, self.ca, hosts=(HOST,), days=(-30, -1))

    @functools.cached_property
    def client(self):
        return issue("client", self.ca, client=True)

    @functools.cached_property
    def other_client(self):
        return issue("client", self.other_ca, client=True)

    def trusting(self, own=None, ca=None):
        """Return credentials that trust the CA, with a certificate of one's own or without."""
        return Bundle(
            ca=(ca or self.ca).certificate,
            certificate=own.certificate if own else b"",
            key=own.key if own else b"",
        )

    def having(self, own):
        """Return credentials that trust nobody."""
        return Bundle(certificate=own.certificate, key=own.key)

    def write(self, folder):
        """Write everything that a program needs to files; return the folder."""
        folder = Path(folder)
        for name in ("ca", "other_ca", "server", "rsa_server", "expired_server", "client", "other_client"):
            issued = getattr(self, name)
            (folder / f"{name}.pem").write_bytes(issued.certificate)
            (folder / f"{name}.key").write_bytes(issued.key)
        (folder / "psk.txt").write_text(f"{PSK_IDENTITY.decode()}:{PSK.hex()}\n")
        return folder


CERTIFICATES = Certificates()


def shared_key(psk=PSK, identity=PSK_IDENTITY):
    """Return credentials with nothing but a pre-shared key."""
    return Bundle(psk=psk, psk_identity=identity)
