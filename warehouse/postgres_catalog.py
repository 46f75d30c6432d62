"""The catalog of many machines: a schema of a PostgreSQL database.

Writers take turns by a session advisory lock, held through a connection of its own from
before a transaction looks until after it commits. PostgreSQL drops the lock when that
connection ends: when its process dies, and also when only the connection does (a proxy, a
failover, a paused machine), which the writer does not notice. So the lock keeps writers
out of one another's way, and the claim of `store.py` decides who may commit.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import duckdb
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ingest.errors import ConfigurationError
from warehouse.home import Home
from warehouse.sql_text import quoted

if TYPE_CHECKING:
    from psycopg import Connection

_SECRET = "catalog_password"
# A lock must not outlive a machine that lost its power by PostgreSQL's usual two hours, and
# no server setting may end the wait for one.
_LOCK_SESSION = (
    "-c tcp_keepalives_idle=20 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4 "
    "-c lock_timeout=0 -c statement_timeout=0 -c idle_session_timeout=0"
)
_CONNECT_SECONDS = 10


@dataclass(frozen=True)
class PostgresCatalog:
    """Any number of machines. A password may also come from PGPASSWORD or ~/.pgpass."""

    home: Home
    url: str = field(repr=False)
    schema: str
    extensions: tuple[str, ...] = ("postgres_scanner", "ducklake")
    advice: str = (
        "check that the server is up, that user, password (PGPASSWORD or ~/.pgpass) and database "
        "are right, and that `pneumowatch init` has made a warehouse there"
    )

    @cached_property
    def shown(self) -> str:
        return without_password(self.url)

    def attach_as(self, connection: duckdb.DuckDBPyConnection) -> tuple[str, list[str]]:
        """The password goes by way of a secret: DuckDB's messages repeat the target."""
        # Without OVERRIDE_DATA_PATH: a machine that names another place for the data is refused.
        options = [f"META_SCHEMA {quoted(self.schema)}"]
        known = self._parameters()
        if password := known.pop("password", ""):
            connection.execute(
                f"CREATE SECRET {_SECRET} (TYPE postgres, PASSWORD {quoted(password)})"
            )
            options.append(f"META_SECRET {quoted(_SECRET)}")
        return quoted(f"ducklake:postgres:{make_conninfo('', **known)}"), options

    def require(self) -> None:
        """Whether a warehouse is there the server knows, and says when it is attached."""

    def prepare(self) -> None:
        """The schema. ConfigurationError where the server is not reached or refuses."""
        statement = sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(self.schema))
        with self._connected() as connection:
            try:
                connection.execute(statement)
            except psycopg.Error as error:
                raise self._unusable(error) from None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """An advisory lock. It is given back by closing; a connection that is gone has done so."""
        with self._connected() as connection:
            try:
                connection.execute("SELECT pg_advisory_lock(%s)", [lock_number(self.schema)])
            except psycopg.Error as error:
                raise self._unusable(error) from None
            yield

    @contextmanager
    def _connected(self) -> Iterator["Connection"]:
        parameters = self._parameters() | {
            "application_name": "pneumowatch",
            "connect_timeout": str(_CONNECT_SECONDS),
            "options": _LOCK_SESSION,
        }
        try:
            connection = psycopg.connect(make_conninfo("", **parameters), autocommit=True)
        except psycopg.Error as error:
            raise self._unusable(error) from None
        try:
            yield connection
        finally:
            with suppress(psycopg.Error):
                connection.close()

    def _parameters(self) -> dict[str, str]:
        try:
            return {name: str(value) for name, value in conninfo_to_dict(self.url).items()}
        except psycopg.Error:
            raise ConfigurationError(
                "[warehouse] catalog is not a URL of PostgreSQL; write "
                "postgresql://user@host:5432/database"
            ) from None

    def _unusable(self, error: psycopg.Error) -> ConfigurationError:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return ConfigurationError(f"{self.shown} cannot be used ({reason}); {self.advice}")


def lock_number(schema: str) -> int:
    """The key of a schema's advisory lock: 64 bits, signed; locks are of one database anyway."""
    digest = hashlib.sha256(f"pneumowatch writers of {schema}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def without_password(url: str) -> str:
    """A URL as it may be shown and stored: no password, and no parameters but sslmode."""
    try:
        parts = urlsplit(url)
        user, at, host = parts.netloc.rpartition("@")
    except ValueError:
        return "postgresql://…"
    kept = "&".join(one for one in parts.query.split("&") if one.startswith("sslmode="))
    netloc = f"{user.partition(':')[0]}{at}{host}"
    return urlunsplit((parts.scheme, netloc, parts.path, kept, ""))
