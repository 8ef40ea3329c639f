"""A private certificate authority: for the TLS of local servers, and for chains that are wrong."""

import datetime
import ipaddress
from pathlib import Path

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

DAY = datetime.timedelta(days=1)


@attrs.frozen
class Authority:
    """A root certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls, name: str = "test root") -> "Authority":
        """A root of its own, valid for ten days."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = common_name(name)
        builder = begin(subject, subject, key.public_key(), -DAY, 10 * DAY)
        usage = x509.KeyUsage(
            digital_signature=False, content_commitment=False, key_encipherment=False,
            data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
            encipher_only=False, decipher_only=False,
        )  # fmt: skip
        builder = (
            builder.add_extension(x509.BasicConstraints(True, 0), True)
            .add_extension(usage, True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
            )
        )
        return cls(builder.sign(key, SHA256()), key)

    def issue(
        self,
        names: list[str],
        key: ec.EllipticCurvePublicKey,
        start: datetime.timedelta = -DAY,
        end: datetime.timedelta = 9 * DAY,
    ) -> x509.Certificate:
        """A server certificate; start and end count from now."""
        builder = begin(
            common_name(names[0]), self.certificate.subject, key, start, end
        )
        builder = (
            builder.add_extension(
                x509.SubjectAlternativeName([general(n) for n in names]), False
            )
            .add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    self.key.public_key()
                ),
                False,
            )
        )
        return builder.sign(self.key, SHA256())


@attrs.frozen
class ServerFiles:
    """The PEM files of a local TLS server: its chain, its key, and the root that verifies it."""

    chain: Path
    key: Path
    root: Path


LOOPBACK = ("localhost", "127.0.0.1", "::1")


def server_files(
    directory: Path,
    names: tuple[str, ...] = LOOPBACK,
    end: datetime.timedelta = 9 * DAY,
) -> ServerFiles:
    """Make a server's files; their validity ends so long from now."""
    directory.mkdir(parents=True, exist_ok=True)
    files = ServerFiles(
        directory / "server.crt", directory / "server.key", directory / "root.crt"
    )
    authority, key = Authority.new("root of the tests' servers"), new_key()
    files.chain.write_bytes(
        pem(authority.issue(list(names), key.public_key(), end=end))
    )
    files.key.write_bytes(key_pem(key))
    files.root.write_bytes(pem(authority.certificate))
    return files


def begin(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    start: datetime.timedelta,
    end: datetime.timedelta,
) -> x509.CertificateBuilder:
    """What every certificate has."""
    now = datetime.datetime.now(datetime.UTC)
    return x509.CertificateBuilder(
        issuer, subject, key, x509.random_serial_number(), now + start, now + end
    )


def general(name: str) -> x509.GeneralName:
    """A host name or an address."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def common_name(name: str) -> x509.Name:
    """A name of one attribute."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def new_key() -> ec.EllipticCurvePrivateKey:
    """An ECDSA key."""
    return ec.generate_private_key(ec.SECP256R1())


def pem(*chain: x509.Certificate) -> bytes:
    """Certificates in PEM."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key in PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
