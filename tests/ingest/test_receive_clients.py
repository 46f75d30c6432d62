"""The DICOM door before the senders that hospitals have: dcmtk's tools and Orthanc."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread

from ingest.doors.settings import Peer
from ingest.spool.records import Outcome
from tests.ingest.dicom_door import CR, ROOT, Door, associated, instance, open_door, program, ran
from tests.ingest.films import dicom_bytes, film

DEEP = film().astype(np.uint16) * 16
# storescu's flag, and what makes a file in the syntax that it names
SYNTAXES = {
    "-xs": ("dcmcjpeg", "+e1"),  # JPEG lossless .70
    "-xy": ("dcmcjpeg", "+eb"),  # JPEG baseline
    "-xx": ("dcmcjpeg", "+ee"),  # JPEG extended
    "-xt": ("dcmcjpls", "+el"),  # JPEG-LS lossless
    "-xu": ("dcmcjpls", "+en"),  # JPEG-LS near-lossless
    "-xr": ("dcmcrle",),
    "-xd": ("dcmconv", "+td"),  # deflated
    "-xb": ("dcmconv", "+tb"),  # big endian
    "-xi": ("dcmconv", "+ti"),  # implicit
}
JPEG2000 = {"-xv": "tsx_fuji_j2k_lossless.dcm", "-xw": "cxr_wg04_rg1_mono1_j2k.dcm"}
ORTHANC_SECONDS = 30.0


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with open_door(tmp_path_factory.mktemp("door")) as made:
        yield made


def call(door: Door, calling: str = "MOD") -> list[str]:
    """The words that every dcmtk tool takes."""
    return ["-aet", calling, "-aec", "CXRSCP", "127.0.0.1", str(door.port)]


def written(folder: Path, number: int, name: str = "film.dcm", **elements: object) -> Path:
    path = folder / name
    path.write_bytes(dicom_bytes(instance(number, **elements)))
    return path


def test_echoscu(door: Door) -> None:
    assert ran("echoscu", *call(door)).returncode == 0
    refused = ran("echoscu", *call(door, "STRANGER"))
    assert refused.returncode != 0
    assert "Calling AE Title Not Recognized" in refused.stdout


@pytest.mark.parametrize("flag", SYNTAXES)
def test_storescu_in_each_syntax(door: Door, tmp_path: Path, flag: str) -> None:
    number = 100 + list(SYNTAXES).index(flag)
    pixels = DEEP if flag in ("-xs", "-xt", "-xx") else film()
    made = instance(number)
    made.PixelData, made.BitsAllocated = pixels.tobytes(), pixels.dtype.itemsize * 8
    made.BitsStored = 12 if flag in ("-xs", "-xt", "-xx") else 8
    made.HighBit = made.BitsStored - 1
    made["PixelData"].VR = "OB" if made.BitsAllocated == 8 else "OW"
    plain, file = tmp_path / "plain.dcm", tmp_path / "film.dcm"
    plain.write_bytes(dicom_bytes(made))
    tool, *options = SYNTAXES[flag]
    converted = ran(tool, *options, plain, file)
    assert converted.returncode == 0, converted.stdout
    sent(door, flag, file)


@pytest.mark.parametrize("flag", JPEG2000)
def test_storescu_with_jpeg_2000(door: Door, shared_data: Path, flag: str) -> None:
    sent(door, flag, shared_data / "dicom" / JPEG2000[flag])


def sent(door: Door, flag: str, file: Path) -> None:
    """The payload has the very pixel data of the file, in the file's own syntax."""
    answer = ran("storescu", "-v", flag, *call(door), file)
    assert answer.returncode == 0, answer.stdout
    assert "Received Store Response (Success)" in answer.stdout
    original = dcmread(file)
    entry = door.entry(original.SOPInstanceUID)
    assert entry is not None
    assert entry.payload is not None, entry.facts.problem
    kept = dcmread(entry.payload)
    assert kept.PixelData == original.PixelData
    if flag not in ("-xd",):  # inflated on the way: its pixels are the same
        assert kept.file_meta.TransferSyntaxUID == original.file_meta.TransferSyntaxUID


def test_storescu_is_told_what_was_refused(door: Door, tmp_path: Path) -> None:
    refused = ran("storescu", "-v", *call(door, "ELSEWHERE"), written(tmp_path, 120))
    assert refused.returncode != 0
    assert "0x124" in refused.stdout


def test_dcmsend_sends_a_folder_of_several_syntaxes_at_once(door: Door, tmp_path: Path) -> None:
    for number in range(130, 134):
        written(tmp_path, number, f"{number}.dcm")
    made = ran("dcmconv", "+ti", tmp_path / "130.dcm", tmp_path / "130.dcm")
    assert made.returncode == 0, made.stdout
    answer = ran("dcmsend", "-v", *call(door), "+sd", tmp_path)
    assert answer.returncode == 0, answer.stdout
    assert all(door.entry(f"{ROOT}{number}") for number in range(130, 134))


