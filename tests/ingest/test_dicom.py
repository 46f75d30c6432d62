import csv
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from ingest import dicom_look, dicom_pixels, gate, part10
from ingest.inputs import Input
from ingest.reader import read
from ingest.records import Reason, Rejection, Study
from tests.ingest.films import dataset
from tests.ingest.opening import (
    FILM,
    FOLDER,
    SETTINGS,
    opened,
)

REASONS = {
    "chest_": Reason.TOO_SMALL,
    "xray_": Reason.NOT_A_CHEST,
    "dx_header_brain": Reason.NOT_A_CHEST,
    "sr_report": Reason.NO_PIXELS,
    "rtplan": Reason.NO_PIXELS,
    "ecg_": Reason.NO_PIXELS,
    "dicomdir": Reason.NOT_AN_IMAGE,
    "no_meta": Reason.NOT_AN_IMAGE,
    "html": Reason.NOT_AN_IMAGE,
    "fuzz_TC0347": Reason.TRUNCATED,
}


def shared_rows() -> list[dict[str, str]]:
    if not FOLDER.exists():
        return []
    with (FOLDER / "manifest.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def shared_outcome(name: str) -> Study | Rejection:
    return read(Input(FOLDER / name, site_id="S"), SETTINGS)


@pytest.mark.skipif(not FOLDER.exists(), reason="../shared is not here")
def test_each_shared_file_comes_out_as_its_manifest_says() -> None:
    rows = shared_rows()
    assert len(rows) == 48
    for row in rows:
        outcome = shared_outcome(row["file"])
        if row["expected"] == "reject":
            assert isinstance(outcome, Rejection), row["file"]
            wanted = next(
                (r for start, r in REASONS.items() if row["file"].startswith(start)), None
            )
            assert outcome.reason is (wanted or Reason.NOT_AN_XRAY), row["file"]
        else:
            assert isinstance(outcome, Study), (row["file"], outcome)


@pytest.mark.skipif(not FOLDER.exists(), reason="../shared is not here")
def test_one_film_in_eight_transfer_syntaxes_is_one_study() -> None:
    names = [r["file"] for r in shared_rows() if "fuji" in r["file"]]
    outcomes = [shared_outcome(name) for name in names]
    assert len(outcomes) == 8
    studies = {(o.study_id, o.content_hash) for o in outcomes if isinstance(o, Study)}
    assert len(studies) == 1


@pytest.mark.skipif(not FOLDER.exists(), reason="../shared is not here")
def test_the_same_uid_with_other_polarity_is_another_content() -> None:
    first = shared_outcome("cxr_rsna_pa_jpegbaseline.dcm")
    second = shared_outcome("cxr_rsna_pa_fake_mono1_sameuid.dcm")
    assert isinstance(first, Study)
    assert isinstance(second, Study)
    assert first.study_id == second.study_id
    assert first.content_hash != second.content_hash
    assert (first.age_years, first.sex, first.view) == (62.0, "M", "PA")
    assert (first.acquired_at, first.flags) == (None, "implausible_date")


@pytest.mark.skipif(not FOLDER.exists(), reason="../shared is not here")
def test_an_acr_nema_date_is_read() -> None:
    study = shared_outcome("cxr_gdcm_fuji_mono1_10bit.dcm")
    assert isinstance(study, Study)
    assert study.acquired_at == datetime(1993, 2, 24, 17, 58, tzinfo=UTC)


@pytest.mark.skipif(not FOLDER.exists(), reason="../shared is not here")
@pytest.mark.parametrize(
    ("name", "top"),
    [
        ("xray_wg04_rg2_hip_jpegextended.dcm", 960),  # JPEG extended of 12 bits
        ("xray_wg04_rg3_extremity_j2k.dcm", 1023),  # JPEG 2000, padded with a 0xFF
        ("xray_dental_panoramic_modlut.dcm", 1023),  # JPEG lossless
    ],
)
def test_films_of_other_parts_would_be_decoded_too(name: str, top: int) -> None:
    dataset = part10.parse((FOLDER / name).read_bytes(), 10**8)
    shape = dicom_pixels.geometry(dataset, 10**7)
    stored = dicom_pixels.decode_stored(dataset, shape)
    assert (stored.shape, stored.max()) == ((shape.rows, shape.columns), top)
    pixels, _ = dicom_look.shown(dataset, stored, shape)
    gate.check(pixels, 96)


def test_what_a_header_leaves_out_is_taken_for_granted() -> None:
    made = dataset(FILM)
    del made.PhotometricInterpretation, made.PixelRepresentation, made.SamplesPerPixel
    del made.BitsStored, made.HighBit
    np.testing.assert_array_equal(opened(made).pixels, FILM)


def test_pillow_still_works_once_gdcm_is_loaded(tmp_path: Path) -> None:
    """Loaded first, GDCM's zlib takes the place of Pillow's, and saving a PNG aborts."""
    code = (
        "from ingest import part10; import gdcm, numpy as np; from PIL import Image;"
        "image = Image.fromarray(np.zeros((900, 900), dtype='u1'));"
        "image.resize((400, 400)).save('x.png')"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=True,
    )
