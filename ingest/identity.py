"""Pseudonyms: keyed hashes that stand for patients, files and studies.

Everything is HMAC-SHA256 under the home's key, cut to 128 bits. Each part is preceded by
its length, so that ("ab", "c") and ("a", "bc") never meet, and each use has its own label,
so that a patient and a file of the same name do not share a pseudonym.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12  # as GCM takes them
_HEX_DIGITS = 32  # 128 bits: a collision among 10^12 studies is a 1 in 10^15 event


def _frame(*parts: str) -> bytes:
    """Length-prefixed concatenation; file names that are not UTF-8 keep their bytes."""
    encoded = [part.encode("utf-8", "surrogateescape") for part in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in encoded)


class Pseudonymiser:
    """Keyed hashes under one key. The key never shows in a repr or a log."""

    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ConfigurationError(f"the pseudonym key must have at least {KEY_BYTES} bytes")
        self._key = key

    def __repr__(self) -> str:
        return "Pseudonymiser()"

    def _digest(self, use: str, *parts: str) -> str:
        message = _frame(use, *parts)
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()[:_HEX_DIGITS]

    def patient_key(self, patient_id: str, issuer: str = "") -> str:
        """The same id from two issuers is two patients. Surrounding blanks do not count."""
        return self._digest("patient", issuer.strip(), patient_id.strip())

    def file_key(self, name: str) -> str:
        """Of a file's own name, without its folder (`Input.path.name`)."""
        return self._digest("file", name)

    def reader_key(self, reader: str) -> str:
        """Of whoever confirmed a diagnosis. Surrounding blanks do not count."""
        return self._digest("reader", reader.strip())

    def study_id_from_uid(self, sop_instance_uid: str) -> str:
        """Of a DICOM instance: the UID remapped, so that it cannot be looked up in a PACS."""
        return self._digest("study", sop_instance_uid.strip(" \0"))

    def exam_key(self, uid: str) -> str:
        """Of a study or a series, remapped as `study_id_from_uid` does with instances."""
        return self._digest("exam", uid.strip(" \0"))

    def entry_id(self, site_id: str | None, data_digest: str) -> str:
        """Of the bytes that came from a site: the same ones again are the same entry."""
        return self._digest("entry", site_id or "", data_digest)

    def transaction_id(self, ae_title: str, uid: str) -> str:
        """Of a storage commitment request."""
        return self._digest("transaction", ae_title.strip(), uid.strip(" \0"))

    def seal(self, data: bytes) -> bytes:
        """Bytes that only this key opens again, for what must be given back as it came."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher().encrypt(nonce, data, None)

    def unseal(self, sealed: bytes) -> bytes:
        """What `seal` was given. ConfigurationError where it was another key's, or changed."""
        from cryptography.exceptions import InvalidTag

        nonce, data = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher().decrypt(nonce, data, None)
        except InvalidTag:
            raise ConfigurationError("what was sealed was sealed under another key") from None

    def _cipher(self) -> "AESGCM":
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return AESGCM(hmac.new(self._key, b"seal", hashlib.sha256).digest())

    def key_check(self) -> str:
        """Of nothing: the same for the same key, and says nothing about it."""
        return self._digest("key-check")

    def erased_key(self, *parts: str) -> str:
        """Of what was erased: it is known again by this, and cannot be found by it."""
        return self._digest("erased", *parts)

    def fingerprint(self) -> str:
        """Tells this key from another one, and nothing else about it."""
        return self._digest("fingerprint")[:16]

    def rejection_id(self, *parts: str) -> str:
        """The same refused file, name and reason again give the same id."""
        return self._digest("rejection", *parts)


def study_id_from_content(content_hash: str, site_id: str | None) -> str:
    """Of an image without a UID. The same film at two sites is two studies."""
    parts = ("image", content_hash) if site_id is None else ("image", content_hash, site_id)
    return hashlib.sha256(_frame(*parts)).hexdigest()[:_HEX_DIGITS]


def create_key(path: Path) -> bytes:
    """Write a new random key, readable by its owner alone; never over an existing one."""
    key = secrets.token_bytes(KEY_BYTES)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise ConfigurationError(
            f"{path} exists already; a new key would orphan every pseudonym made with it"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be created: {error.strerror}") from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
        file.flush()
        os.fsync(file.fileno())
    return key


def load_key(path: Path) -> bytes:
    """Read the key; refuse one that others on this machine can read."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii")
    except OSError as error:
        raise ConfigurationError(
            f"the key file {path} cannot be read ({error.strerror}); "
            "restore it with `pneumowatch key restore`"
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} does not hold a key") from None
    if mode & 0o077:
        raise ConfigurationError(f"{path} can be read by others; run: chmod 600 {path}")
    return _parse_key(text, path)


def _parse_key(text: str, path: Path) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) < KEY_BYTES:
        raise ConfigurationError(f"{path} does not hold a key of {KEY_BYTES} hexadecimal bytes")
    return key
