"""From stored values to what is shown: tables, windows, padding; by hand where it matters."""

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from ingest import dicom_look, lookup
from ingest.dicom_look import apply_window
from ingest.reader import decode
from tests.ingest.corpus import DEEP, deep
from tests.ingest.films import dataset, dicom_bytes
from tests.ingest.opening import SETTINGS, correlation, in_syntax, opened

CURVE = (np.sqrt(np.arange(4096) / 4095) * 65535).astype(np.uint16)
SIGNED = DEEP.astype(np.int16) - 2048


def sequence(
    entries: bytes | list[int], count: int, first: int = 0, bits: int = 16, vr: str = "US"
) -> Sequence:
    item = Dataset()
    item.LUTDescriptor = [count % 65536, first, bits]
    item["LUTDescriptor"].VR = vr
    item.LUTData = entries
    item["LUTData"].VR = "OW" if isinstance(entries, bytes) else "US"
    return Sequence([item])


@pytest.mark.parametrize("keyword", ["ModalityLUTSequence", "VOILUTSequence"])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, None])
@pytest.mark.parametrize("words", [False, True])
def test_a_table_as_words_or_numbers_in_every_byte_order(
    keyword: str, syntax: str | None, words: bool
) -> None:
    big = syntax == ExplicitVRBigEndian
    raw = CURVE.astype(">u2" if big else "<u2").tobytes()
    made = deep(**{keyword: sequence(raw if words else CURVE.tolist(), 4096)})
    data = in_syntax(made, syntax) if syntax else dicom_bytes(made)
    assert correlation(decode(data, SETTINGS).pixels, CURVE[DEEP]) > 0.99999


def test_a_voi_table_is_shown_over_its_own_range() -> None:
    """PS3.3 C.11.2.1.1: of 12 bits, so that 4095 is white, not its largest entry in use."""
    found = opened(deep(VOILUTSequence=sequence((CURVE >> 4).tobytes(), 4096, bits=12)))
    expected = (CURVE >> 4)[DEEP] / 4095 * 65535
    assert np.abs(found.pixels - expected).max() < 2


def test_a_table_of_packed_bytes() -> None:
    packed = (CURVE >> 8).astype(np.uint8)
    found = opened(deep(VOILUTSequence=sequence(packed.tobytes(), 4096, bits=8)))
    assert np.abs(found.pixels / 65535 - packed[DEEP] / 255).max() < 0.001


@pytest.mark.parametrize(("first", "vr"), [(-2048, "SS"), (65536 - 2048, "US")])
def test_a_first_value_below_zero_however_it_is_coded(first: int, vr: str) -> None:
    table = sequence(CURVE.tobytes(), 4096, first, vr=vr)
    for keyword in ("VOILUTSequence", "ModalityLUTSequence"):
        made = dataset(SIGNED, BitsStored=12, HighBit=11, **{keyword: table})
        assert correlation(opened(made).pixels, CURVE[DEEP]) > 0.99999


def test_inputs_beyond_a_table_take_its_ends() -> None:
    table = lookup.table([4, 10, 8], b"\x01\x02\x03\x04", True, signed=False)
    assert table.apply(np.array([0, 10, 12, 13, 99])).tolist() == [1, 1, 3, 4, 4]
    assert table.top == 255
    whole = lookup.table([0, 0, 16], bytes(2 * 65536), True, signed=False)
    assert len(whole.entries) == 65536


def test_a_table_that_hides_the_film_is_ignored_and_the_window_counts() -> None:
    flat = sequence(b"\0\0" * 4096, 4096)
    found = opened(deep(VOILUTSequence=flat, WindowCenter=2048, WindowWidth=4096))
    assert found.header.flags == ()
    assert opened(deep(VOILUTSequence=flat)).header.flags == ("window_ignored",)


