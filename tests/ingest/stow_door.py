"""A STOW-RS door over a real spool, as its tests share it. No worker drains it."""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.discover import site_problem
from ingest.doors.settings import ReceiveSettings
from ingest.doors.stow import StowServer
from ingest.doors.tokens import Tokens
from ingest.inputs import Input
from ingest.reader import ReaderSettings
from ingest.spool.porters import Porters
from ingest.spool.spool import Spool
from tests.ingest.films import KEY, dataset, dicom_bytes, film, small

TYPE = 'multipart/related; type="application/dicom"; boundary=XX'
CR = "1.2.840.10008.5.1.4.1.1.1"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def module(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    def stored(self) -> list[str]:
        """SOP instances that were."""
        return [_uid(one) for one in self.module.get("00081199", {"Value": []})["Value"]]

    def failed(self) -> list[tuple[str, int]]:
        """SOP instances that were not, and the failure reason of each."""
        items = self.module.get("00081198", {"Value": []})["Value"]
        return [(_uid(one), one["00081197"]["Value"][0]) for one in items]


def _uid(item: dict[str, Any]) -> str:
    return str(item["00081155"].get("Value", [""])[0])


@dataclass
class Door:
    """A server that runs, a token for site A, and its spool."""

    server: StowServer
    spool: Spool
    tokens: Tokens
    token: str

    def send(
        self,
        body: bytes,
        path: str = "/studies",
        method: str = "POST",
        token: str | None = None,
        **headers: str,
    ) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Content-Type": TYPE, "Authorization": f"Bearer {token or self.token}"} | named
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            connection.request(method, path, body, {k: v for k, v in sent.items() if v})
            reply = connection.getresponse()
            return Reply(reply.status, dict(reply.headers), reply.read())
        finally:
            connection.close()


def place(site_id: str, path: Path) -> Input:
    return Input(path, path.name, site_id, problem=site_problem(site_id, {"A", "B"}))


@contextmanager
def opened(folder: Path, reserve: int = 0, **settings: Any) -> Iterator[Door]:
    values = {"host": "127.0.0.1", "stow_port": 0, "stow_max_bytes": 2**20} | settings
    limit = values.pop("max_bytes", 2**20)
    spool, tokens = Spool(folder / "spool", reserve), Tokens(folder / "stow-tokens.json")
    _, token = tokens.add("A")
    reader = ReaderSettings(KEY, small, max_bytes=limit)
    with Porters(spool, reader, count=2) as porters:
        server = StowServer(ReceiveSettings(**values), limit, place, porters, tokens)
        server.start()
        try:
            yield Door(server, spool, tokens, token)
        finally:
            server.stop()
            spool.close()


def instance(number: int, study: str = "1.2.3", **elements: object) -> bytes:
    """A film of its own SOP instance, 1.2.3.NUMBER."""
    uid = f"1.2.3.{number}"
    ids = {"PatientID": "P1", "StudyInstanceUID": study, "SeriesInstanceUID": f"{study}.1"}
    made = dataset(film(seed=number), SOPInstanceUID=uid, **ids | elements)
    made.file_meta.MediaStorageSOPInstanceUID = uid
    return dicom_bytes(made)


def message(*contents: bytes, boundary: str = "XX", kind: str = "application/dicom") -> bytes:
    """A multipart/related body."""
    mark = f"--{boundary}".encode()
    parts = [mark + f"\r\nContent-Type: {kind}\r\n\r\n".encode() + one for one in contents]
    return b"\r\n".join([*parts, mark + b"--\r\n"])
