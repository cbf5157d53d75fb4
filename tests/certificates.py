"""Certificates made for a test: an authority and somebody it vouches for.

in: a folder -> out: PEM files.  Must not: be used for anything but tests.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TestSigner:
    """`chain` and `key` sign; `authority` is what to trust."""

    __test__ = False

    chain: Path
    key: Path
    authority: Path


def make_signer(folder: Path, name: str = "Test Clinic") -> TestSigner:
    """Write an authority's certificate, and key and certificate of `name`, as C2PA wants them."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    def titled(text: str) -> x509.Name:
        return x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, text), x509.NameAttribute(NameOID.COMMON_NAME, text)]
        )

    def usage(*, signs_certificates: bool) -> x509.KeyUsage:
        return x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=signs_certificates,
            crl_sign=signs_certificates,
            encipher_only=False,
            decipher_only=False,
        )

    now = dt.datetime.now(dt.UTC)
    root_key, own_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def certificate(subject: str, public: ec.EllipticCurvePublicKey, *, is_root: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(titled(subject))
            .issuer_name(titled("Test Authority"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
            .add_extension(usage(signs_certificates=is_root), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        )
        if not is_root:
            usages = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
            builder = builder.add_extension(usages, critical=False)
        return builder.sign(root_key, hashes.SHA256())

    pem = serialization.Encoding.PEM
    root = certificate("Test Authority", root_key.public_key(), is_root=True).public_bytes(pem)
    own = certificate(name, own_key.public_key(), is_root=False).public_bytes(pem)
    signer = TestSigner(folder / "chain.pem", folder / "key.pem", folder / "authority.pem")
    signer.chain.write_bytes(own + root)
    signer.authority.write_bytes(root)
    form = (pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    signer.key.write_bytes(own_key.private_bytes(*form))
    return signer
