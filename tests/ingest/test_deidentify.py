"""What goes into the spool: the film as it was, bit for bit, and nobody's name."""

import io
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from ingest.inputs import Input
from ingest.problem import ProblemError
from ingest.raster import decode
from ingest.reader import ReaderSettings, read
from ingest.records import Reason, Study
from ingest.spool.bare import bare_jpeg, bare_png
from ingest.spool.pack import pack
from ingest.spool.records import Delivery, Door, Packed
from tests.ingest.films import KEY, SHARED, dataset, dicom_bytes, film, jpeg, png, small
from tests.ingest.opening import in_syntax

MARK = "ZQXWV"
SETTINGS = ReaderSettings(KEY, small)
DEEP = film().astype(np.uint16) * 16
# Every element that an attacker's or a hospital's object may carry somebody's name in.
PLANTED = {
    "PatientName": f"{MARK}^Anna",
    "PatientID": f"ID-{MARK}-77",
    "IssuerOfPatientID": f"{MARK} General",
    "OtherPatientIDs": f"{MARK}1",
    "PatientAddress": f"{MARK} street 1",
    "PatientBirthDate": "19531117",
    "InstitutionName": f"{MARK} General",
    "InstitutionAddress": MARK,
    "ReferringPhysicianName": f"{MARK}^Doctor",
    "OperatorsName": f"{MARK}^Operator",
    "StudyDescription": f"chest of {MARK}",
    "SeriesDescription": f"PA chest {MARK}",
    "ProtocolName": f"chest {MARK}",
    "AccessionNumber": f"{MARK}2",
    "StudyID": f"{MARK}3",
    "PatientComments": MARK,
    "ImageComments": MARK,
    "DeviceSerialNumber": f"{MARK}4",
    "StationName": f"{MARK}5",
    "StudyInstanceUID": "1.2.826.0.1.19531117.1",
    "SeriesInstanceUID": "1.2.826.0.1.19531117.2",
    "SOPInstanceUID": "1.2.826.0.1.19531117.3",
    "FrameOfReferenceUID": "1.2.826.0.1.19531117.4",
}


def planted(**more: object) -> Dataset:
    made = dataset(DEEP, BitsStored=12, HighBit=11, **{**PLANTED, **more})
    made.add_new((0x0009, 0x0010), "LO", f"{MARK} private")
    made.add_new((0x0009, 0x1001), "LO", f"{MARK} private value")
    table = Dataset()
    table.LUTDescriptor, table.LUTExplanation = [4096, 0, 16], f"table of {MARK}"
    table.add_new("LUTData", "OW", np.arange(0, 65536, 16, dtype="<u2").tobytes())
    made.VOILUTSequence = Sequence([table])
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    made.file_meta.SourceApplicationEntityTitle = f"{MARK}AE"
    return made


def packed(data: bytes, films: Path, **known: object) -> tuple[Packed, bytes]:
    films.mkdir(exist_ok=True)
    item = Input(Path(f"{MARK}.dcm"), f"{MARK}.dcm", "S", **known)  # type: ignore[arg-type]
    done = pack(Delivery(Door.DICOM, item, data), films, SETTINGS)
    return done, (films / done.payload).read_bytes() if done.payload else b""


def spooled(done: Packed, films: Path) -> Study:
    item = Input(films / str(done.payload), "", "S", facts=done.facts, entry_id=done.entry_id)
    outcome = read(item, SETTINGS)
    assert isinstance(outcome, Study)
    return outcome


def names_nobody(content: bytes | str) -> bool:
    raw = content.encode() if isinstance(content, str) else content
    wide = MARK.encode("utf-16-le")
    return MARK.encode() not in raw and wide not in raw and b"19531117" not in raw


@pytest.mark.parametrize(
    "syntax",
    [
        None,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        RLELossless,
        JPEGLSLossless,
        JPEG2000Lossless,
    ],
)
def test_a_dicom_film_loses_its_patient_and_nothing_else(
    tmp_path: Path, syntax: str | None
) -> None:
    data = in_syntax(planted(), syntax) if syntax else dicom_bytes(planted())
    data = bytes(MARK.encode()).ljust(128, b"\0") + data[128:]  # the preamble is free text
    done, payload = packed(data, tmp_path / "films")
    assert names_nobody(payload)
    assert names_nobody(repr(done) + done.facts.as_json())
    path = tmp_path / "straight.dcm"
    path.write_bytes(data)
    straight = read(Input(path, "", "S", received_at=done.facts.received_at), SETTINGS)
    assert isinstance(straight, Study)
    through = spooled(done, tmp_path / "films")
    assert replace(through, file_key="") == replace(straight, file_key="")
    assert through.pixels is not None
    assert np.array_equal(through.pixels, straight.pixels)


def test_what_is_left_says_that_its_patient_was_taken_out(tmp_path: Path) -> None:
    done, payload = packed(dicom_bytes(planted(PatientAge="094Y")), tmp_path / "films")
    left = pydicom.dcmread(io.BytesIO(payload))
    assert left.PatientIdentityRemoved == "YES"
    codes = [item.CodeValue for item in left.DeidentificationMethodCodeSequence]
    assert codes[0] == "113100"
    assert left.PatientID == done.facts.patient_key
    assert left.PatientAge == "090Y"
    assert left.SOPInstanceUID == f"2.25.{int(str(done.facts.study_id), 16)}"
    assert left.SOPInstanceUID == left.file_meta.MediaStorageSOPInstanceUID
    assert left.StudyInstanceUID.startswith("2.25.")
    assert len({left.SOPInstanceUID, left.StudyInstanceUID, left.SeriesInstanceUID}) == 3
    assert str(left.PatientName) == ""
    assert all(not element.tag.is_private for element in left.iterall())


