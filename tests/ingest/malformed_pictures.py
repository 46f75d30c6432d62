"""Malformed pictures: compressed frames that lie, and hostile JPEG and PNG files."""

import io
import struct
import zlib
from collections.abc import Callable, Iterator

import numpy as np
from pydicom import uid
from pydicom.encaps import generate_frames

from tests.ingest.corpus import DEEP, FRAMES, PLANTED, SMALL, compressed, deep
from tests.ingest.films import dataset, dicom_bytes, jpeg, png
from tests.ingest.opening import in_syntax

Picture = tuple[str, Callable[[], bytes], str]
_ITEM = b"\xfe\xff\x00\xe0"
_DAMAGED = "unreadable truncated"


def cases() -> Iterator[Picture]:
    """Name, bytes, expected outcomes."""
    yield from _jpeg2000_cases()
    yield from _rle_cases()
    yield from _item_cases()
    yield from _jpeg_frame_cases()
    yield from _deflate_cases()
    yield from _png_cases()
    yield from _jpeg_cases()
    yield from _other_kinds()


def _frame(syntax: str) -> bytes:
    made = deep()
    made.compress(syntax, generate_instance_uid=False)
    return next(generate_frames(made.PixelData, number_of_frames=1))


def _j2k(at: int, form: str, *values: int) -> Callable[[], bytes]:
    """A JPEG 2000 film with numbers of its SIZ segment overwritten."""

    def make() -> bytes:
        frame = bytearray(_frame(uid.JPEG2000Lossless))
        struct.pack_into(form, frame, at, *values)
        return compressed(deep(), uid.JPEG2000Lossless, bytes(frame))

    return make


