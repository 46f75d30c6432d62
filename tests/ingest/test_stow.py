"""The DICOMweb door, by raw sockets and by clients that others wrote."""

import gc
import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dicomweb_client import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass
from pydicom import dcmread
from requests.exceptions import HTTPError

from ingest.records import Reason
from tests.ingest.films import dataset, dicom_bytes, film, png
from tests.ingest.stow_door import CR, TYPE, Door, instance, message, opened

ORTHANC, DICOMWEB_PLUGIN = (
    shutil.which("Orthanc"),
    "/usr/share/orthanc/plugins/libOrthancDicomWeb.so",
)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with opened(tmp_path) as one:
        yield one


def reasons(door: Door) -> dict[str | None, int]:
    """Reason, known at the door → how many entries of the spool."""
    found: dict[str | None, int] = {}
    for entry in door.spool.take():
        reason = entry.facts.problem.reason.value if entry.facts.problem else None
        found[reason] = found.get(reason, 0) + 1
    return found


def raw(door: Door, *pieces: bytes, pause: float = 0.0, patience: float = 20.0) -> bytes:
    """What a server answers to bytes on a socket until it closes, or is silent for so long."""
    with socket.create_connection(("127.0.0.1", door.server.port), timeout=10) as client:
        for piece in pieces:
            client.sendall(piece)
            time.sleep(pause)
        client.settimeout(patience)
        received = b""
        try:
            while more := client.recv(65536):
                received += more
        except TimeoutError:
            pass
        return received


def head(door: Door, *lines: str, path: str = "/studies") -> bytes:
    given = [f"POST {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {door.token}", *lines]
    return "\r\n".join([*given, f"Content-Type: {TYPE}", "", ""]).encode()


def test_all_stored_is_200_and_durable(door: Door) -> None:
    reply = door.send(message(instance(1), instance(2)))
    assert (reply.status, reply.stored(), reply.failed()) == (200, ["1.2.3.1", "1.2.3.2"], [])
    assert reply.headers["Content-Type"] == "application/dicom+json"
    first = reply.module["00081199"]["Value"][0]
    assert first["00081150"] == {"vr": "UI", "Value": [CR]}
    entries = door.spool.take()
    assert [entry.facts.site_id for entry in entries] == ["A", "A"]
    assert all(entry.payload and entry.payload.exists() for entry in entries)


def test_some_stored_is_202_and_each_instance_has_its_result(door: Door) -> None:
    damaged = instance(3)[:300]
    reply = door.send(message(instance(1), b"no DICOM", damaged, instance(2)))
    assert (reply.status, reply.stored()) == (202, ["1.2.3.1", "1.2.3.2"])
    assert reply.failed() == [("", 0xC000), ("1.2.3.3", 0xC000)]
    assert reasons(door) == {None: 2, Reason.NOT_AN_IMAGE: 1, Reason.TRUNCATED: 1}


def test_none_stored_is_409(door: Door) -> None:
    assert door.send(message(b"no DICOM")).status == 409
    ct = dataset(film(), SOPClassUID="1.2.840.10008.5.1.4.1.1.2", Modality="CT")
    reply = door.send(message(dicom_bytes(ct)))
    assert (reply.status, reply.failed()) == (409, [("1.2.3.4", 0x0122)])
    assert reasons(door) == {Reason.NOT_AN_IMAGE: 1, Reason.NOT_AN_XRAY: 1}


def test_what_cannot_be_counted_was_received_all_the_same(door: Door) -> None:
    """A sender that is told of a failure sends a whole study again, for ever."""
    assert door.send(message(instance(1, ViewPosition="LL"))).status == 200
    assert reasons(door) == {Reason.LATERAL: 1}


def test_an_instance_of_another_study_is_not_taken(door: Door) -> None:
    body = message(instance(1), instance(2, study="1.9"))
    reply = door.send(body, path="/dicomweb/studies/1.2.3/")
    assert (reply.status, reply.stored()) == (202, ["1.2.3.1"])
    assert reply.failed() == [("1.2.3.2", 0xA901)]
    assert door.spool.counts()["deliveries"] == 1
    assert door.send(message(instance(2)), path="/studies/1.9").status == 409
    assert door.send(message(instance(2)), path="/studies/1.2.3;DROP").status == 400


def test_the_same_again_is_one_entry(door: Door) -> None:
    for _ in range(3):
        assert door.send(message(instance(1))).status == 200
    assert door.spool.counts() == {"waiting": 1, "deliveries": 3}


