"""DICOM radiographs: parse, judge the header, decode under caps, show as a radiologist sees it."""

import numpy as np
from pydicom.dataset import Dataset

from ingest import dicom_colour, dicom_header, dicom_look, dicom_pixels, gate, part10
from ingest.film import Film
from ingest.records import Source

BYTES_A_PIXEL = 8  # the most that a data set may inflate to: 16 bits, overlays and tables


def decode(data: bytes, max_pixels: int, min_side: int) -> Film:
    """A DICOM file's bytes as a film; raises ProblemError.

    The header is judged, and sizes are capped, before any pixel is decoded.
    """
    dataset = part10.parse(data, max_bytes=max_pixels * BYTES_A_PIXEL)
    return _film(dataset, dicom_header.check(dataset), max_pixels, min_side)


def decode_judged(data: bytes, max_pixels: int, min_side: int) -> Film:
    """As `decode`, of an object whose header was judged when it was taken into the spool."""
    dataset = part10.parse(data, max_bytes=max_pixels * BYTES_A_PIXEL)
    return _film(dataset, (), max_pixels, min_side)


def _film(dataset: Dataset, flags: tuple[str, ...], max_pixels: int, min_side: int) -> Film:
    shape = dicom_pixels.geometry(dataset, max_pixels)
    gate.check_size(shape.rows, shape.columns, min_side)
    dicom_pixels.check_one_frame(dataset)
    shape = dicom_pixels.settle(dataset, shape)
    pixels, hashed, more = _pixels(dataset, shape)
    header = dicom_header.read(dataset, (*flags, *more))
    return Film(pixels, hashed, header, Source.DICOM)


def _pixels(
    dataset: Dataset, shape: dicom_pixels.Geometry
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Shown pixels, hashed pixels and flags."""
    if not dicom_pixels.is_gray(shape):
        gray = dicom_colour.decode(dataset, shape)
        return gray, gray, ()
    stored = dicom_pixels.decode_stored(dataset, shape)
    hashed = dicom_look.stored_as_hashed(stored, shape)
    pixels, flags = dicom_look.shown(dataset, stored, shape)
    return pixels, hashed, flags