def _jpeg2000_cases() -> Iterator[Picture]:
    yield "J2K of 60,000 by 60,000", _j2k(8, ">2I", 60_000, 60_000), "unreadable"
    yield (
        "J2K with an offset past its extent",
        _j2k(16, ">2I", 0xFFFFFFFF, 0xFFFFFFFF),
        "unreadable",
    )
    yield (
        "J2K of tiles of 4 billion",
        _j2k(24, ">2I", 0xFFFFFFFF, 0xFFFFFFFF),
        f"{_DAMAGED} accepted",
    )
    yield "J2K of tiles of 1 by 1", _j2k(24, ">2I", 1, 1), f"{_DAMAGED} blank"
    yield "J2K of tiles of 0", _j2k(24, ">2I", 0, 0), _DAMAGED
    yield "J2K of 16,384 components", _j2k(40, ">H", 16384), "unreadable"
    yield "J2K of no components", _j2k(40, ">H", 0), "unreadable"
    yield "J2K of 38 bits", _j2k(42, ">B", 37), "unreadable"
    yield "J2K with a step of 0", _j2k(43, ">2B", 0, 0), _DAMAGED
    yield "J2K with a step of 255", _j2k(43, ">2B", 255, 255), f"{_DAMAGED} noise blank"
    for name in ("ht.j2c", "ht_lossy.j2c"):
        frame = (FRAMES / name).read_bytes()
        for at in range(60, len(frame), len(frame) // 5):
            yield (
                f"{name} damaged at {at}",
                lambda f=frame, n=at: compressed(
                    deep(), uid.HTJ2K, f[:n] + bytes(b ^ 0xFF for b in f[n : n + 40]) + f[n + 40 :]
                ),
                f"{_DAMAGED} accepted noise blank",
            )


def _rle(data: bytes, offsets: tuple[int, ...], segments: int = 2) -> bytes:
    header = struct.pack("<16I", segments, *offsets, *([0] * (15 - len(offsets))))
    return compressed(deep(), uid.RLELossless, header + data)


def _rle_cases() -> Iterator[Picture]:
    run = b"\x81\x55" * 2_000_000  # each pair is 128 bytes: 512 MB in all
    yield (
        "RLE that expands to half a gigabyte",
        lambda: _rle(run, (64, 2_000_064)),
        ("unreadable pixel_bomb decoder_failed noise blank truncated"),
    )
    yield "RLE segments in a circle", lambda: _rle(b"\x81\x55" * 100, (64, 64)), _DAMAGED
    yield "RLE offsets past the end", lambda: _rle(b"\x81\x55" * 100, (64, 0xFFFFFFF0)), _DAMAGED
    yield "RLE offsets backwards", lambda: _rle(b"\x81\x55" * 100, (200, 64)), _DAMAGED
    yield "RLE of 4 billion segments", lambda: _rle(b"", (64, 64), 0xFFFFFFFF), _DAMAGED
    yield "RLE of no segments", lambda: _rle(b"\x81\x55" * 100, (), 0), _DAMAGED
    yield "RLE of an empty frame", lambda: compressed(deep(), uid.RLELossless, b"\0\0"), _DAMAGED
    yield "RLE of a header alone", lambda: _rle(b"", (64, 64)), _DAMAGED
    good = in_syntax(deep(), uid.RLELossless)
    yield "RLE with its middle gone", lambda: good[:6000] + good[9000:], f"{_DAMAGED} noise"


def _encapsulated(pixel_data: bytes) -> bytes:
    made = deep()
    made.file_meta.TransferSyntaxUID = uid.JPEGLSLossless
    made.PixelData = pixel_data
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    return dicom_bytes(made)


def _items(*values: bytes) -> bytes:
    return b"".join(_ITEM + struct.pack("<I", len(value)) + value for value in values)


def _item_cases() -> Iterator[Picture]:
    frame = _frame(uid.JPEGLSLossless)
    half = len(frame) // 4 * 2
    yield "no items", lambda: _encapsulated(_items(b"")).replace(_items(b""), b""), _DAMAGED
    yield "an offset table alone", lambda: _encapsulated(_items(b"")), _DAMAGED
    yield "no offset table", lambda: _encapsulated(_items(frame)), "accepted"
    yield (
        "offsets past the end",
        lambda: _encapsulated(_items(b"\xf0\xff\xff\xff", frame)),
        "accepted",
    )
    yield "offsets that repeat", lambda: _encapsulated(_items(bytes(4000), frame)), "accepted"
    yield "an odd offset table", lambda: _encapsulated(_items(b"\1\2\3", frame)), "accepted"
    yield (
        "two fragments, an offset each",
        lambda: _encapsulated(_items(struct.pack("<2I", 0, half + 8), frame[:half], frame[half:])),
        "accepted",
    )
    yield (
        "fragments of two bytes",
        lambda: _encapsulated(_items(b"", *(frame[at : at + 2] for at in range(0, len(frame), 2)))),
        "accepted",
    )
    yield (
        "10,000 empty fragments",
        lambda: _encapsulated(_items(*([b""] * 10_000), frame)),
        "accepted",
    )
    yield (
        "an item longer than the file",
        lambda: _encapsulated(_items(b"") + _ITEM + struct.pack("<I", 0x7FFFFFFF) + frame),
        _DAMAGED,
    )
    yield (
        "an item of undefined length",
        lambda: _encapsulated(_items(b"") + _ITEM + b"\xff\xff\xff\xff" + frame),
        _DAMAGED,
    )
    yield "no delimiter", lambda: _encapsulated(_items(b"", frame))[:-8], "truncated"
    yield (
        "frame padded with 1,000 zeros",
        lambda: _encapsulated(_items(b"", frame + bytes(1000))),
        "accepted",
    )
    yield "the frame twice", lambda: _encapsulated(_items(b"", frame, frame)), "accepted"


def _jpeg_frame_cases() -> Iterator[Picture]:
    film = jpeg(SMALL)
    size_at = film.index(b"\xff\xc0") + 5

    def framed(frame: bytes, syntax: str = uid.JPEGBaseline8Bit) -> Callable[[], bytes]:
        return lambda: compressed(dataset(SMALL), syntax, frame)

    huge = film[:size_at] + struct.pack(">2H", 65500, 65500) + film[size_at + 4 :]
    yield "a JPEG frame of 65,500 by 65,500", framed(huge), "unreadable"
    flat = film[:size_at] + struct.pack(">2H", 0, 104) + film[size_at + 4 :]
    yield "a JPEG frame of 0 rows", framed(flat), "unreadable"
    for name in ("lossless.jpg", "extended.jpg"):
        frame = (FRAMES / name).read_bytes()
        tables = frame.replace(b"\xff\xc4", b"\xff\xfe", 1)
        yield (
            f"{name} without its tables",
            framed(tables, uid.JPEGLossless),
            f"{_DAMAGED} blank noise",
        )
        renamed = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x63\x63" + bytes(7) + frame[2:]
        yield f"{name} with an unknown JFIF version", framed(renamed, uid.JPEGLossless), "accepted"
        yield f"{name} called JPEG 2000", framed(frame, uid.JPEG2000), "accepted"
    yield "a PNG as a frame", framed(png(SMALL)), _DAMAGED
    yield "a frame of zeros", framed(bytes(5000)), _DAMAGED
    yield "a frame of markers", framed(b"\xff\xd8" + b"\xff\xff" * 50_000 + b"\xff\xd9"), _DAMAGED
    yield (
        "a JPEG with an endless segment",
        framed(b"\xff\xd8\xff\xe1\0\0" * 5000 + b"\xff\xd9"),
        _DAMAGED,
    )


def _deflate_cases() -> Iterator[Picture]:
    data = in_syntax(deep(), uid.DeflatedExplicitVRLittleEndian)
    start = 132 + 12 + struct.unpack_from("<I", data, 140)[0]
    bomb = zlib.compressobj(9, wbits=-15)
    packed = b"".join(bomb.compress(bytes(2**20)) for _ in range(700)) + bomb.flush()
    yield "a deflated bomb of 700 MB", lambda: data[:start] + packed, "pixel_bomb"
    yield "a deflated bomb without preamble", lambda: data[132:start] + packed, "pixel_bomb"
    yield "deflated noise", lambda: data[:start] + bytes(range(256)) * 20, _DAMAGED
    yield "deflated nothing", lambda: data[:start], "truncated"
    yield "deflated data, cut", lambda: data[: (start + len(data)) // 2], "truncated"


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, *chunks: bytes, depth: int = 8, colour: int = 0) -> bytes:
    head = _chunk(b"IHDR", struct.pack(">2I5B", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + _chunk(b"IEND", b"")


def _png_cases() -> Iterator[Picture]:
    picture = _chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(row) for row in SMALL)))
    zeros = zlib.compress(bytes(200 * 2**20), 9)
    height, width = SMALL.shape
    yield (
        "PNG of 30,000 by 30,000",
        lambda: _png(30_000, 30_000, _chunk(b"IDAT", zeros)),
        "pixel_bomb",
    )
    yield "PNG of 2 billion by 1", lambda: _png(2**31 - 1, 1, picture), "pixel_bomb unreadable"
    yield "PNG of 0 by 0", lambda: _png(0, 0, picture), "unreadable"
    yield (
        "PNG with 200 MB in its IDAT",
        lambda: _png(width, height, _chunk(b"IDAT", zeros)),
        "blank unreadable truncated",
    )
    named = PLANTED.encode() + b"\0"
    yield (
        "PNG with 200 MB in a zTXt",
        lambda: _png(width, height, _chunk(b"zTXt", named + b"\0" + zeros), picture),
        "accepted unreadable",
    )
    yield (
        "PNG with 200 MB in an iTXt",
        lambda: _png(width, height, _chunk(b"iTXt", named + b"\1\0\0\0" + zeros), picture),
        "accepted unreadable",
    )
    yield (
        "PNG with 200 MB in its profile",
        lambda: _png(width, height, _chunk(b"iCCP", named + b"\0" + zeros), picture),
        "accepted unreadable",
    )
    yield (
        "PNG with 50,000 texts",
        lambda: _png(width, height, _chunk(b"tEXt", named + b"x") * 50_000, picture),
        "accepted unreadable",
    )
    yield "PNG without pixels", lambda: _png(width, height), _DAMAGED
    yield "PNG with a wrong checksum", lambda: png(SMALL)[:-20] + bytes(20), f"{_DAMAGED} accepted"
    yield "PNG cut in its middle", lambda: png(SMALL)[:3000], "truncated"
    yield (
        "PNG with a chunk of 4 GB",
        lambda: png(SMALL)[:33] + b"\xff\xff\xff\xffIDAT" + png(SMALL)[41:],
        f"{_DAMAGED} accepted",
    )
    yield "PNG of 3 bits", lambda: _png(width, height, picture, depth=3), "unreadable"
    yield (
        "PNG with a palette it lacks",
        lambda: _png(width, height, picture, colour=3),
        ("unreadable accepted blank noise"),
    )
    frames = _chunk(b"acTL", struct.pack(">2I", 1_000_000, 0))
    yield (
        "PNG of a million frames",
        lambda: _png(width, height, frames, picture),
        ("multi_frame unreadable accepted"),
    )