def test_a_picture_that_is_no_dicom_object_is_not_taken_for_one(door: Door) -> None:
    reply = door.send(message(png(film())))
    assert (reply.status, reply.failed()) == (409, [("", 0xC000)])
    assert reasons(door) == {Reason.NOT_AN_IMAGE: 1}
    other = door.send(message(instance(1), kind="image/jpeg"))
    assert (other.status, other.failed()) == (409, [("1.2.3.1", 0xC000)])


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"path": "/"}, 404),
        ({"path": "/studies/1.2/series"}, 404),
        ({"path": "/studies/../spool"}, 404),
        ({"method": "GET"}, 405),
        ({"method": "PUT", "path": "/studies/1.2"}, 405),
        ({"token": "wrong"}, 401),
        ({"Authorization": "Basic eDp5"}, 401),
        ({"Authorization": ""}, 401),
        ({"Accept": "application/dicom+xml"}, 406),
        ({"Content_Type": "application/dicom"}, 415),
        ({"Content_Type": 'multipart/related; type="application/dicom+json"; boundary=XX'}, 415),
        ({"Content_Type": "multipart/form-data; boundary=XX"}, 415),
        ({"Content_Encoding": "gzip"}, 415),
        ({"Content_Type": 'multipart/related; type="application/dicom"'}, 400),
        ({"Content_Type": 'multipart/related; type="application/dicom'}, 400),
        ({"Content_Type": TYPE.replace("XX", "YY")}, 400),
        ({"Content_Type": "multipart/related; boundary=XX; type=application/dicom"}, 200),
        ({"Accept": "text/html, application/dicom+json;q=0.5"}, 200),
        ({"Authorization": "bearer  {token}"}, 200),
    ],
)
def test_statuses(door: Door, changed: dict[str, str], status: int) -> None:
    if "Authorization" in changed:
        changed = changed | {"Authorization": changed["Authorization"].format(token=door.token)}
    reply = door.send(message(instance(1)), **changed)  # type: ignore[arg-type]
    assert reply.status == status, reply.body
    assert door.spool.counts()["deliveries"] == (status == 200)
    if status == 401:
        assert reply.headers["Www-Authenticate"].startswith('Bearer realm="PneumoWatch"')
    if status == 405:
        assert reply.headers["Allow"] == "POST"


def test_a_revoked_token_and_a_site_that_is_gone(door: Door) -> None:
    kept, secret = door.tokens.add("B")
    body = message(instance(1))
    assert door.send(body, token=secret).status == 200
    door.tokens.revoke(kept.id)
    assert door.send(body, token=secret).status == 401
    _, astray = door.tokens.add("NOWHERE")
    reply = door.send(body, token=astray)
    assert reply.status == 403
    assert b"not loaded" in reply.body
    door.tokens.path.chmod(0o644)
    assert door.send(body).status == 503
    assert door.spool.counts()["deliveries"] == 1


def test_without_a_token_nothing_is_kept_of_a_body(tmp_path: Path) -> None:
    with opened(tmp_path, stow_max_bytes=64 * 2**20) as door:
        before = _resident()
        reply = door.send(bytes(60 * 2**20), token="wrong")
        assert reply.status == 401  # and not a connection that breaks while it sends
        gc.collect()
        assert _resident() - before < 30 * 2**20


def test_a_request_that_is_too_large(tmp_path: Path) -> None:
    with opened(tmp_path, stow_max_bytes=100_000) as door:
        reply = door.send(bytes(100_001))
        assert (reply.status, b"stow_max_bytes" in reply.body) == (413, True)
        absurd = raw(door, head(door, "Content-Length: 99999999999999", "Expect: 100-continue"))
        assert absurd.startswith(b"HTTP/1.1 413")
        chunks = b"%x\r\n%b\r\n" % (60_000, bytes(60_000))
        received = raw(door, head(door, "Transfer-Encoding: chunked"), chunks, chunks)
        assert received.startswith(b"HTTP/1.1 413")
        assert door.spool.counts()["deliveries"] == 0


def test_an_instance_that_is_too_large_is_refused_and_recorded(tmp_path: Path) -> None:
    with opened(tmp_path, max_bytes=30_000) as door:
        large = dicom_bytes(dataset(np.zeros((200, 200), np.uint8)))
        reply = door.send(message(large, instance(1)))
        assert (reply.status, reply.failed()) == (202, [("1.2.3.4", 0xC000)])
        assert reasons(door) == {None: 1, Reason.PIXEL_BOMB: 1}


