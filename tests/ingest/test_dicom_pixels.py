import struct

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    JPEG2000Lossless,
)

from ingest.content import content_hash
from ingest.problem import ProblemError
from ingest.reader import decode
from ingest.records import Reason
from tests.ingest.films import dataset, dicom_bytes
from tests.ingest.opening import (
    DEEP,
    FILM,
    SETTINGS,
    SYNTAXES,
    correlation,
    in_syntax,
    opened,
    reason,
)


def test_a_plain_8_bit_film_is_its_png() -> None:
    found = opened(dataset(FILM))
    np.testing.assert_array_equal(found.pixels, FILM)
    assert content_hash(found.hashed) == content_hash(FILM)


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda s: s.name)
def test_lossless_syntaxes_agree(syntax: str) -> None:
    found = decode(in_syntax(dataset(DEEP, BitsStored=12, HighBit=11), syntax), SETTINGS)
    assert content_hash(found.hashed) == content_hash(DEEP)


@pytest.mark.parametrize("syntax", [*SYNTAXES, None], ids=lambda s: s.name if s else "explicit")
def test_a_file_cut_anywhere_is_refused_or_whole(syntax: str | None) -> None:
    made = dataset(DEEP, BitsStored=12, HighBit=11)
    data = in_syntax(made, syntax) if syntax else dicom_bytes(made)
    whole = content_hash(decode(data, SETTINGS).hashed)
    for cut in [
        *range(0, 1200, 53),
        *range(1200, len(data), 1999),
        *range(len(data) - 16, len(data)),
    ]:
        try:
            found = decode(data[:cut], SETTINGS)
        except ProblemError:
            continue
        assert content_hash(found.hashed) == whole, f"{len(data) - cut} bytes short"


def test_a_film_cut_within_its_pixels_is_truncated() -> None:
    assert reason(dicom_bytes(dataset(DEEP))[:-1000]) is Reason.TRUNCATED
    assert reason(in_syntax(dataset(DEEP), JPEG2000Lossless)[:-1000]) is Reason.TRUNCATED


def test_a_file_without_preamble_is_read() -> None:
    assert content_hash(decode(dicom_bytes(dataset(FILM))[132:], SETTINGS).hashed) == content_hash(
        FILM
    )


def test_a_lying_group_length_is_not_believed() -> None:
    data = dicom_bytes(dataset(FILM))
    assert data[132:138] == b"\x02\0\0\0UL"
    for length in (0, 1, 0xFFFFFFFF):
        lied = data[:140] + struct.pack("<I", length) + data[144:]
        np.testing.assert_array_equal(decode(lied, SETTINGS).pixels, FILM)


def test_monochrome1_is_turned_over_after_the_window() -> None:
    plain = opened(dataset(DEEP, WindowCenter=2048, WindowWidth=4096))
    negative = opened(
        dataset(
            4095 - DEEP,
            BitsStored=12,
            HighBit=11,
            PhotometricInterpretation="MONOCHROME1",
            WindowCenter=2048,
            WindowWidth=4096,
        )
    )
    assert correlation(plain.pixels, negative.pixels) > 0.9999
    assert content_hash(negative.hashed) == content_hash(DEEP)


@pytest.mark.parametrize(
    ("center", "width"),
    [(60_000, 100), (-5000, 10), (2048, 0), (2048, -4), (100_000, 3), ("nan", 400)],
)
def test_an_absurd_window_is_ignored(center: object, width: object) -> None:
    made = dataset(DEEP)
    made.WindowCenter, made.WindowWidth = "1", "1"
    data = dicom_bytes(made)
    made.WindowCenter, made.WindowWidth = str(center), str(width)
    data = dicom_bytes(made)
    found = decode(data, SETTINGS)
    assert correlation(found.pixels, DEEP) > 0.9999
    assert center == "nan" or found.header.flags == ("window_ignored",)


def test_a_sound_window_is_applied_after_the_rescale() -> None:
    """PS3.3 C.11.2.1.2 by hand: x = slope v + intercept, ((x − c + ½)/(w − 1) + ½)."""
    made = dataset(DEEP, RescaleSlope=2, RescaleIntercept=-100, WindowCenter=3000, WindowWidth=3000)
    expected = np.clip((2.0 * DEEP - 100 - 2999.5) / 2999 + 0.5, 0, 1) * 65535
    assert np.abs(opened(made).pixels.astype(float) - expected).max() < 16


def test_an_intercept_alone_moves_the_window_too() -> None:
    made = dataset(
        DEEP, RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=1000, WindowWidth=2000
    )
    expected = np.clip((DEEP - 1024.0 - 999.5) / 1999 + 0.5, 0, 1) * 65535
    assert np.abs(opened(made).pixels.astype(float) - expected).max() < 40


def table(values: np.ndarray) -> Sequence:
    item = Dataset()
    item.LUTDescriptor = [len(values), 0, 16]
    item["LUTDescriptor"].VR = "US"
    item.LUTData = [int(v) for v in values]
    item["LUTData"].VR = "US"
    return Sequence([item])


def test_lookup_tables_are_applied() -> None:
    curve = (np.sqrt(np.arange(4096) / 4095) * 65535).astype(np.uint16)
    for keyword in ("ModalityLUTSequence", "VOILUTSequence"):
        found = opened(dataset(DEEP, BitsStored=12, HighBit=11, **{keyword: table(curve)}))
        assert correlation(found.pixels, curve[DEEP]) > 0.9999
        assert content_hash(found.hashed) == content_hash(DEEP)


def test_padding_becomes_black_and_does_not_spoil_the_range() -> None:
    padded = DEEP.copy()
    padded[:, :30] = 65535
    found = opened(dataset(padded, PixelPaddingValue=65535))
    assert found.pixels[:, :30].max() == 0
    assert correlation(found.pixels[:, 30:], DEEP[:, 30:]) > 0.9999
    assert found.pixels.max() == 65535


def test_signed_values_are_extended() -> None:
    signed = DEEP.astype(np.int16) - 2048
    found = opened(dataset(signed, BitsStored=13, HighBit=12))
    assert correlation(found.pixels, DEEP) > 0.9999
    twelve = (signed & 0x0FFF).astype(np.uint16)  # as some senders leave the high bits
    masked = opened(dataset(twelve, BitsStored=12, HighBit=11, PixelRepresentation=1))
    assert correlation(masked.pixels, DEEP) > 0.9999


def test_overlay_bits_do_not_count() -> None:
    marked = DEEP | 0x8000
    found = opened(dataset(marked, BitsStored=12, HighBit=11))
    assert content_hash(found.hashed) == content_hash(DEEP)


def test_a_secondary_capture_in_rgb_is_a_film_and_a_photograph_is_not() -> None:
    def capture(pixels: np.ndarray) -> Dataset:
        made = dataset(pixels[..., 0], SOPClassUID="1.2.840.10008.5.1.4.1.1.7", Modality="OT")
        made.SamplesPerPixel, made.PlanarConfiguration = 3, 0
        made.PhotometricInterpretation = "RGB"
        made.PixelData = pixels.tobytes()
        return made

    found = opened(capture(np.dstack([FILM] * 3)))
    np.testing.assert_array_equal(found.pixels, FILM)
    assert reason(capture(np.dstack([FILM, 255 - FILM, FILM // 3]))) is Reason.COLOUR
