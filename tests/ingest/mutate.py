"""Damage done to films on purpose: by bytes, and by the elements and markers they consist of."""

import random
import struct
from collections.abc import Callable

Mutation = Callable[[bytearray, random.Random], bytearray]

_LONG = frozenset(b"OB OW OF OD OL OV SQ UC UN UR UT".split())
_VRS = b"AE AS CS DA DS DT IS LO LT OB OW OF PN SH SQ SS ST TM UI UL UN US UT XX \0\0".split(b" ")
_EXTREMES = (0, 1, 2, 7, 8, 255, 256, 32767, 32768, 65534, 65535)
_LENGTHS = (0, 1, 2, 3, 13, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)
_TOKENS = (
    b"\xfe\xff\x00\xe0\xff\xff\xff\xff",
    b"\xfe\xff\x00\xe0\0\0\0\0",
    b"\xfe\xff\x0d\xe0\0\0\0\0",
    b"\xfe\xff\xdd\xe0\0\0\0\0",
    b"\x08\0\x40\x11SQ\0\0\xff\xff\xff\xff",
    b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff",
    b"\x09\0\x10\0LO\x04\0ACME",
    b"\x28\0\x08\0IS\x06\x00999999",
    b"\xff\xd8\xff",
    b"\xff\xd9",
    b"\xff\xc4",
    b"\xff\x51\0\x2f",
    b"\xff\x90\0\x0a",
    b"1.2.840.10008.1.2",
    b"IDAT",
    b"zTXt",
    b"%n%s\x1b[2J\0",
)
_SYNTAX_TAIL = (
    b"1.2\0\0\0\0\0",
    b"1.2.1\0\0\0",
    b"1.2.2\0\0\0",
    b"1.2.5\0\0\0",
    b"1.2.1.99",
    b"1.2.4.50",
    b"1.2.4.51",
    b"1.2.4.57",
    b"1.2.4.70",
    b"1.2.4.80",
    b"1.2.4.90",
    b"1.2.4.81",
)


def elements(data: bytes | bytearray) -> list[tuple[int, int, int]]:
    """(start, value, end) of each top-level explicit little-endian element, as far as they go."""
    found = []
    at = 132 if data[128:132] == b"DICM" else 0
    while at + 8 <= len(data):
        long = bytes(data[at + 4 : at + 6]) in _LONG
        value = at + (12 if long else 8)
        width = "<I" if long else "<H"
        if value > len(data) or not bytes(data[at + 4 : at + 6]).isalpha():
            break
        (length,) = struct.unpack_from(width, data, value - struct.calcsize(width))
        end = len(data) if length == 0xFFFFFFFF else value + length
        if end > len(data):
            break
        found.append((at, value, end))
        at = end
    return found


def mutated(data: bytes, chance: random.Random, other: bytes = b"") -> bytes:
    """One to four mutations of a film; `other` is a film to splice from."""
    made = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 3, 4))):
        if not made:
            break
        if other and chance.random() < 0.05:
            made = _splice(made, other, chance)
        else:
            made = chance.choice(MUTATIONS)(made, chance)
    return bytes(made)


def _place(data: bytearray, chance: random.Random) -> int:
    """More often in the header, where the structure is."""
    most = min(len(data), 2048) if chance.random() < 0.6 else len(data)
    return chance.randrange(most)


def _flip(data: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.choice((1, 1, 2, 8))):
        data[_place(data, chance)] ^= 1 << chance.randrange(8)
    return data


def _set_bytes(data: bytearray, chance: random.Random) -> bytearray:
    for _ in range(chance.choice((1, 3, 20))):
        data[_place(data, chance)] = chance.choice((0, 1, 0x7F, 0x80, 0xFE, 0xFF))
    return data


def _cut(data: bytearray, chance: random.Random) -> bytearray:
    boundaries = [place for element in elements(data) for place in element]
    at = chance.choice(boundaries) if boundaries and chance.random() < 0.6 else _place(data, chance)
    return data[:at]


def _token(data: bytearray, chance: random.Random) -> bytearray:
    at, token = _place(data, chance), chance.choice(_TOKENS)
    end = at + len(token) if chance.random() < 0.5 else at
    return data[:at] + token + data[end:]


def _length(data: bytearray, chance: random.Random) -> bytearray:
    found = elements(data)
    if not found:
        return _flip(data, chance)
    start, value, _ = chance.choice(found)
    wide = value - start == 12
    length = chance.choice(_LENGTHS)
    if wide:
        struct.pack_into("<I", data, value - 4, length)
    else:
        struct.pack_into("<H", data, value - 2, length & 0xFFFF)
    return data


def _vr(data: bytearray, chance: random.Random) -> bytearray:
    found = elements(data)
    if found:
        start, _, _ = chance.choice(found)
        data[start + 4 : start + 6] = chance.choice(_VRS)
    return data


def _number(data: bytearray, chance: random.Random) -> bytearray:
    """An extreme in a number of two bytes, which is what the pixel module consists of."""
    found = [(s, v) for s, v, _ in elements(data) if bytes(data[s + 4 : s + 6]) in (b"US", b"SS")]
    if found and (place := chance.choice(found)[1]) + 2 <= len(data):
        struct.pack_into("<H", data, place, chance.choice(_EXTREMES))
    return data


def _value(data: bytearray, chance: random.Random) -> bytearray:
    found = elements(data)
    if found:
        _, value, end = chance.choice(found)
        for at in range(value, min(end, value + 64)):
            data[at] = chance.choice((0, 0x20, 0x2D, 0x39, 0x5C, 0x80, 0xFF, data[at]))
    return data


def _drop(data: bytearray, chance: random.Random) -> bytearray:
    found = elements(data)
    if found:
        start, _, end = chance.choice(found)
        del data[start:end]
    return data


def _double(data: bytearray, chance: random.Random) -> bytearray:
    found = elements(data)
    if found:
        start, _, end = chance.choice(found)
        to = chance.choice(found)[0]
        data[to:to] = data[start : min(end, start + 100_000)]
    return data


def _syntax(data: bytearray, chance: random.Random) -> bytearray:
    at = data.find(b"1.2.840.10008.1.2", 132, 700)
    if at >= 0:
        tail = chance.choice(_SYNTAX_TAIL)
        data[at + 14 : at + 14 + len(tail)] = tail
    return data


def _repeat(data: bytearray, chance: random.Random) -> bytearray:
    at, size = _place(data, chance), chance.choice((1, 8, 64, 1000))
    chunk = data[at : at + size] * chance.choice((2, 20, 300))
    return data[:at] + chunk[:200_000] + data[at + size :]


def _marker(data: bytearray, chance: random.Random) -> bytearray:
    """A changed marker or length within a compressed frame or a PNG."""
    places = [at for at in range(len(data) - 4) if data[at] == 0xFF and data[at + 1] >= 0x4F][:400]
    if places:
        at = chance.choice(places)
        data[at + chance.randrange(1, min(12, len(data) - at))] = chance.randrange(256)
    return data


def _splice(data: bytearray, other: bytes, chance: random.Random) -> bytearray:
    ours, theirs = elements(data), elements(other)
    if not ours or not theirs:
        return data[: _place(data, chance)] + bytearray(other[chance.randrange(len(other)) :])
    start, _, end = chance.choice(theirs)
    to = chance.choice(ours)[0]
    return data[:to] + bytearray(other[start : min(end, start + 100_000)]) + data[to:]


MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _set_bytes,
    _cut,
    _token,
    _length,
    _vr,
    _number,
    _number,
    _value,
    _drop,
    _double,
    _syntax,
    _repeat,
    _marker,
    _marker,
)
