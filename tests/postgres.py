"""A PostgreSQL server of the tests' own, on loopback, from Debian's package `postgresql`."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

PASSWORD = "correct horse/battery:staple@7"  # with what a URL has to escape
_ESCAPED = "correct%20horse%2Fbattery%3Astaple%407"


@dataclass(frozen=True, slots=True)
class Server:
    """A running server. Databases are made by `database` and go with the server."""

    folder: Path
    port: int

    def url(self, database: str = "postgres", password: bool = True) -> str:
        user = f"pneumo:{_ESCAPED}" if password else "pneumo"
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def database(self, name: str, template: str = "template1") -> str:
        """A new database, perhaps a copy of one that nobody is connected to; its URL."""
        self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        self.run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def run(self, statement: str, database: str = "postgres") -> list[tuple]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


def binaries() -> Path | None:
    """The folder of initdb and postgres, the newest version's; None where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def running() -> Iterator[Server]:
    """A server until the block ends. Skips where PostgreSQL is not installed."""
    where = binaries()
    if where is None:
        pytest.skip("needs Debian's package postgresql")
    with tempfile.TemporaryDirectory(prefix="pneumowatch-postgres-") as folder:
        server = Server(Path(folder), _free_port())
        process = _started(where, server)
        try:
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(30)


def _started(where: Path, server: Server) -> subprocess.Popen:
    words = server.folder / "password"
    words.write_text(PASSWORD)
    as_whom = {}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        as_whom = {"user": "postgres", "group": "postgres", "extra_groups": []}
        for path in (server.folder, words):
            shutil.chown(path, "postgres", "postgres")
    data = server.folder / "data"
    subprocess.run(
        [where / "initdb", "-D", data, "-U", "pneumo", "-A", "scram-sha-256", "--no-sync",
         f"--pwfile={words}", "-E", "UTF8", "--locale=C.UTF-8"],
        check=True, stdout=subprocess.DEVNULL, cwd="/", **as_whom,
    )  # fmt: skip
    settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
    options = [word for pair in settings.items() for word in ("-c", "=".join(pair))]
    with (server.folder / "log").open("w") as log:
        process = subprocess.Popen(
            [where / "postgres", "-D", data, "-p", str(server.port), *options],
            stdout=log, stderr=log, cwd="/", **as_whom,
        )  # fmt: skip
    _wait(server, process)
    return process


def _wait(server: Server, process: subprocess.Popen) -> None:
    for _ in range(300):
        try:
            server.run("SELECT 1")
        except psycopg.OperationalError:
            assert process.poll() is None, (server.folder / "log").read_text()
            time.sleep(0.1)
        else:
            return
    raise AssertionError("PostgreSQL did not start in 30 s")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