def test_a_folder_that_cannot_be_written_refuses_until_it_can(tmp_path: Path) -> None:
    """A file system of its own that is full, then read-only, then neither."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        with open_door(disk) as small:
            ballast = disk / "ballast"
            _refused_then_taken(small, tmp_path, 140, lambda: _fill(ballast), ballast.unlink)
            _refused_then_taken(
                small, tmp_path, 143, lambda: _cover(disk), lambda: _mount("umount", disk)
            )
    finally:
        _mount("umount", "-l", disk)


def _refused_then_taken(door: Door, folder: Path, number: int, spoil: Any, mend: Any) -> None:
    def send(one: int) -> "subprocess.CompletedProcess[str]":
        return ran("storescu", "-v", *call(door), written(folder, one))

    assert send(number).returncode == 0
    spoil()
    refused = send(number + 1)
    assert refused.returncode != 0
    assert "OutOfResources" in refused.stdout, refused.stdout
    mend()
    assert send(number + 1).returncode == 0
    assert ran("echoscu", *call(door)).returncode == 0


def _fill(path: Path) -> None:
    try:
        with path.open("wb") as file:
            while True:
                file.write(bytes(4096))
                file.flush()
    except OSError:
        return


def _cover(disk: Path) -> None:
    """The same files again over themselves, read-only."""
    _mount("mount", "--bind", disk, disk)
    _mount("mount", "-o", "remount,ro,bind", disk)


def _mount(*words: str | Path) -> None:
    subprocess.run(list(map(str, words)), check=True)


@dataclass
class Orthanc:
    """A running Orthanc."""

    url: str

    def ask(self, path: str, body: bytes | dict[str, Any] | None = None) -> Any:
        """What it answers, decoded from JSON."""
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(f"{self.url}{path}", data)
        request.add_header("Content-Type", "application/octet-stream")
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def orthanc(folder: Path, dicom_port: int, door: Door) -> Iterator[Orthanc]:
    """Orthanc with our door among its modalities; its storage and index under `folder`."""
    http = free_port()
    ours = {"AET": "CXRSCP", "Host": "127.0.0.1", "Port": door.port}
    configuration = {
        "Name": "test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [],
        "HttpPort": http,
        "DicomPort": dicom_port,
        "DicomAet": "ORTHANC",
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomModalities": {"ours": ours | {"AllowStorageCommitment": True}},
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    process = subprocess.Popen(
        [program("Orthanc"), str(folder / "orthanc.json")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    made = Orthanc(f"http://127.0.0.1:{http}")
    try:
        _wait_for(lambda: bool(made.ask("/system")))
        yield made
    finally:
        process.terminate()
        process.wait()


def _wait_for(holds: Any, seconds: float = ORTHANC_SECONDS) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.1)


def test_orthanc_sends_and_asks_for_storage_commitment(tmp_path: Path) -> None:
    program("Orthanc")
    port = free_port()
    peers = (Peer("ORTHANC", "A", "127.0.0.1", port),)
    with open_door(tmp_path / "ours", peers) as door, orthanc(tmp_path, port, door) as sender:
        for number in (160, 161):
            sender.ask("/instances", dicom_bytes(instance(number)))
        everything = sender.ask("/instances")
        assert len(everything) == 2
        job = {"Resources": everything, "Synchronous": False, "StorageCommitment": True}
        begun = sender.ask("/modalities/ours/store", job)
        _wait_for(lambda: sender.ask(f"/jobs/{begun['ID']}")["State"] == "Success")
        content = sender.ask(f"/jobs/{begun['ID']}")["Content"]
        transaction = content["StorageCommitmentTransactionUID"]
        report = f"/storage-commitment/{transaction}"
        _wait_for(lambda: sender.ask(report)["Status"] == "Success")
        named = {one["SOPInstanceUID"] for one in sender.ask(report)["Success"]}
        assert named == {f"{ROOT}160", f"{ROOT}161"}
        assert door.tally.received == 2

        door.settle(f"{ROOT}161", Outcome.REJECTED)
        unknown = {"SOPClassUID": instance(1).SOPClassUID, "SOPInstanceUID": f"{ROOT}999"}
        refused = unknown | {"SOPInstanceUID": f"{ROOT}161"}
        asked = sender.ask(
            "/modalities/ours/storage-commitment", {"DicomInstances": [unknown, refused]}
        )
        report = f"/storage-commitment/{asked['ID']}"
        _wait_for(lambda: sender.ask(report)["Status"] == "Failure")
        failures = {
            one["SOPInstanceUID"]: one["FailureReason"] for one in sender.ask(report)["Failures"]
        }
        assert failures == {f"{ROOT}999": 0x0112, f"{ROOT}161": 0x0110}


def test_htj2k_is_negotiated_and_kept(door: Door) -> None:
    """dcmtk 3.6.7 has no flag for it; a sender that offers it alone is accepted."""
    for last in ("201", "202", "203"):
        with associated(door, (CR, [f"1.2.840.10008.1.2.4.{last}"])) as assoc:
            assert assoc.accepted_contexts[0].transfer_syntax == [f"1.2.840.10008.1.2.4.{last}"]