def _jpeg_cases() -> Iterator[Picture]:
    film = jpeg(SMALL)
    size_at = film.index(b"\xff\xc0") + 5
    huge = film[:size_at] + struct.pack(">2H", 65500, 65500) + film[size_at + 4 :]
    yield "JPEG of 65,500 by 65,500", lambda: huge, "pixel_bomb"
    moderate = film[:size_at] + struct.pack(">2H", 8000, 8000) + film[size_at + 4 :]
    yield "JPEG of 8,000 by 8,000 in 2 kB", lambda: moderate, f"{_DAMAGED} noise blank"
    yield "JPEG of 0 rows", lambda: film[:size_at] + bytes(2) + film[size_at + 2 :], _DAMAGED
    yield (
        "JPEG with its last scan 2,000 times",
        _repeated_scan,
        f"{_DAMAGED} accepted decoder_failed",
    )
    yield "JPEG cut in its middle", lambda: film[:1200], "truncated"
    yield "JPEG without its end", lambda: film[:-2], "truncated accepted"
    yield "JPEG of a start alone", lambda: film[:3], _DAMAGED
    yield "JPEG and a ZIP archive", lambda: film + _zip(), "accepted"
    exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\xff\xff\xff\xff" * 5000
    yield (
        "JPEG with a circular EXIF",
        lambda: film[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + film[2:],
        "accepted unreadable",
    )
    yield (
        "JPEG with 3,000 comments",
        lambda: film[:2] + (b"\xff\xfe\0\x22" + PLANTED.ljust(32).encode()) * 3000 + film[2:],
        "accepted",
    )
    yield "JPEG that is DICOM at 128", lambda: _at_128(film), "accepted truncated unreadable"


def _repeated_scan() -> bytes:
    film = jpeg(np.kron(SMALL, np.ones((4, 4), np.uint8)), progressive=True)
    last = film.rindex(b"\xff\xda")
    return film[:last] + film[last:-2] * 2000 + film[-2:]


def _at_128(data: bytes) -> bytes:
    return data[:128] + b"DICM" + data[132:]


def _zip() -> bytes:
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{PLANTED}.txt", PLANTED)
    return buffer.getvalue()


def _other_kinds() -> Iterator[Picture]:
    yield (
        "PDF that is DICOM at 128",
        lambda: _at_128(b"%PDF-1.7\n".ljust(4000)),
        ("truncated unreadable no_pixels"),
    )
    yield (
        "a script that is a DICOM film",
        lambda: b"#!/bin/sh\necho owned\n".ljust(128, b"\n") + dicom_bytes(deep())[128:],
        "accepted",
    )
    yield "a ZIP archive", _zip, "not_an_image"
    yield "a gzip archive", lambda: b"\x1f\x8b" + bytes(500), "not_an_image"
    yield "a web page", lambda: b"<!DOCTYPE html>" + PLANTED.encode(), "not_an_image"
    yield "a program", lambda: b"\x7fELF" + bytes(500), "not_an_image"
    yield "zeros", lambda: bytes(10_000), "not_an_image"
    yield "ones", lambda: b"\xff" * 10_000, "not_an_image"
    yield "one byte", lambda: b"\x08", "not_an_image"
    yield (
        "a bare group 8 and no more",
        lambda: b"\x08\0\x05\0CS",
        "truncated unreadable not_an_image",
    )
    yield (
        "a film of noise",
        lambda: dicom_bytes(
            dataset(np.random.default_rng(0).integers(0, 4096, DEEP.shape, dtype=np.uint16))
        ),
        "noise",
    )
    yield "a film of one shade", lambda: dicom_bytes(dataset(np.full_like(DEEP, 777))), "blank"