def test_the_first_window_that_shows_something_counts() -> None:
    """Here the second: by PS3.3 C.11.2.1.2.1, ((x − (c − ½)) / (w − 1) + ½)."""
    made = deep(WindowCenter=[90000, 2048, 900], WindowWidth=[3, 3000, 400])
    found = opened(made)
    expected = np.clip((DEEP - 2047.5) / 2999 + 0.5, 0, 1) * 65535
    assert np.abs(found.pixels - expected).max() < 2
    assert found.header.flags == ()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("SIGMOID", 1 / (1 + np.exp(-4 * (np.array([1000.0, 2000, 3000]) - 2000) / 1500))),
        ("LINEAR_EXACT", (np.array([1250.0, 2000, 2750]) - 2000) / 1500 + 0.5),
        ("LINEAR", (np.array([1251.0, 2000, 2749]) - 1999.5) / 1499 + 0.5),
    ],
)
def test_window_functions_by_hand(function: str, expected: np.ndarray) -> None:
    """PS3.3 C.11.2.1.3.1 (sigmoid), C.11.2.1.3.2 (linear exact), C.11.2.1.2.1 (linear)."""
    at = {
        "SIGMOID": [1000.0, 2000, 3000],
        "LINEAR_EXACT": [1250.0, 2000, 2750],
        "LINEAR": [1251.0, 2000, 2749],
    }
    found = apply_window(np.array([at[function]]), 2000, 1500, function)
    assert found is not None
    np.testing.assert_allclose(found[0], expected, atol=1e-6)
    made = opened(deep(WindowCenter=2000, WindowWidth=1500, VOILUTFunction=function))
    assert made.header.flags == ()


def test_a_width_below_one_is_only_for_the_exact_functions() -> None:
    values = np.array([[0.0, 0.2]])
    assert apply_window(values, 0.1, 0.5) is None
    assert apply_window(values, 0.1, 0.5, "LINEAR_EXACT") is not None
    for function in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
        assert apply_window(values, 0.1, 0.0, function) is None


def padded(**elements: object) -> Dataset:
    """A signed film whose left is padding, in a range of values."""
    stored = SIGNED.copy()
    stored[:, :10], stored[:, 10:20] = -2048, -2040
    return dataset(stored, BitsStored=12, HighBit=11, **elements)


@pytest.mark.parametrize("vr", ["SS", "US"])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, None])
def test_padding_is_a_range_and_may_be_below_zero(vr: str, syntax: str | None) -> None:
    made = padded()
    for keyword, value in (("PixelPaddingValue", -2048), ("PixelPaddingRangeLimit", -2040)):
        setattr(made, keyword, value)
        made[keyword].VR = vr
        made[keyword]._value = value if vr == "SS" else value + 65536
    data = in_syntax(made, syntax) if syntax else dicom_bytes(made)
    found = decode(data, SETTINGS)
    assert found.pixels[:, :20].max() == 0
    assert correlation(found.pixels[:, 20:], DEEP[:, 20:]) > 0.9999


def test_padding_in_a_negative_film_is_black_too() -> None:
    stored = 4095 - DEEP
    stored[:, :20] = 4095
    made = dataset(
        stored,
        BitsStored=12,
        HighBit=11,
        PhotometricInterpretation="MONOCHROME1",
        PixelPaddingValue=4095,
    )
    found = opened(made)
    assert found.pixels[:, :20].max() == 0
    assert correlation(found.pixels[:, 20:], DEEP[:, 20:]) > 0.9999


@pytest.mark.parametrize("slope", ["1e308", "nan", "0", "x"])
def test_an_absurd_rescale_is_none(slope: str) -> None:
    made = deep()
    made.RescaleSlope, made.RescaleIntercept = "1", "0"
    made["RescaleSlope"]._value = slope
    values = dicom_look.shown(made, DEEP.astype(np.int32), _shape(made))[0]
    assert correlation(values, DEEP) > 0.9999


def _shape(made: Dataset):  # type: ignore[no-untyped-def]
    from ingest.dicom_pixels import geometry

    return geometry(made, 10**7)
