"""Files that are hostile by what they are or are called, whatever they hold."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.ingest.corpus import PLANTED, deep
from tests.ingest.films import dicom_bytes

Put = Callable[[Path], None]


def cases() -> Iterator[tuple[str, Put, str]]:
    """Name, what puts it into a folder, expected outcomes."""
    yield "a pipe", lambda folder: os.mkfifo(folder / "x.dcm"), "unreadable"
    yield "a socket", _socket, "unreadable"
    yield (
        "a link to a device",
        lambda folder: (folder / "x.dcm").symlink_to("/dev/zero"),
        "unreadable",
    )
    yield (
        "a link that leads out",
        lambda folder: (folder / "x.dcm").symlink_to("/etc/passwd"),
        "unreadable",
    )
    yield "a link to nothing", lambda folder: (folder / "x.dcm").symlink_to("gone"), "unreadable"
    yield "a link to itself", lambda folder: (folder / "x.dcm").symlink_to("x.dcm"), "unreadable"
    yield "a link to the folder above", _link_above, "accepted"
    yield "a folder called x.dcm", _folder, "accepted"
    yield "a hundred folders deep", _deep, "accepted"
    yield "a file that grows", _growing, "accepted truncated"
    yield "a sparse file of 600 MB", _sparse, "pixel_bomb"
    for name, odd in _NAMES.items():
        yield f"a name with {name}", lambda folder, n=odd: _film(folder, n), "accepted"


_NAMES = {
    "a newline": b"ZQXWV\nwarning: all is well.dcm",
    "an ANSI escape": b"ZQXWV\x1b[2J\x1b[31m.dcm",
    "bytes that are not UTF-8": b"ZQXWV\xff\xfe\xe9.dcm",
    "a leading dash": b"--help.dcm",
    "255 bytes": b"Z" * 251 + b".dcm",
    "quotes and a semicolon": b"'; DROP TABLE studies; --.dcm",
    "a dollar": b"$(reboot)`reboot`.dcm",
    "a tab and a null's picture": b"a\tb\\0.dcm",
    "a space at its end": b"film.dcm ",
    "markup": b"<img src=x onerror=alert(1)>.dcm".replace(b"/", b""),
    "dots alone": b"...dcm".replace(b"...", b"x.."),
    "no extension": b"film",
    "the extension of a text": b"film.txt",
}


def _film(folder: Path, name: bytes) -> None:
    with open(os.fsencode(folder) + b"/" + name, "wb") as file:  # noqa: PTH123  bytes, not text
        file.write(dicom_bytes(deep()))


def _socket(folder: Path) -> None:
    """Bound from within the folder: a socket's path must be short."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("x.dcm")
    finally:
        os.chdir(before)


def _link_above(folder: Path) -> None:
    """Not entered, so that there is one film and no endless walk."""
    (folder / "round").symlink_to(folder)
    _film(folder, b"x.dcm")


def _folder(folder: Path) -> None:
    (folder / "x.dcm").mkdir()
    _film(folder / "x.dcm", b"y.dcm")


def _deep(folder: Path) -> None:
    for _ in range(100):
        folder = folder / "d"
    folder.mkdir(parents=True)
    _film(folder, b"x.dcm")


def _growing(folder: Path) -> None:
    data = dicom_bytes(deep())
    path = folder / f"{PLANTED}.dcm"
    path.write_bytes(data[:5000])

    def grow() -> None:
        for at in range(5000, len(data), 500):
            time.sleep(0.02)
            if not path.exists():
                return
            with path.open("ab") as file:
                file.write(data[at : at + 500])

    threading.Thread(target=grow, daemon=True).start()


def _sparse(folder: Path) -> None:
    with (folder / "x.dcm").open("wb") as file:
        file.write(dicom_bytes(deep()))
        file.truncate(600 * 2**20)
