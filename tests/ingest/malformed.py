"""Malformed and hostile inputs of our own, each with the outcomes that are admissible.

`cases()` names them; `write` puts one into a folder. An expectation is "accepted", one or
several reasons, or a mixture: where a decoder may rightly give up in more than one way.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from ingest.quiet import quiet
from tests.ingest import malformed_files, malformed_pictures
from tests.ingest.corpus import DEEP, PLANTED, deep, table
from tests.ingest.films import dicom_bytes
from tests.ingest.mutate import elements
from tests.ingest.opening import in_syntax

UNDEFINED = 0xFFFFFFFF


@dataclass(frozen=True)
class Case:
    """One input. `make` gives its bytes, or writes whatever it is into the folder."""

    name: str
    expected: frozenset[str]
    make: Callable[[], bytes] | Callable[[Path], None]
    by_folder: bool = False

    def write(self, folder: Path) -> None:
        """Into a folder of its own, under a name that carries an identity."""
        folder.mkdir()
        with quiet():
            self._write(folder)

    def _write(self, folder: Path) -> None:
        if self.by_folder:
            self.make(folder)  # type: ignore[call-arg]
        else:
            (folder / f"{PLANTED} {self.name}.dcm").write_bytes(self.make())  # type: ignore[call-arg]


def cases() -> list[Case]:
    """All of them, in a fixed order."""
    found = [*_header_cases(), *_length_cases(), *_cut_cases(), *_pixel_cases(), *_text_cases()]
    for name, make, expected in malformed_pictures.cases():
        found.append(Case(name, frozenset(expected.split()), make))
    for name, put, expected in malformed_files.cases():
        found.append(Case(name, frozenset(expected.split()), put, by_folder=True))
    return found


def element(group: int, number: int, vr: bytes, value: bytes, length: int | None = None) -> bytes:
    """One explicit little-endian element; `length` may lie."""
    size = len(value) if length is None else length
    head = struct.pack("<HH2s", group, number, vr)
    if vr in (b"OB", b"OW", b"OF", b"SQ", b"UN", b"UT", b"UC", b"UR"):
        return head + struct.pack("<HI", 0, size & 0xFFFFFFFF) + value
    return head + struct.pack("<H", size & 0xFFFF) + value


def good(**changes: object) -> bytes:
    """A film that is accepted as it is."""
    return dicom_bytes(deep(**changes))


def with_before_pixels(raw: bytes) -> bytes:
    """A good film with raw elements between its header and its pixels."""
    data = good()
    at = data.index(b"\xe0\x7f\x10\x00")
    return data[:at] + raw + data[at:]


def place_of(data: bytes, group: int, number: int) -> tuple[int, int, int]:
    """Start, value and end of an element."""
    tag = struct.pack("<HH", group, number)
    return next(found for found in elements(data) if data[found[0] : found[0] + 4] == tag)


def patched(group: int, number: int, value: bytes, **changes: object) -> bytes:
    """A good film with the bytes of one value replaced, at its length."""
    data = good(**changes)
    _, at, end = place_of(data, group, number)
    return data[:at] + value.ljust(end - at, b" ")[: end - at] + data[end:]


def _word(number: int) -> Callable[[int], Callable[[], bytes]]:
    return lambda value: lambda: patched(0x28, number, struct.pack("<H", value))


def _case(name: str, expected: str, make: Callable[[], bytes]) -> Case:
    return Case(name, frozenset(expected.split()), make)


def nested(depth: int, *, closed: bool) -> bytes:
    """Sequences within sequences, of undefined length."""
    opening = element(0x40, 0x275, b"SQ", b"", UNDEFINED) + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    closing = b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0"
    return opening * depth + closing * (depth if closed else 0)


def nested_with_lengths(depth: int) -> bytes:
    """The same with each length given."""
    inner = b""
    for _ in range(depth):
        item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner
        inner = element(0x40, 0x275, b"SQ", item)
    return inner


def _header_cases() -> Iterator[Case]:
    many = b"".join(element(0x09, 0x1000 + i % 0xEFFF, b"LO", b"ab") for i in range(100_000))
    yield _case("100,000 private elements", "accepted", lambda: with_before_pixels(many))
    yield _case(
        "100 nested sequences", "accepted", lambda: with_before_pixels(nested(100, closed=True))
    )
    for depth in (3000, 20_000):
        for closed in (True, False):
            raw = nested(depth, closed=closed)
            yield _case(
                f"{depth} nested sequences, {'closed' if closed else 'open'}",
                "unreadable truncated accepted",
                lambda raw=raw: with_before_pixels(raw),
            )
    deep_lengths = nested_with_lengths(2000)
    yield _case(
        "2,000 nested with lengths", "accepted unreadable", lambda: with_before_pixels(deep_lengths)
    )
    for group, number in ((0x08, 0x16), (0x08, 0x60), (0x10, 0x20), (0x28, 0x10)):
        yield _case(
            f"({group:04x},{number:04x}) as a tree of sequences",
            "accepted unreadable no_pixels",
            lambda g=group, n=number: _tree(g, n),
        )
    yield _case("a header that prints as gigabytes", "no_pixels", prints_as_gigabytes)
    items = b"\xfe\xff\x00\xe0\0\0\0\0" * 200_000
    wide = element(0x40, 0x275, b"SQ", items)
    yield _case("200,000 empty items", "accepted", lambda: with_before_pixels(wide))
    yield _case(
        "a delimiter out of place",
        "accepted unreadable truncated",
        lambda: with_before_pixels(b"\xfe\xff\x0d\xe0\0\0\0\0"),
    )
    yield _case(
        "a sequence delimiter out of place",
        "accepted unreadable truncated",
        lambda: with_before_pixels(b"\xfe\xff\xdd\xe0\0\0\0\0"),
    )
    yield _case(
        "an item out of place",
        "accepted unreadable truncated",
        lambda: with_before_pixels(b"\xfe\xff\x00\xe0\x04\0\0\0abcd"),
    )
    yield _case("pixels nested in an icon only", "truncated no_pixels", _icon_only)
    yield _case("an icon before the pixels", "accepted", _icon)
    yield _case("each element twice", "accepted", _doubled)
    yield _case(
        "a second, smaller Rows",
        "accepted truncated unreadable too_small",
        lambda: with_before_pixels(element(0x28, 0x10, b"US", b"\x10\0")),
    )
    yield _case("elements in reverse order", "accepted no_pixels truncated unreadable", _reversed)
    yield _case("a group length in each group", "accepted", _group_lengths)
    for length in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF):
        yield _case(
            f"a meta group length of {length}", "accepted", lambda v=length: _meta_length(v)
        )
    for syntax in ("1.2.840.10008.1.2.9", "1.2.840.113619.5.2", "", "x" * 60, "1.2.840.10008.1.1"):
        expected = "unreadable accepted" if not syntax else "unreadable"
        yield _case(f"the transfer syntax {syntax[:30]!r}", expected, lambda s=syntax: _in_name(s))
    yield _case("explicit data called implicit", "accepted", lambda: _in_name("1.2.840.10008.1.2"))
    yield _case(
        "little-endian data called big",
        "truncated unreadable no_pixels not_an_xray",
        lambda: _in_name("1.2.840.10008.1.2.2"),
    )
    yield _case(
        "native data called deflated",
        "unreadable truncated",
        lambda: _in_name("1.2.840.10008.1.2.1.99"),
    )
    for syntax in (
        uid.JPEGBaseline8Bit,
        uid.JPEG2000,
        uid.JPEGLSLossless,
        uid.RLELossless,
        uid.JPEGLossless,
        uid.JPEGExtended12Bit,
        uid.HTJ2K,
    ):
        yield _case(
            f"native data called {syntax.name}",
            "unreadable truncated",
            lambda s=syntax: _in_name(s),
        )
    for vr in (b"\0\0", b"XX", b"??", b"UN", b"SQ", b"OB", b"PN", b"FD", b"UT"):
        yield _case(
            f"Rows as {vr!r}",
            "accepted unreadable truncated no_pixels",
            lambda v=vr: _other_vr(0x28, 0x10, v),
        )
        yield _case(
            f"PatientID as {vr!r}",
            "accepted unreadable truncated no_pixels",
            lambda v=vr: _other_vr(0x10, 0x20, v),
        )
    yield _case("pixels as O2", "unreadable truncated", lambda: _other_vr(0x7FE0, 0x10, b"O2"))
    yield _case("pixels as UN", "accepted", lambda: _other_vr(0x7FE0, 0x10, b"UN"))
    yield _case("pixels as SQ", "unreadable truncated", lambda: _other_vr(0x7FE0, 0x10, b"SQ"))


def prints_as_gigabytes() -> bytes:
    """Found by fuzzing: sequences in sequences that share their bytes, 2^19 of them in 2 kB."""
    head = b"\x08\0\x16\0SQ\x1a\x001."
    return bytes(128) + b"DICM" + (head + bytes(70) + b"DICM") * 19 + head


def _tree(group: int, number: int) -> bytes:
    """Sixteen items in each of four levels."""
    inner = b""
    for _ in range(3):
        item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner
        inner = element(0x40, 0x275, b"SQ", item * 16)
    data = good()
    start, _, end = place_of(data, group, number)
    item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner
    return data[:start] + element(group, number, b"SQ", item * 16) + data[end:]


def _icon() -> bytes:
    made, icon = deep(), Dataset()
    icon.Rows, icon.Columns, icon.PixelData = 8, 8, bytes(64)
    icon["PixelData"].VR = "OB"
    made.IconImageSequence = Sequence([icon])
    return dicom_bytes(made)


def _icon_only() -> bytes:
    data = _icon()
    return data[: place_of(data, 0x7FE0, 0x10)[0]]


def _doubled() -> bytes:
    data = good()
    found = [e for e in elements(data) if data[e[0] : e[0] + 2] not in (b"\x02\0", b"\xe0\x7f")]
    start = found[0][0]
    body = b"".join(data[s:e] * 2 for s, _, e in found)
    return data[:start] + body + data[found[-1][2] :]


def _reversed() -> bytes:
    data = good()
    found = [e for e in elements(data) if data[e[0] : e[0] + 2] != b"\x02\0"]
    return data[: found[0][0]] + b"".join(data[s:e] for s, _, e in reversed(found))


def _group_lengths() -> bytes:
    data = good()
    start = place_of(data, 0x08, 0x16)[0]
    return data[:start] + element(0x08, 0, b"UL", b"\x01\0\0\0") + data[start:]


def _meta_length(value: int) -> bytes:
    data = good()
    return data[:140] + struct.pack("<I", value) + data[144:]


def _in_name(syntax: str) -> bytes:
    data = good()
    start, _, end = place_of(data, 0x02, 0x10)
    name = syntax.encode() + b"\0" * (len(syntax) % 2)
    return data[:start] + element(2, 0x10, b"UI", name) + data[end:]


def _other_vr(group: int, number: int, vr: bytes) -> bytes:
    data = good()
    start, at, end = place_of(data, group, number)
    return data[:start] + element(group, number, vr, data[at:end]) + data[end:]


def _length_cases() -> Iterator[Case]:
    broken = "truncated unreadable no_pixels not_an_xray accepted not_a_chest"
    for size in (200 * 2**20, 0x7FFFFFFF, 0xFFFFFFFE):
        yield _case(
            f"a private value of {size} bytes, not there",
            "truncated",
            lambda n=size: with_before_pixels(element(9, 0x1001, b"OB", b"ab", n)),
        )
        yield _case(
            f"pixels of {size} bytes, not there",
            "truncated accepted",
            lambda n=size: _pixel_length(n),
        )
    for vr in (b"OB", b"UN", b"SQ", b"UT", b"UC"):
        yield _case(
            f"a private {vr.decode()} of undefined length",
            "truncated unreadable",
            lambda v=vr: with_before_pixels(element(9, 0x1001, v, b"", UNDEFINED)),
        )
    yield _case(
        "native pixels of undefined length",
        "truncated unreadable",
        lambda: _pixel_length(UNDEFINED),
    )
    yield _case("pixels of length 0", "truncated", lambda: _pixel_length(0))
    yield _case("pixels of odd length", "truncated", lambda: _pixel_length(2 * DEEP.size - 1))
    yield _case(
        "a text of 65,535 bytes, not there",
        broken,
        lambda: with_before_pixels(element(9, 0x1001, b"LO", b"ab", 0xFFFF)),
    )
    yield _case(
        "a length that ends within the next element",
        broken,
        lambda: with_before_pixels(element(9, 0x1001, b"LO", b"ab", 7)),
    )
    yield _case(
        "a length of 0 with a value after it",
        broken,
        lambda: with_before_pixels(element(9, 0x1001, b"LO", b"abcd", 0)),
    )


def _pixel_length(size: int) -> bytes:
    data = good()
    _, at, _ = place_of(data, 0x7FE0, 0x10)
    return data[: at - 4] + struct.pack("<I", size) + data[at:]


def _cut_cases() -> Iterator[Case]:
    data = good()
    cut_short = "truncated no_pixels not_an_xray not_a_chest unreadable"
    marks = {0: "empty", 4: "not_an_image", 128: "not_an_image", 132: "truncated"}
    for cut, expected in marks.items():
        yield _case(f"cut at byte {cut}", expected, lambda n=cut: data[:n])
    for start, value, end in elements(data):
        tag = data[start : start + 4].hex()
        for what, at in (("start", start), ("value", value), ("middle", (value + end) // 2)):
            if start > 132:
                yield _case(f"cut at the {what} of {tag}", cut_short, lambda n=at: data[:n])
    yield _case("cut one byte before the end", "truncated", lambda: data[:-1])
    packed = in_syntax(deep(), uid.JPEGLSLossless)
    for part in (0.3, 0.6, 0.9, 0.99):
        yield _case(
            f"JPEG-LS cut at {part}",
            "truncated no_pixels",
            lambda p=part: packed[: int(len(packed) * p)],
        )


def _pixel_cases() -> Iterator[Case]:
    rows, columns, allocated, stored, high = (_word(n) for n in (0x10, 0x11, 0x100, 0x101, 0x102))
    for value, expected in (
        (0, "unreadable"),
        (1, "too_small"),
        (95, "too_small"),
        (113, "truncated"),
        (65535, "truncated"),
    ):
        yield _case(f"Rows {value}", expected, rows(value))
    for value, expected in ((0, "unreadable"), (1, "too_small"), (65535, "truncated")):
        yield _case(f"Columns {value}", expected, columns(value))
    yield _case(
        "65,535 by 65,535", "pixel_bomb", lambda: dicom_bytes(deep(Rows=65535, Columns=65535))
    )
    for value in (0, 1, 7, 12, 24, 32, 64, 65535):
        yield _case(f"BitsAllocated {value}", "unreadable accepted", allocated(value))
    for value, expected in (
        (0, "accepted"),
        (17, "unreadable"),
        (65535, "unreadable"),
        (1, "accepted noise blank"),
    ):
        yield _case(f"BitsStored {value}", expected, stored(value))
    for value in (0, 3, 14, 15, 16, 65535):
        yield _case(f"HighBit {value}", "accepted", high(value))
    yield _case("SamplesPerPixel 0", "accepted", _word(2)(0))
    for value, expected in ((2, "unreadable"), (3, "truncated"), (65535, "unreadable")):
        yield _case(f"SamplesPerPixel {value}", expected, _word(2)(value))
    yield _case("PixelRepresentation 7", "accepted", _word(0x103)(7))
    for frames, expected in (("1000000", "multi_frame"), ("-5", "accepted"), ("0", "accepted")):
        yield _case(
            f"NumberOfFrames {frames}", expected, lambda f=frames: with_number_of_frames(f.encode())
        )
    yield _case("NumberOfFrames in words", "accepted", lambda: with_number_of_frames(b"many"))
    yield _case(
        "more pixels than declared",
        "accepted",
        lambda: good(PixelData=DEEP.tobytes() + bytes(5000)),
    )
    yield _case(
        "fewer pixels than declared", "truncated", lambda: good(PixelData=DEEP.tobytes()[:-2])
    )
    yield _case("pixels as fractions", "unreadable", _floats)
    yield _case("pixels of one byte", "truncated", lambda: good(PixelData=b"\0\0"))
    curve = np.arange(4096) * 16
    for kind in ("ModalityLUTSequence", "VOILUTSequence"):
        yield _case(f"{kind} of no bytes", "accepted", lambda k=kind: good(**{k: _emptied(curve)}))
        yield _case(
            f"{kind} that is flat", "accepted", lambda k=kind: good(**{k: table(np.zeros(4096))})
        )
        yield _case(f"{kind} of 77 bits", "accepted", lambda k=kind: good(**{k: table(curve, 77)}))
        yield _case(
            f"{kind} of one entry", "accepted", lambda k=kind: good(**{k: table(curve[:1])})
        )
        yield _case(f"{kind} without items", "accepted", lambda k=kind: good(**{k: Sequence([])}))
    for slope, intercept in (
        ("1e308", "1e308"),
        ("nan", "0"),
        ("inf", "0"),
        ("0", "0"),
        ("-1", "4095"),
        ("x", "y"),
        ("1e-320", "0"),
    ):
        yield _case(
            f"a rescale of {slope} and {intercept}",
            "accepted blank noise",
            lambda a=slope, b=intercept: _raw_text({(0x28, 0x1053): a, (0x28, 0x1052): b}),
        )
    for center, width in (
        ("1e300", "1e300"),
        ("nan", "nan"),
        ("2000", "-1"),
        ("2000", "0"),
        ("\\\\\\", "\\\\"),
        ("2000,5", "4000,5"),
    ):
        yield _case(
            f"a window of {center} and {width}",
            "accepted",
            lambda a=center, b=width: _raw_text({(0x28, 0x1050): a, (0x28, 0x1051): b}),
        )
    yield _case("a million windows", "accepted", lambda: _many_values(0x1050))
    yield _case(
        "padding that covers everything",
        "accepted",
        lambda: with_before_pixels(
            element(0x28, 0x120, b"US", b"\0\0") + element(0x28, 0x121, b"US", b"\xff\xff")
        ),
    )
    for descriptor in ((256, 0), (256, 0, 77), (0, 0, 0), (65535, 65535, 65535), ()):
        yield _case(
            f"a palette of {descriptor}",
            "unreadable accepted blank",
            lambda d=descriptor: _palette(d),
        )


def with_number_of_frames(value: bytes) -> bytes:
    """Between SamplesPerPixel and Rows, where it belongs."""
    data = good()
    at = place_of(data, 0x28, 0x10)[0]
    value += b" " * (len(value) % 2)
    return data[:at] + element(0x28, 8, b"IS", value) + data[at:]


def _floats() -> bytes:
    made = deep()
    del made.PixelData
    made.FloatPixelData = DEEP.astype("<f4").tobytes()
    made.BitsAllocated = 16
    return dicom_bytes(made)


def _emptied(curve: np.ndarray) -> Sequence:
    made = table(curve)
    made[0].LUTData = b""
    return made


def _raw_text(values: dict[tuple[int, int], str]) -> bytes:
    raw = b""
    for (group, number), value in sorted(values.items()):
        text = value.encode() + b" " * (len(value) % 2)
        raw += element(group, number, b"DS", text)
    return with_before_pixels(raw)


def _many_values(number: int) -> bytes:
    value = b"\\".join([b"2000"] * 1_000_000)
    return with_before_pixels(element(0x28, number, b"UT", value + b" " * (len(value) % 2)))


def _palette(descriptor: tuple[int, ...]) -> bytes:
    made = deep(PhotometricInterpretation="PALETTE COLOR")
    for colour in ("Red", "Green", "Blue"):
        prefix = f"{colour}PaletteColorLookupTable"
        setattr(made, f"{prefix}Descriptor", list(descriptor))
        made[f"{prefix}Descriptor"].VR = "US"
        setattr(made, f"{prefix}Data", (np.arange(256) * 257).astype("<u2").tobytes())
    return dicom_bytes(made)


def _text_cases() -> Iterator[Case]:
    texts = {
        "SQL in a tag": f"{PLANTED}'); DROP TABLE studies; --",
        "an ANSI escape": f"{PLANTED}\x1b[2J\x1b]0;owned\x07",
        "control characters": PLANTED + "".join(map(chr, range(1, 32))),
        "a format string": f"{PLANTED}%s%n{{0}}",
        "markup": f"<script>alert('{PLANTED}')</script>",
        "a newline": f"{PLANTED}\r\nX-Injected: 1",
        "a null": f"{PLANTED}\0{PLANTED}",
        "a right-to-left override": f"{PLANTED}\u202e\u2066",
        "a path": f"../../../../{PLANTED}",
        "10,000 letters": PLANTED * 2000,
    }
    for name, text in texts.items():
        for keyword in ("PatientID", "StudyDescription", "IssuerOfPatientID"):
            yield _case(
                f"{name} in {keyword}", "accepted", lambda k=keyword, t=text: _unchecked(k, t)
            )
    for keyword, expected in (
        ("Modality", "not_an_xray"),
        ("BodyPartExamined", "not_a_chest"),
        ("SOPInstanceUID", "accepted"),
        ("ViewPosition", "accepted"),
        ("PatientAge", "accepted"),
        ("StudyDate", "accepted"),
    ):
        yield _case(
            f"SQL in {keyword}", expected, lambda k=keyword: _unchecked(k, texts["SQL in a tag"])
        )
        yield _case(
            f"an ANSI escape in {keyword}",
            expected,
            lambda k=keyword: _unchecked(k, texts["an ANSI escape"]),
        )
    for charset in ("ISO_IR 999", "\\", "ISO 2022 IR 87\\ISO 2022 IR 149\\GB18030", "utf-16"):
        yield _case(
            f"the character set {charset!r}",
            "accepted",
            lambda c=charset: _unchecked("SpecificCharacterSet", c),
        )
    yield _case("a million values in PatientID", "accepted", lambda: _million("PatientID"))


def _unchecked(keyword: str, text: str) -> bytes:
    """Written byte for byte, whatever the value representation allows."""
    made = deep()
    setattr(made, keyword, "1")
    data = dicom_bytes(made)
    tag = made[keyword].tag
    start, at, end = place_of(data, tag.group, tag.element)
    value = text.encode()
    value += b" " * (len(value) % 2)
    raw = element(tag.group, tag.element, data[start + 4 : start + 6], value)
    return data[:start] + raw + data[max(at, end) :]


def _million(keyword: str) -> bytes:
    data = good()
    tag = deep()[keyword].tag
    start, _, end = place_of(data, tag.group, tag.element)
    raw = element(tag.group, tag.element, b"UC", b"\\".join([b"1"] * 1_000_000) + b" ")
    return data[:start] + raw + data[end:]
