"""One film in every transfer syntax, depth and sign, by encoders that nobody here wrote."""

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import uid
from pydicom.encaps import generate_frames

from ingest.content import content_hash
from ingest.inputs import Input
from ingest.reader import decode, read
from ingest.records import Reason, Study
from tests.ingest.corpus import DEEP, FRAME_OF, FRAMES, SMALL, compressed, deep, made_films, rgb
from tests.ingest.films import dataset, dicom_bytes, film, jpeg
from tests.ingest.opening import SETTINGS, correlation, reason

DCMTK = {
    "implicit": "dcmconv +ti",
    "big endian": "dcmconv +tb",
    "deflated": "dcmconv +td",
    "undefined lengths": "dcmconv +te -e",
    "big endian, undefined lengths": "dcmconv +tb -e",
    "RLE": "dcmcrle",
    "JPEG lossless, predictor 4": "dcmcjpeg +el +sv 4",
    "JPEG lossless": "dcmcjpeg +e1",
    "JPEG lossless in fragments": "dcmcjpeg +e1 +ff +fs 4",
    "JPEG-LS": "dcmcjpls",
    "JPEG-LS in fragments": "dcmcjpls +fs 4",
}
LOSSY = {"JPEG extended": "dcmcjpeg +ee", "JPEG-LS near": "dcmcjpls +en +md 2"}
needs_dcmtk = pytest.mark.skipif(
    any(shutil.which(command.split()[0]) is None for command in DCMTK.values()),
    reason="needs dcmtk (apt-get install dcmtk)",
)


def by_tool(command: str, data: bytes, folder: Path) -> bytes:
    before, after = folder / "before.dcm", folder / "after.dcm"
    before.write_bytes(data)
    subprocess.run([*command.split(), str(before), str(after)], check=True, capture_output=True)
    return after.read_bytes()


def of_depth(bits: int, signed: bool) -> np.ndarray:
    """The film over the whole range of a depth, with a last bit that matters."""
    values = film(112, 104).astype(np.int64) * ((1 << bits) - 1) // 255
    noise = np.random.default_rng(bits).integers(0, 2, values.shape)
    values = np.clip(values + noise, 0, (1 << bits) - 1) - (signed << (bits - 1))
    kind = ("i" if signed else "u") + ("1" if bits == 8 else "2")
    return values.astype(kind)


def hash_of(data: bytes) -> str:
    return content_hash(decode(data, SETTINGS).hashed)


@needs_dcmtk
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 15, 16])
def test_every_lossless_syntax_has_one_hash(bits: int, signed: bool, tmp_path: Path) -> None:
    stored = of_depth(bits, signed)
    plain = dicom_bytes(dataset(stored, BitsStored=bits, HighBit=bits - 1))
    from_zero = (stored.astype(np.int32) + (signed << (bits - 1))).astype(np.uint16)
    assert hash_of(plain) == content_hash(from_zero)
    for name, command in DCMTK.items():
        assert hash_of(by_tool(command, plain, tmp_path)) == content_hash(from_zero), name


@needs_dcmtk
def test_every_lossless_syntax_is_one_study(tmp_path: Path) -> None:
    data = dicom_bytes(deep())
    files = [data, *(by_tool(command, data, tmp_path) for command in DCMTK.values())]
    files += [made for name, made in made_films().items() if name in lossless_frames()]
    found = set()
    for number, made in enumerate(files):
        path = tmp_path / f"{number}.dcm"
        path.write_bytes(made)
        outcome = read(Input(path, path.name, "S"), SETTINGS)
        assert isinstance(outcome, Study)
        found.add((outcome.study_id, outcome.content_hash, outcome.patient_key))
    assert len(found) == 1


def lossless_frames() -> list[str]:
    return [f"{name}.dcm" for name in FRAME_OF.values() if "ex" not in name and "lossy" not in name]


def test_frames_of_dcmtk_and_openjph_hold_the_film() -> None:
    """JPEG lossless twice and HTJ2K twice, exactly; JPEG extended and lossy HTJ2K, nearly."""
    assert len(lossless_frames()) == 4
    films = made_films()
    for name in lossless_frames():
        assert hash_of(films[name]) == content_hash(DEEP), name
    for name in ("extended.jpg.dcm", "ht_lossy.j2c.dcm"):
        found = decode(films[name], SETTINGS).hashed
        assert correlation(found, DEEP) > 0.998, name


@needs_dcmtk
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("name", LOSSY)
def test_lossy_syntaxes_come_close(name: str, bits: int, tmp_path: Path) -> None:
    stored = of_depth(bits, signed=False)
    plain = dicom_bytes(dataset(stored, BitsStored=bits, HighBit=bits - 1))
    found = decode(by_tool(LOSSY[name], plain, tmp_path), SETTINGS)
    assert correlation(found.hashed, stored) > 0.995


@pytest.mark.parametrize("pixel_data", ["low bits", "high bits"])
def test_samples_stand_where_high_bit_says_unless_it_lies(pixel_data: str, tmp_path: Path) -> None:
    stored = DEEP << 4 if pixel_data == "high bits" else DEEP
    made = dicom_bytes(dataset(stored, BitsStored=12, HighBit=15))
    assert hash_of(made) == content_hash(DEEP)
    if shutil.which("dcmcrle"):
        assert hash_of(by_tool("dcmcrle", made, tmp_path)) == content_hash(DEEP)


