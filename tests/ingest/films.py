"""Small films, files and `prepare` functions that the ingest tests share."""

import io
import os
import signal
import time
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
KEY = bytes(range(32))


def film(height: int = 160, width: int = 128, seed: int = 0) -> np.ndarray:
    """A smooth bright middle between two dark lungs, with a little noise; uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    lungs = np.exp(-(((np.abs(x) - 0.45) / 0.28) ** 2) - (y / 0.7) ** 2)
    ribs = 8 * np.sin(22 * y + 4 * np.abs(x))
    values = 190 - 130 * lungs + ribs + rng.normal(0, 2, (height, width))
    return np.asarray(np.clip(values, 0, 255), dtype=np.uint8)


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)  # type: ignore[arg-type]
    return buffer.getvalue()


def png(pixels: np.ndarray) -> bytes:
    return encoded(Image.fromarray(pixels))


def jpeg(pixels: np.ndarray, **options: object) -> bytes:
    return encoded(Image.fromarray(pixels), "JPEG", **{"quality": 92, **options})


def dataset(pixels: np.ndarray, **elements: object) -> Dataset:
    """A CR chest film, explicit little endian; `elements` override or add."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    made.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", "1.2.3.4"
    made.Modality, made.BodyPartExamined, made.ViewPosition = "CR", "CHEST", "PA"
    made.StudyDate, made.StudyTime = "20260314", "081500"
    made.Rows, made.Columns = pixels.shape
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    bits = pixels.dtype.itemsize * 8
    made.BitsAllocated, made.BitsStored, made.HighBit = bits, bits, bits - 1
    made.PixelRepresentation = int(pixels.dtype.kind == "i")
    made.PixelData = pixels.tobytes()
    made["PixelData"].VR = "OB" if bits == 8 else "OW"
    for name, value in elements.items():
        setattr(made, name, value)
    return made


def dicom_bytes(made: Dataset) -> bytes:
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def small(pixels: np.ndarray) -> np.ndarray:
    """A `prepare`: every so-manieth pixel, 16 by 16, uint8."""
    rows = np.linspace(0, pixels.shape[0] - 1, 16).astype(int)
    columns = np.linspace(0, pixels.shape[1] - 1, 16).astype(int)
    return np.asarray(pixels[np.ix_(rows, columns)] // (257 if pixels.dtype == np.uint16 else 1))


# `prepare` functions with the faults that decoders have. A film marked by a corner of 255
# in its first pixels sets them off; all others pass.
def _marked(pixels: np.ndarray) -> bool:
    return bool((pixels[:4, :4] == 255).all())


def mark(pixels: np.ndarray) -> np.ndarray:
    pixels = pixels.copy()
    pixels[:4, :4] = 255
    return pixels


def crash_on_mark(pixels: np.ndarray) -> np.ndarray:
    if _marked(pixels):
        os.kill(os.getpid(), signal.SIGKILL)
    return small(pixels)


def hang_on_mark(pixels: np.ndarray) -> np.ndarray:
    if _marked(pixels):
        time.sleep(600)
    return small(pixels)


def hoard_on_mark(pixels: np.ndarray) -> np.ndarray:
    """Asks for 8 GiB."""
    if _marked(pixels):
        np.ones((1024, 1024, 1024)).sum()
    return small(pixels)


def large(pixels: np.ndarray) -> np.ndarray:
    """A 1 MB result, so that a queue that is not bounded shows."""
    return np.full((1024, 1024), pixels[0, 0], dtype=np.uint8)
