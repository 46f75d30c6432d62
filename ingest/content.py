"""The content hash: what makes two files the same film.

For an image it covers the decoded grey pixels, upright. For DICOM it covers the stored
values before any look-up table or window, raised to start at zero when they are signed and
turned over when PhotometricInterpretation is MONOCHROME1. So every lossless transfer syntax
of one film agrees, a film whose polarity was changed does not, and an 8-bit film without a
window hashes the same as its PNG.
"""

import hashlib

import numpy as np


def content_hash(pixels: np.ndarray) -> str:
    """SHA-256 of shape and values, cut to 32 hex digits. pixels: (h, w) uint8 or uint16.

    Of the standard library's digests it is the fastest on processors of the last years.
    """
    values = _narrowest(pixels)
    header = f"{values.dtype.itemsize}:{pixels.shape[0]}x{pixels.shape[1]}:".encode()
    digest = hashlib.sha256(header)
    digest.update(values.data)
    return digest.hexdigest()[:32]


def _narrowest(pixels: np.ndarray) -> np.ndarray:
    """Contiguous; 8 bits where the values fit, otherwise little-endian 16 bits."""
    if pixels.dtype != np.uint8 and int(pixels.max(initial=0)) < 256:
        pixels = pixels.astype(np.uint8)
    target = np.dtype("u1") if pixels.dtype == np.uint8 else np.dtype("<u2")
    return np.ascontiguousarray(pixels, dtype=target)
