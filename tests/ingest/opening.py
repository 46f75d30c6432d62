"""Opening DICOM films that the DICOM tests make."""

import io
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from ingest.film import Film
from ingest.inputs import Input
from ingest.problem import ProblemError
from ingest.reader import ReaderSettings, decode, read
from ingest.records import Reason, Rejection, Study
from tests.ingest.films import KEY, SHARED, dicom_bytes, film, small

SETTINGS = ReaderSettings(KEY, small, max_pixels=10_000_000)
FILM = film()
DEEP = FILM.astype(np.uint16) * 16
FOLDER = SHARED / "dicom"


def opened(made: Dataset) -> Film:
    return decode(dicom_bytes(made), SETTINGS)


def reason(data: bytes | Dataset) -> Reason:
    with pytest.raises(ProblemError) as caught:
        decode(data if isinstance(data, bytes) else dicom_bytes(data), SETTINGS)
    return caught.value.problem.reason


def read_bytes(tmp_path: Path, data: bytes) -> Study | Rejection:
    (tmp_path / "x.dcm").write_bytes(data)
    return read(Input(tmp_path / "x.dcm", site_id="S"), SETTINGS)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def in_syntax(made: Dataset, syntax: str) -> bytes:
    if syntax in (RLELossless, JPEGLSLossless, JPEG2000Lossless):
        made.compress(syntax, generate_instance_uid=False)
        return dicom_bytes(made)
    made.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        made.PixelData = np.frombuffer(made.PixelData, "<u2").astype(">u2").tobytes()
    buffer = io.BytesIO()
    made.save_as(
        buffer,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
        enforce_file_format=True,
    )
    return buffer.getvalue()


SYNTAXES = (
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEGLSLossless,
    JPEG2000Lossless,
)
