"""The class and instance of an encoded data set, in each way of encoding it."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmwrite
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from ingest.doors.sop_uids import sop_uids
from tests.ingest.dicom_door import CR, ROOT, instance

SYNTAXES = [
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]


def body(syntax: str) -> bytes:
    made = instance(1, SpecificCharacterSet="ISO_IR 100", ImageType=["ORIGINAL", "PRIMARY"])
    made.file_meta.TransferSyntaxUID = syntax
    buffer = io.BytesIO()
    if syntax == ExplicitVRBigEndian:
        made.PixelData = bytes(reversed(made.PixelData))
    dcmwrite(buffer, made, enforce_file_format=True)
    data = buffer.getvalue()
    length = int.from_bytes(data[140:144], "little")
    return data[144 + length :]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_it_is_found_in_every_encoding(syntax: str) -> None:
    assert sop_uids(body(syntax), syntax) == (CR, f"{ROOT}1")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_what_is_not_there_is_not_found(syntax: str) -> None:
    assert sop_uids(b"", syntax) == ("", "")
    assert sop_uids(b"\0" * 100, syntax) == ("", "")


@given(st.binary(max_size=400), st.sampled_from(SYNTAXES))
def test_any_bytes_at_all_are_survived(data: bytes, syntax: str) -> None:
    assert all(isinstance(one, str) for one in sop_uids(data, syntax))