def test_chunks_and_100_continue(door: Door) -> None:
    body = message(instance(1))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in (body[:9], body[9:])) + b"0\r\n\r\n"
    received = raw(door, head(door, "Transfer-Encoding: chunked", "Connection: close"), chunks)
    assert received.startswith(b"HTTP/1.1 200")
    lines = (f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close")
    received = raw(door, head(door, *lines), body, pause=0.2)
    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")
    lines = ("Content-Length: 100", "Expect: 100-continue", "Authorization: Bearer wrong")
    assert raw(door, head(door, *lines)).startswith(b"HTTP/1.1 401")  # before it sends its body
    assert raw(door, head(door)).startswith(b"HTTP/1.1 411")


def test_a_body_after_a_refusal_is_not_taken_for_a_request(door: Door) -> None:
    inner = head(door, f"Content-Length: {len(message(instance(1)))}") + message(instance(1))
    lines = (f"Content-Length: {len(inner)}", "Authorization: Bearer wrong")
    received = raw(door, head(door, *lines) + inner)
    assert received.count(b"HTTP/1.1") == 1
    assert door.spool.counts()["deliveries"] == 0


def test_a_sender_that_stalls_is_cut_off(tmp_path: Path) -> None:
    with opened(tmp_path, idle_seconds=1.0) as door:
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", door.server.port), timeout=20) as client:
            client.sendall(b"POST /studies HTTP/1.1\r\n")
            while time.monotonic() - begun < 15:  # a byte a time, so that it is never idle
                try:
                    client.sendall(b"X")
                    client.settimeout(0.3)
                    if client.recv(1) == b"":
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
        assert time.monotonic() - begun < 10
        assert door.send(message(instance(1))).status == 200


def test_bodies_together_are_bounded(tmp_path: Path) -> None:
    """Two requests of the largest size may be under way; a third one is asked to come later."""
    with opened(tmp_path, stow_max_bytes=100_000) as door:
        begun = [
            socket.create_connection(("127.0.0.1", door.server.port), timeout=10) for _ in range(2)
        ]
        for client in begun:
            client.sendall(head(door, "Content-Length: 90000") + bytes(10))
        time.sleep(0.3)
        reply = door.send(message(instance(1)))
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
        begun[0].close()
        time.sleep(0.3)
        assert door.send(message(instance(1))).status == 200
        begun[1].close()


def test_no_room_is_503_and_recovers_by_itself(tmp_path: Path) -> None:
    with opened(tmp_path, reserve=2**60) as door:
        reply = door.send(message(instance(1)))
        assert (reply.status, reply.headers["Retry-After"]) == (503, "60")
        assert not list((door.spool.folder / "films").glob("*/*"))
        door.spool.reserve = 0
        assert door.send(message(instance(1))).status == 200


def test_nothing_of_a_request_reaches_a_log_or_a_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    aside = tmp_path / "temporary"
    aside.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(aside))
    opened_files: list[str] = []
    monkeypatch.setattr(
        "waitress.buffers.TempfileBasedBuffer.__init__",
        lambda *_: opened_files.append("a temporary file"),
    )
    with opened(tmp_path) as door:
        planted = instance(1, study="1.2.77777", PatientName="Planted^Name", PatientID="PLANTED")
        assert door.send(message(planted), path="/studies/1.2.77777").status == 200
        raw(
            door,
            head(door, "Content-Length: 90000", path="/studies/1.2.77777"),
            bytes(10),
            patience=1,
        )
    assert opened_files == []
    said = "".join(capfd.readouterr())
    assert "77777" not in said
    for path in (one for one in tmp_path.rglob("*") if one.is_file()):
        data = path.read_bytes()
        assert b"Planted" not in data, path
        assert b"PLANTED" not in data, path
        assert b"77777" not in data, path


