import struct
import zlib
from pathlib import Path

import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
)

from ingest.inputs import Input
from ingest.reader import read
from ingest.records import Reason, Rejection
from tests.ingest.films import dataset, dicom_bytes
from tests.ingest.opening import DEEP, FILM, SETTINGS, in_syntax, read_bytes, reason


def test_a_frame_that_declares_more_than_its_header_is_not_decoded() -> None:
    made = dataset(DEEP)
    made.compress(JPEG2000Lossless, generate_instance_uid=False)
    size_at = made.PixelData.index(b"\xff\x4f\xff\x51") + 8
    huge = (
        made.PixelData[:size_at]
        + struct.pack(">2I", 60_000, 60_000)
        + made.PixelData[size_at + 8 :]
    )
    made.PixelData = huge
    assert reason(made) is Reason.UNREADABLE


def test_a_deflated_bomb_is_not_inflated() -> None:
    data = in_syntax(dataset(FILM), DeflatedExplicitVRLittleEndian)
    start = data.index(b"1.2.840.10008.1.2.1.99") + 22
    bomb = zlib.compressobj(9, wbits=-15)
    packed = b"".join(bomb.compress(bytes(2**20)) for _ in range(90)) + bomb.flush()
    rest = data[start:].find(b"\x02\0")  # elements of the meta header that follow
    head = data[:start] if rest < 0 or rest > 300 else data[: start + rest]
    assert reason(head + packed) is Reason.PIXEL_BOMB


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    open_sequence = b"\x40\0\x75\x02SQ\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\xff\xff\xff\xff"
    nested = dicom_bytes(dataset(FILM))[:400] + open_sequence * 5000
    outcome = read_bytes(tmp_path, nested)
    assert isinstance(outcome, Rejection)


def test_no_planted_identity_leaves(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    planted = {
        "PatientName": "ZQXWV^Planted",
        "PatientID": "ID-ZQXWV-77",
        "OtherPatientNames": "ZQXWV",
        "InstitutionName": "ZQXWV General",
        "StudyDescription": "chest of ZQXWV",
        "AccessionNumber": "ZQXWV1",
        "PatientComments": "ZQXWV",
        "PatientBirthDate": "19531117",
        "SOPInstanceUID": "1.2.826.0.1.19531117",
    }
    good = dicom_bytes(dataset(FILM, **planted))
    files = [
        good,
        good[:-500],
        dicom_bytes(dataset(FILM, **planted, Modality="ZQXWV")),
        dicom_bytes(dataset(FILM, **{**planted, "BodyPartExamined": "ZQXWV"})),
        dicom_bytes(dataset(FILM, **planted, ViewPosition="LL")),
    ]
    for data in files:
        (tmp_path / "ZQXWV.dcm").write_bytes(data)
        outcome = read(Input(tmp_path / "ZQXWV.dcm", "ZQXWV.dcm", "S"), SETTINGS)
        shown = repr(outcome) + "".join(capfd.readouterr())
        assert "zqxwv" not in shown.lower()
        assert "19531117" not in shown
