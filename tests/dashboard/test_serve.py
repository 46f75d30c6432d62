"""`pneumowatch serve` as a process: quick, without torch, clear when it cannot."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from dashboard.commands.serve import PUBLIC
from dashboard.server import is_loopback, serve
from ingest.errors import UserError
from tests.dashboard import network

COMMAND = "import sys; from dashboard.cli import main; sys.exit(main())"


@contextmanager
def serving(home: Path, *arguments: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A server process that has said its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "--home", str(home), "serve", "--port", "0", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        assert process.stderr is not None
        said = next(line for line in process.stderr if "PneumoWatch is at" in line)
        yield said.split()[3], process
    finally:
        process.terminate()
        process.wait(20)
        if process.stderr:
            process.stderr.close()


def test_pages_are_served_until_stopped(tmp_path: Path) -> None:
    home = network.create(tmp_path / "home", weeks=2)
    begun = time.monotonic()
    with serving(home) as (address, process):
        with urllib.request.urlopen(address, timeout=30) as reply:
            assert b"PneumoWatch" in reply.read()
        # the project's limit is 4 s on a quiet machine; tests may share theirs
        assert time.monotonic() - begun < 20
        strange = urllib.request.Request(address, headers={"Host": "attacker.example"})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(strange, timeout=30)
        assert refused.value.code == 400
        refused.value.close()
    assert process.returncode == 0


def test_serving_imports_neither_torch_nor_pandas() -> None:
    program = (
        "import sys; from pathlib import Path; from dashboard.app import create_app;"
        "import dashboard.server; c = create_app(Path('none')).server.test_client();"
        "assert c.get('/').status_code == 200;"
        "heavy = ('torch', 'pandas', 'scipy.stats', 'pydicom');"
        "print([name for name in heavy if name in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    assert found.stdout.strip() == "[]"


def test_a_busy_port_is_the_users_to_mend(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"port {port}.*--port"):
            serve(tmp_path, "127.0.0.1", port)


@pytest.mark.parametrize(("host", "port"), [("nowhere.invalid", 8050), ("127.0.0.1", 70000)])
def test_an_impossible_address_is_the_users_to_mend(tmp_path: Path, host: str, port: int) -> None:
    with pytest.raises(UserError, match=r"cannot listen|not a port"):
        serve(tmp_path, host, port)


def test_only_loopback_is_loopback() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.8.8.8", "::1"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "192.168.1.5", "example.org"))
    assert "no accounts" in PUBLIC.format(host="0.0.0.0")
