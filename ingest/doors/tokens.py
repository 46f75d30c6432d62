"""Bearer tokens: who may send by DICOMweb, and for which site.

A token is 256 random bits, so a plain SHA-256 is kept of it: slow, salted hashes are for
passwords, which can be guessed, and would cost every request what they cost an attacker.
"""

import hashlib
import hmac
import json
import re
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.durable import write_durably
from ingest.errors import ConfigurationError, UserError

_PREFIX = "pneumowatch_"  # so that scanners for leaked secrets know one when they see it
_NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f]{0,64}")


@dataclass(frozen=True, slots=True)
class Token:
    """One token as it is kept. Times are UTC, ISO 8601; `revoked_at` is "" while it is good."""

    id: str
    site: str
    name: str
    sha256: str
    created_at: str
    revoked_at: str = ""


class Tokens:
    """The tokens of a home, in a file that only its owner can read. It is read again when
    it changes, so that a token that was revoked stops at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: tuple[tuple[int, ...], list[Token]] | None = None

    def all(self) -> list[Token]:
        """Every one, revoked ones too; ConfigurationError where the file is not as it was."""
        try:
            state = self.path.stat()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigurationError(f"{self.path} cannot be read: {error.strerror}") from None
        if state.st_mode & 0o077:
            raise ConfigurationError(
                f"{self.path} can be read by others; run: chmod 600 {self.path}"
            )
        stamp = (state.st_ino, state.st_mtime_ns, state.st_size)
        if self._known is None or self._known[0] != stamp:
            self._known = (stamp, _read(self.path))
        return self._known[1]

    def site_of(self, secret: str) -> str | None:
        """The site that a token is for; None where it is none, or was revoked.

        Every kept hash is compared, each in constant time.
        """
        offered = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
        site = None
        for token in self.all():
            if hmac.compare_digest(token.sha256, offered) and not token.revoked_at:
                site = token.site
        return site

    def add(self, site: str, name: str = "") -> tuple[Token, str]:
        """A new token and its secret, which is kept nowhere. UserError for a name with controls."""
        if not _NAME.fullmatch(name):
            raise UserError("a token's name must be at most 64 printable characters")
        secret = _PREFIX + secrets.token_urlsafe(32)
        digest = hashlib.sha256(secret.encode()).hexdigest()
        token = Token(secrets.token_hex(4), site, name, digest, _now())
        self._write([*self.all(), token])
        return token, secret

    def revoke(self, token_id: str) -> Token:
        """UserError where there is no such token."""
        kept = self.all()
        found = [token for token in kept if token.id == token_id]
        if not found:
            raise UserError(f"there is no token {token_id!r}; `pneumowatch tokens list` lists them")
        gone = found[0] if found[0].revoked_at else replace(found[0], revoked_at=_now())
        self._write([gone if token.id == token_id else token for token in kept])
        return gone

    def _write(self, tokens: list[Token]) -> None:
        text = json.dumps({"tokens": [asdict(token) for token in tokens]}, indent=1) + "\n"
        write_durably(self.path, text.encode("utf-8"), 0o600)


def _read(path: Path) -> list[Token]:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        return [Token(**one) for one in content["tokens"]]
    except (OSError, ValueError, KeyError, TypeError):
        raise ConfigurationError(
            f"{path} does not hold tokens; move it away and add them again with "
            "`pneumowatch tokens add --site SITE`"
        ) from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
