"""C2PA content credentials: a signed statement in a file of how it was made and from what.

in: a finished file, the source, a certificate -> out: the file with a signed manifest; the manifest of a file.
Must not: ask a network (no time stamps, no remote manifests, no revocation lists), or need c2pa at import.

Needs the extra `c2pa` (c2pa-python). The hash of a side-car finds accidents; only a signature finds intent.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

from afet_video.errors import InputError, OutputError, SettingsError
from afet_video.outputs import disk_errors
from afet_video.xmp import COMPOSITE_SYNTHETIC, source_type_url

SIGNABLE: Mapping[str, str] = MappingProxyType(
    {
        ".mp4": "video/mp4",
        ".m4v": "video/mp4",
        ".mov": "video/quicktime",
        ".avi": "video/x-msvideo",
        ".png": "image/png",
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
    }
)
"""Files that can hold a manifest, by suffix."""

MISSING = "the C2PA package is not installed: pip install 'afet-video[c2pa]'"

_OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
_SMALL_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
_REHEARSAL = {
    "claim_generator_info": [{"name": "afet-video"}],
    "assertions": [
        {
            "label": "c2pa.actions.v2",
            "data": {"actions": [{"action": "c2pa.created", "digitalSourceType": source_type_url("digitalCreation")}]},
        }
    ],
}
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: PEM files of the certificate, followed by those that vouch for it, and of its private key.

    The key must not be encrypted. Both are read when something is signed, and stand in no output.
    """

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a file's active manifest says.

    `state`: "Trusted" (whole, by a signer in the trust list), "Valid" (whole, by anybody) or "Invalid". `signer` is the
    organisation or name in the certificate. `ingredients`: titles of what it was made from. `problems`: the
    validator's codes.
    """

    state: str
    signer: str
    source_type: str | None
    ingredients: tuple[str, ...]
    problems: tuple[str, ...]


def is_available() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("c2pa") is not None


def check_signer(signer: Signer, target: Path) -> str:
    """Return who signs, if a file named `target` can be signed by `signer`: a small picture is signed to see.

    Raises
    ------
    SettingsError
        If the package is missing, the files are no certificate and its key, C2PA does not take them, or the container
        holds no manifest.
    """
    if not is_available():
        raise SettingsError(f"{MISSING}, or leave out --c2pa-certificate")
    if target.suffix.lower() not in SIGNABLE:
        raise SettingsError(f"{target}: C2PA signs {', '.join(SIGNABLE)}: give another ending or do not sign")
    import c2pa

    algorithm, certificate, key, name = _read(signer)
    try:
        with c2pa.Context.from_dict(_OFFLINE) as context, _ready(algorithm, certificate, key) as ready:
            builder = c2pa.Builder(_REHEARSAL, context=context)
            builder.sign(ready, "image/png", io.BytesIO(_SMALL_PNG), io.BytesIO())
    except c2pa.C2paError as error:
        raise SettingsError(f"C2PA does not take {signer.certificate}: {error}") from error
    return name


def sign(path: Path, signer: Signer, *, source: Path, title: str, source_type: str = COMPOSITE_SYNTHETIC) -> None:
    """Put a signed manifest into a finished file, with `source` as what it was made from.

    Parameters
    ----------
    path : the file; it is replaced as a whole, or stays as it is.
    signer : certificate and key.
    source : the file it was made from; its SHA-256 is named, and its own manifest taken over if it has one.
    title : name of the file, if `path` is a temporary stand-in for it.
    source_type : a term of IPTC's digital source type vocabulary.

    Raises
    ------
    SettingsError
        If the signer cannot be used.
    OutputError
        If the file cannot be signed or written.
    """
    import c2pa

    algorithm, certificate, key, _ = _read(signer)
    kind = SIGNABLE[path.suffix.lower()]
    signed = path.with_name(f"{path.stem}.c2pa{path.suffix}")
    try:
        with (
            _c2pa_errors(title),
            c2pa.Context.from_dict(_OFFLINE) as context,
            _ready(algorithm, certificate, key) as ready,
            c2pa.Builder(_claim(title, source_type), context=context) as builder,
        ):
            _add_source(builder, source)
            with disk_errors(path), path.open("rb") as inside, signed.open("w+b") as out:
                builder.sign(ready, kind, inside, out)
        with disk_errors(path):
            signed.replace(path)
    finally:
        signed.unlink(missing_ok=True)


def read_manifest(path: Path, *, trust: Path | None = None) -> Manifest | None:
    """Return what the manifest of a file says and whether it holds, None if there is none.

    Parameters
    ----------
    path : a file whose suffix stands in `SIGNABLE`; others have no manifest.
    trust : PEM file of the certificates that are trusted; None = nobody is.

    Raises
    ------
    SettingsError
        If the package is missing, or `trust` cannot be used.
    """
    if not is_available():
        raise SettingsError(MISSING)
    if path.suffix.lower() not in SIGNABLE:
        return None
    import c2pa

    settings: dict[str, Any] = {"verify": dict(_OFFLINE["verify"])}
    if trust is not None:
        settings["trust"] = {"trust_anchors": _text(trust, "list of trusted certificates")}
    with _c2pa_errors(path), c2pa.Context.from_dict(settings) as context, path.open("rb") as file:
        try:
            reader = c2pa.Reader(SIGNABLE[path.suffix.lower()], file, context=context)
        except c2pa.C2paError.ManifestNotFound:
            return None
        with reader:
            return _manifest(reader)


def _ready(algorithm: str, certificate: str, key: str) -> Any:
    import c2pa

    return c2pa.Signer.from_info(c2pa.C2paSignerInfo(algorithm, certificate.encode(), key.encode(), None))


def _manifest(reader: Any) -> Manifest:
    found = reader.get_active_manifest() or {}
    said = json.dumps(found.get("assertions", []))
    terms = [part.split('"')[0] for part in said.split("digitalsourcetype/")[1:]]
    results = (reader.get_validation_results() or {}).get("activeManifest", {})
    signature = found.get("signature_info", {})
    return Manifest(
        state=str(reader.get_validation_state() or "Invalid"),
        signer=str(signature.get("issuer") or signature.get("common_name") or "unknown"),
        source_type=terms[-1] if terms else None,
        ingredients=tuple(str(one.get("title", "")) for one in found.get("ingredients", [])),
        problems=tuple(dict.fromkeys(str(one.get("code")) for one in results.get("failure", []))),
    )


def _claim(title: str, source_type: str) -> dict[str, Any]:
    """Return the manifest to be signed: opened, then edited by this program."""
    version = _version()
    edited = {
        "action": "c2pa.edited",
        "softwareAgent": {"name": "afet-video", "version": version},
        "digitalSourceType": source_type_url(source_type),
        "description": "facial movement on one side was altered to simulate a facial palsy",
    }
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["source"]}}
    return {
        "claim_generator_info": [{"name": "afet-video", "version": version}],
        "title": title,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [opened, edited]}}],
    }


def _version() -> str:
    try:
        return metadata.version("afet-video")
    except metadata.PackageNotFoundError:  # run from a clone
        return "unknown"


def _add_source(builder: Any, source: Path) -> None:
    """Add the source as parent ingredient, with its own manifest if it has one."""
    said = {"title": source.name, "relationship": "parentOf", "label": "source"}
    with source.open("rb") as file:
        said["description"] = f"SHA-256 {hashlib.file_digest(file, 'sha256').hexdigest()}"
        file.seek(0)
        builder.add_ingredient(said, SIGNABLE.get(source.suffix.lower(), "application/octet-stream"), file)


def _read(signer: Signer) -> tuple[str, str, str, str]:
    """Return algorithm, certificate, key, and the name in the certificate."""
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    certificate = _text(signer.certificate, "certificate")
    key = _text(signer.key, "private key")
    try:
        chain = x509.load_pem_x509_certificates(certificate.encode())
    except ValueError as error:
        raise SettingsError(f"{signer.certificate} is not a certificate in PEM form") from error
    try:
        private = serialization.load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(f"{signer.key} is not an unencrypted private key in PEM form") from error
    own = chain[0]
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if own.public_key().public_bytes(*form) != private.public_key().public_bytes(*form):
        raise SettingsError(f"{signer.key} is not the key of the first certificate in {signer.certificate}")
    names = own.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME) or list(own.subject)
    return _algorithm(private, signer.key), certificate, key, str(names[0].value) if names else "unnamed"


def _algorithm(private: Any, path: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in _CURVES:
        return _CURVES[private.curve.name]
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(private, rsa.RSAPrivateKey):
        return "ps256"
    raise SettingsError(f"{path}: C2PA signs with P-256, P-384, P-521, Ed25519 or RSA keys")


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise SettingsError(f"cannot read the {what} {path}: give a PEM file") from error


@contextmanager
def _c2pa_errors(name: object) -> Iterator[None]:
    import c2pa

    try:
        yield
    except c2pa.C2paError as error:
        raise OutputError(f"{name} cannot be signed or read by C2PA: {error}") from error
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror or error}") from error