def test_requests_at_once(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    statuses: list[int] = []

    def sender(first: int) -> None:
        statuses.extend(door.send(message(instance(first + n))).status for n in range(5))

    threads = [threading.Thread(target=sender, args=(100 * n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == 30 * [200]
    assert caplog.records == []
    assert door.spool.counts() == {"waiting": 30, "deliveries": 30}


def client_of(door: Door, token: str = "") -> DICOMwebClient:
    session = create_session_from_user_pass("", "")
    session.auth = None
    session.headers["Authorization"] = f"Bearer {token or door.token}"
    return DICOMwebClient(f"http://127.0.0.1:{door.server.port}/dicomweb", session=session)


def test_dicomweb_client_stores_instances(door: Door, tmp_path: Path) -> None:
    films = []
    for number in range(3):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(instance(number))
        films.append(dcmread(path))
    said = client_of(door).store_instances(films)
    stored = [item.ReferencedSOPInstanceUID for item in said.ReferencedSOPSequence]
    assert stored == ["1.2.3.0", "1.2.3.1", "1.2.3.2"]
    said = client_of(door).store_instances(films[:1], study_instance_uid="1.2.3")
    assert len(said.ReferencedSOPSequence) == 1
    with pytest.raises(HTTPError, match="409"):
        client_of(door).store_instances(films, study_instance_uid="1.2.4")
    with pytest.raises(HTTPError, match="401"):
        client_of(door, "wrong").store_instances(films)
    assert door.spool.counts()["waiting"] == 3


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl (Debian package curl)")
def test_curl_sends_what_it_waited_to_send(tmp_path: Path) -> None:
    """Over a megabyte, curl asks by Expect: 100-continue before it sends."""
    (tmp_path / "large").mkdir()
    with opened(tmp_path / "large", stow_max_bytes=8 * 2**20, max_bytes=8 * 2**20) as door:
        large = dicom_bytes(dataset(np.tile(film(), (12, 10))))
        (tmp_path / "body").write_bytes(message(large))
        for token, status in ((door.token, "200"), ("wrong", "401")):
            ran = subprocess.run(
                [
                    *("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}"),
                    *("-H", f"Content-Type: {TYPE}", "-H", f"Authorization: Bearer {token}"),
                    *("--data-binary", f"@{tmp_path / 'body'}"),
                    f"http://127.0.0.1:{door.server.port}/studies",
                ],
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert (ran.returncode, ran.stdout) == (0, status)


@pytest.mark.skipif(
    ORTHANC is None or not Path(DICOMWEB_PLUGIN).exists(),
    reason="needs Orthanc with its DICOMweb plugin (Debian packages orthanc, orthanc-dicomweb)",
)
def test_orthanc_sends_by_stow_rs(door: Door, tmp_path: Path) -> None:
    with _orthanc(door, tmp_path) as call:
        sent = [call("/instances", instance(number))["ID"] for number in range(4)]
        order = {"Resources": sent, "Synchronous": True}
        done = call("/dicom-web/servers/pneumowatch/stow", json.dumps(order).encode())
        assert int(done["InstancesCount"]) == 4
        assert door.spool.counts() == {"waiting": 4, "deliveries": 4}
        door.tokens.revoke(door.tokens.all()[0].id)
        with pytest.raises(urllib.error.HTTPError):
            call("/dicom-web/servers/pneumowatch/stow", json.dumps(order).encode())


class _orthanc:  # noqa: N801  a context manager, as a test reads it
    def __init__(self, door: Door, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        server = {
            "Url": f"http://127.0.0.1:{door.server.port}/dicomweb/",
            "HttpHeaders": {"Authorization": f"Bearer {door.token}"},
        }
        settings = {
            "HttpPort": self._port,
            "AuthenticationEnabled": False,
            "DicomServerEnabled": False,
            "StorageDirectory": str(folder / "orthanc"),
            "IndexDirectory": str(folder / "orthanc"),
            "Plugins": [DICOMWEB_PLUGIN],
            "DicomWeb": {"Enable": True, "Servers": {"pneumowatch": server}},
        }
        self._file = folder / "orthanc.json"
        self._file.write_text(json.dumps(settings))

    def __enter__(self):  # type: ignore[no-untyped-def]
        self._process = subprocess.Popen(
            [str(ORTHANC), str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(150):
            time.sleep(0.2)
            try:
                self.call("/system")
                return self.call
            except OSError:
                continue
        self.__exit__()
        raise AssertionError("Orthanc did not start")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def call(self, path: str, body: bytes | None = None) -> dict[str, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", body)
        with urllib.request.urlopen(request, timeout=60) as reply:
            found: dict[str, str] = json.load(reply)
            return found


def _resident() -> int:
    """Bytes of this process in memory."""
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
