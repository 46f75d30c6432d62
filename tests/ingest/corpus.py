"""Good films of our own in every form that a decoder may meet: what fuzzing starts from."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from tests.ingest.films import SHARED, dataset, dicom_bytes, encoded, film, jpeg, png
from tests.ingest.opening import SYNTAXES, in_syntax

FRAMES = Path(__file__).parent / "frames"  # DEEP, compressed by dcmtk and OpenJPH
PLANTED = "ZQXWV"  # in every header: must never come out
_IDENTITY = {
    "PatientName": f"{PLANTED}^Planted",
    "PatientID": f"{PLANTED}-77",
    "StudyDescription": f"chest of {PLANTED}",
    "PatientAge": "062Y",
    "PatientSex": "F",
}
FRAME_OF = {
    uid.JPEGExtended12Bit: "extended.jpg",
    uid.JPEGLossless: "lossless.jpg",
    uid.JPEGLosslessSV1: "lossless_sv1.jpg",
    uid.HTJ2KLossless: "ht.j2c",
    uid.HTJ2KLosslessRPCL: "ht_rpcl.j2c",
    uid.HTJ2K: "ht_lossy.j2c",
}
SMALL = film(112, 104)
DEEP = SMALL.astype(np.uint16) * 16


def deep(**elements: object) -> Dataset:
    """A film of 12 bits, with an identity planted in its header."""
    return dataset(DEEP, **{"BitsStored": 12, "HighBit": 11, **_IDENTITY, **elements})


def table(curve: np.ndarray, bits: int = 16) -> Sequence:
    """A modality or VOI look-up table."""
    item = Dataset()
    item.LUTDescriptor = [len(curve) % 65536, 0, bits]
    item["LUTDescriptor"].VR = "US"
    item.LUTData = curve.astype("<u2").tobytes()
    item["LUTData"].VR = "OW"
    return Sequence([item])


def compressed(made: Dataset, syntax: str, frame: bytes) -> bytes:
    """The film with its pixels replaced by a compressed frame."""
    made.file_meta.TransferSyntaxUID = syntax
    made.PixelData = encapsulate([frame])
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    return dicom_bytes(made)


def palette() -> Dataset:
    """A film as palette indices."""
    made = dataset(SMALL, PhotometricInterpretation="PALETTE COLOR", **_IDENTITY)
    for colour in ("Red", "Green", "Blue"):
        prefix = f"{colour}PaletteColorLookupTable"
        setattr(made, f"{prefix}Descriptor", [256, 0, 16])
        made[f"{prefix}Descriptor"].VR = "US"
        setattr(made, f"{prefix}Data", (np.arange(256) * 257).astype("<u2").tobytes())
    return made


def rgb(channels: np.ndarray, photometric: str = "RGB") -> Dataset:
    """A Secondary Capture of (h, w, 3) uint8."""
    made = dataset(channels[..., 0], PhotometricInterpretation=photometric, **_IDENTITY)
    made.SamplesPerPixel, made.PlanarConfiguration = 3, 0
    made.PixelData = channels.tobytes()
    return made


def made_films() -> dict[str, bytes]:
    """Name and bytes of each."""
    curve = np.sqrt(np.arange(4096) / 4095) * 65535
    films = {f"{syntax.name}.dcm": in_syntax(deep(), syntax) for syntax in SYNTAXES}
    films |= {
        "explicit.dcm": dicom_bytes(deep()),
        "window.dcm": dicom_bytes(deep(WindowCenter=[2000, 900], WindowWidth=[3000, 400])),
        "modality.dcm": dicom_bytes(deep(ModalityLUTSequence=table(curve))),
        "voi.dcm": in_syntax(deep(VOILUTSequence=table(curve)), uid.ImplicitVRLittleEndian),
        "palette.dcm": dicom_bytes(palette()),
        "rgb_lossless.dcm": compressed(
            rgb(np.dstack([SMALL] * 3)),
            uid.JPEGLossless,
            (FRAMES / "rgb_lossless.jpg").read_bytes(),
        ),
        "rgb.dcm": dicom_bytes(rgb(np.dstack([SMALL] * 3))),
        "jpeg.dcm": compressed(dataset(SMALL, **_IDENTITY), uid.JPEGBaseline8Bit, jpeg(SMALL)),
        "bare.dcm": dicom_bytes(deep())[132:],
        "film.png": png(SMALL),
        "deep.png": png(DEEP),
        "film.jpg": jpeg(SMALL),
        "progressive.jpg": jpeg(SMALL, progressive=True),
        "palette.png": encoded(_indexed()),
    }
    for syntax, name in FRAME_OF.items():
        films[f"{name}.dcm"] = compressed(deep(), syntax, (FRAMES / name).read_bytes())
    return films


def _indexed():  # type: ignore[no-untyped-def]
    from PIL import Image

    return Image.fromarray(SMALL).convert("P")


def seeds(most_bytes: int = 400_000) -> Iterator[tuple[str, bytes]]:
    """The made films, and the shared DICOM files where they are at hand."""
    yield from made_films().items()
    folder = SHARED / "dicom"
    for path in sorted(folder.glob("*.dcm")) if folder.exists() else ():
        if path.stat().st_size <= most_bytes:
            yield path.name, path.read_bytes()