@needs_dcmtk
@pytest.mark.parametrize("name", ["RLE", "JPEG lossless", "JPEG-LS", "big endian"])
def test_overlay_bits_do_not_count_in_any_lossless_syntax(name: str, tmp_path: Path) -> None:
    made = dicom_bytes(dataset(DEEP | 0x8000, BitsStored=12, HighBit=11))
    assert hash_of(by_tool(DCMTK[name], made, tmp_path)) == content_hash(DEEP)


@needs_dcmtk
def test_eight_bits_of_odd_size_survive_the_other_byte_order(tmp_path: Path) -> None:
    odd = film(113, 105)
    made = dicom_bytes(dataset(odd))
    for name in ("big endian", "RLE", "JPEG lossless", "JPEG-LS"):
        assert hash_of(by_tool(DCMTK[name], made, tmp_path)) == content_hash(odd), name


@pytest.mark.parametrize("vr", ["OB", "OW", "UN"])
def test_the_value_representation_of_the_pixels_does_not_matter(vr: str) -> None:
    made = deep()
    made["PixelData"].VR = vr
    assert hash_of(dicom_bytes(made)) == content_hash(DEEP)


def frame_of(syntax: str) -> bytes:
    made = deep()
    made.compress(syntax, generate_instance_uid=False)
    return next(generate_frames(made.PixelData, number_of_frames=1))


@pytest.mark.parametrize("bits", [7, 8, 16])
def test_a_table_beside_the_frame_is_not_needed(bits: int) -> None:
    """Extended offsets that are right, wrong, and of a wrong length."""
    frame = frame_of(uid.JPEG2000Lossless)
    made = deep(
        ExtendedOffsetTable=struct.pack("<Q", bits - 7),
        ExtendedOffsetTableLengths=struct.pack("<Q", len(frame)),
    )
    assert hash_of(compressed(made, uid.JPEG2000Lossless, frame)) == content_hash(DEEP)


@pytest.mark.parametrize(
    ("stated", "true"),
    [
        (uid.JPEG2000, uid.JPEGLSLossless),
        (uid.JPEGBaseline8Bit, uid.JPEG2000Lossless),
        (uid.JPEGLosslessSV1, uid.JPEGLSLossless),
        (uid.HTJ2K, uid.JPEG2000Lossless),
    ],
)
def test_the_frame_knows_its_own_compression(stated: str, true: str) -> None:
    assert hash_of(compressed(deep(), stated, frame_of(true))) == content_hash(DEEP)


def test_the_frame_knows_its_own_depth() -> None:
    """12 bits in a header over a JPEG of 8, and 8 over one of 12."""
    eight = compressed(deep(), uid.JPEGBaseline8Bit, jpeg(SMALL))
    assert correlation(decode(eight, SETTINGS).hashed, SMALL) > 0.99
    twelve = compressed(dataset(SMALL), uid.JPEGLossless, (FRAMES / "lossless.jpg").read_bytes())
    assert content_hash(decode(twelve, SETTINGS).hashed) == content_hash(DEEP)


PHOTOMETRIC = ["MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT", "GRAY", ""]


@pytest.mark.parametrize("stated", PHOTOMETRIC)
@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("keep_rgb", [False, True])
def test_a_wrong_photometric_interpretation_of_a_jpeg(
    stated: str, samples: int, keep_rgb: bool
) -> None:
    """Grey in one channel or three, as YBR or as RGB: the film whatever the header calls it."""
    three = np.dstack([SMALL] * 3)
    for said in (1, 3):
        made = dataset(SMALL) if said == 1 else rgb(three)
        made.PhotometricInterpretation = stated
        options = {"keep_rgb": True} if keep_rgb and samples == 3 else {}
        frame = jpeg(SMALL if samples == 1 else three, **options)
        found = decode(compressed(made, uid.JPEGBaseline8Bit, frame), SETTINGS)
        assert correlation(found.pixels, SMALL) > 0.99


def test_a_wrong_photometric_interpretation_of_plain_pixels() -> None:
    three = np.dstack([SMALL] * 3)
    ybr = np.dstack([SMALL, np.full_like(SMALL, 128), np.full_like(SMALL, 128)])
    for channels in (three, ybr):
        for stated in ("RGB", "YBR_FULL"):
            assert hash_of(dicom_bytes(rgb(channels, stated))) == content_hash(SMALL)
    coloured = np.dstack([SMALL, 255 - SMALL, SMALL // 3])
    for stated in ("RGB", "YBR_FULL"):
        assert reason(dicom_bytes(rgb(coloured, stated))) is Reason.COLOUR
    for stated in ("RGB", "GRAY", "MONOCHROME"):
        assert hash_of(dicom_bytes(dataset(SMALL, PhotometricInterpretation=stated))) == (
            content_hash(SMALL)
        )


def test_half_sampled_chroma_without_compression() -> None:
    """YBR_FULL_422: two samples a pixel, not three (PS3.3 C.7.6.3.1.2)."""
    quads = np.full((*SMALL.shape, 2), 128, dtype=np.uint8).reshape(112, 52, 4)
    quads[..., 0], quads[..., 1] = SMALL[:, 0::2], SMALL[:, 1::2]
    made = rgb(np.dstack([SMALL] * 3), "YBR_FULL_422")
    made.PixelData = quads.tobytes()
    assert hash_of(dicom_bytes(made)) == content_hash(SMALL)


def test_colour_of_more_than_eight_bits_keeps_its_range() -> None:
    made = rgb(np.dstack([SMALL] * 3))
    made.PixelData = np.dstack([DEEP] * 3).tobytes()
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 12, 11
    made["PixelData"].VR = "OW"
    assert hash_of(dicom_bytes(made)) == content_hash(SMALL)
