"""JPEG Extended with 12-bit samples (1.2.840.10008.1.2.4.51), by GDCM itself.

pydicom asks none of its decoders with a free licence for this; GDCM reads it when it is told
the samples' own precision of 12 bits, whatever BitsStored says.
"""

import numpy as np
import PIL.Image  # noqa: F401  see part10.py

import gdcm  # isort: skip

_PRECISION = 12
_PIXEL_DATA = (0x7FE0, 0x0010)


def decode(frame: bytes, rows: int, columns: int) -> np.ndarray:
    """One grey frame as (rows, columns) uint16; raises ValueError when GDCM gives up."""
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(*_PIXEL_DATA))
    element.SetValue(fragments.__ref__())
    image = _image(rows, columns)
    image.SetDataElement(element)
    buffer = image.GetBuffer()
    if not isinstance(buffer, str):
        raise ValueError("GDCM could not decode it")
    values = buffer.encode("utf-8", "surrogateescape")  # GDCM hands its bytes over as a str
    return np.frombuffer(values, dtype="<u2", count=rows * columns).reshape(rows, columns)


def _image(rows: int, columns: int) -> gdcm.Image:
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((columns, rows, 1))
    gray = gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2)
    image.SetPhotometricInterpretation(gray)
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGExtendedProcess2_4))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, _PRECISION, _PRECISION - 1, 0))
    return image