def test_objects_of_one_exam_stay_together(tmp_path: Path) -> None:
    first, second = (
        pydicom.dcmread(io.BytesIO(packed(dicom_bytes(planted(SOPInstanceUID=uid)), tmp_path)[1]))
        for uid in ("1.2.3", "1.2.4")
    )
    assert first.StudyInstanceUID == second.StudyInstanceUID
    assert first.SOPInstanceUID != second.SOPInstanceUID


def test_the_same_id_of_another_issuer_is_another_patient(tmp_path: Path) -> None:
    keys = {
        packed(dicom_bytes(dataset(DEEP, PatientID="7", **more)), tmp_path)[0].facts.patient_key
        for more in ({}, {"IssuerOfPatientID": "A"}, {"IssuerOfPatientID": "B"})
    }
    assert len(keys) == 3


def test_a_film_that_is_ruled_out_leaves_no_payload(tmp_path: Path) -> None:
    done, payload = packed(dicom_bytes(planted(ViewPosition="LL")), tmp_path / "films")
    assert done.facts.problem is not None
    assert done.facts.problem.reason is Reason.LATERAL
    assert (done.payload, payload) == (None, b"")
    assert list((tmp_path / "films").iterdir()) == []


def test_the_same_bytes_of_a_site_are_the_same_entry(tmp_path: Path) -> None:
    data = dicom_bytes(planted())
    first, second = (packed(data, tmp_path)[0] for _ in range(2))
    assert first.entry_id == second.entry_id
    assert first.payload != second.payload
    assert packed(data + b"\0\0", tmp_path)[0].entry_id != first.entry_id


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/data")
def test_real_films_are_read_the_same_from_the_spool(tmp_path: Path) -> None:
    """Those that a direct reading accepts, and refused for the same reasons otherwise."""
    films = tmp_path / "films"
    films.mkdir()
    accepted = 0
    for path in sorted((SHARED / "dicom").iterdir()):
        item = Input(path, path.name, "S")
        straight = read(item, SETTINGS)
        done = pack(Delivery(Door.WATCH, item, path), films, SETTINGS)
        through = read(
            Input(films / (done.payload or "-"), "", "S", facts=done.facts, entry_id="e"), SETTINGS
        )
        if isinstance(straight, Study):
            accepted += 1
            assert through == replace(straight, received_at=done.facts.received_at), path.name
        else:
            assert not isinstance(through, Study), path.name
            assert through.reason == straight.reason, path.name
    assert accepted >= 10


def _exif(turn: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112], exif[0x010E], exif[0x013B] = turn, f"{MARK} description", f"{MARK} artist"
    return exif


def _films() -> dict[str, Image.Image]:
    gray = Image.fromarray(film())
    return {"L": gray, "RGB": gray.convert("RGB"), "CMYK": gray.convert("CMYK")}


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("turn", [1, 3, 6, 8])
def test_a_jpeg_is_bared_without_a_pixel_changing(mode: str, progressive: bool, turn: int) -> None:
    buffer = io.BytesIO()
    _films()[mode].save(
        buffer,
        "JPEG",
        quality=92,
        progressive=progressive,
        exif=_exif(turn),
        comment=f"{MARK} comment",
        icc_profile=MARK.encode() * 40,
        dpi=(72, 72),
    )
    data = buffer.getvalue() + f"PK trailing {MARK}".encode()
    bare = bare_jpeg(data)
    assert names_nobody(bare)
    assert np.array_equal(decode(bare, 10**8), decode(data, 10**8))


@pytest.mark.parametrize("turn", [1, 5])
def test_a_png_is_bared_without_a_pixel_changing(turn: int) -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Patient", MARK)
    notes.add_itxt("Description", MARK, zip=True)
    for image in (Image.fromarray(film()), Image.fromarray(DEEP), _films()["RGB"].quantize(16)):
        buffer = io.BytesIO()
        image.save(buffer, "PNG", pnginfo=notes, exif=_exif(turn), icc_profile=MARK.encode() * 9)
        data = buffer.getvalue() + MARK.encode()
        bare = bare_png(data)
        assert names_nobody(bare)
        assert b"iTXt" not in bare
        assert np.array_equal(decode(bare, 10**8), decode(data, 10**8))


@given(st.data())
def test_cut_or_damaged_images_are_bared_or_refused(data: st.DataObject) -> None:
    good, bare = data.draw(st.sampled_from([(jpeg(film()), bare_jpeg), (png(film()), bare_png)]))
    at = data.draw(st.integers(2, len(good) - 1))
    spoilt = data.draw(
        st.sampled_from([good[:at], good[:at] + b"\xff\xe1\xff\xff" + good[at:], good[at:]])
    )
    with suppress(ProblemError):
        assert len(bare(spoilt)) <= len(spoilt) + 20


@pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared/data")
def test_real_jpegs_keep_every_pixel() -> None:
    for path in sorted((SHARED / "incoming" / "images").iterdir())[:12]:
        data = path.read_bytes()
        assert np.array_equal(decode(bare_jpeg(data), 10**8), decode(data, 10**8)), path.name
