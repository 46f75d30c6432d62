import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.doors.multipart import MOST_PARTS, MalformedError, boundary_of, media_type, split
from tests.ingest.stow_door import message


def contents(body: bytes, boundary: bytes = b"XX") -> list[bytes]:
    return [body[part.start : part.end] for part in split(body, boundary)]


@pytest.mark.parametrize(
    ("header", "boundary"),
    [
        ('multipart/related; type="application/dicom"; boundary=XX', b"XX"),
        ("Multipart/Related;boundary=XX;type=application/dicom", b"XX"),
        ('multipart/related; boundary="a b:=?"; type="application/dicom"', b"a b:=?"),
        ('multipart/related; boundary="a\\"b"', None),
        ("multipart/related", None),
        ("multipart/related; boundary=", None),
        ('multipart/related; boundary="ends with a blank "', None),
        ("multipart/related; boundary=" + 201 * "a", None),
    ],
)
def test_the_boundary_is_read_quoted_or_not(header: str, boundary: bytes | None) -> None:
    if boundary is None:
        with pytest.raises(MalformedError):
            boundary_of(media_type(header))
    else:
        assert boundary_of(media_type(header)) == boundary


@pytest.mark.parametrize("header", ["a/b; boundary", 'a/b; boundary="open', "a/b; =x"])
def test_a_content_type_that_cannot_be_read(header: str) -> None:
    with pytest.raises(MalformedError, match="Content-Type cannot be read"):
        media_type(header)


def test_parts_come_out_as_they_went_in() -> None:
    first, second = b"\0\r\nabc\r\n", bytes(range(256)) * 3
    assert contents(message(first, second)) == [first, second]
    assert [part.media_type for part in split(message(b"x"), b"XX")] == ["application/dicom"]


_NEARLY = st.sampled_from([b"\r\n", b"\n", b"--", b"X", b"--XX", b"\r", b"", b"--XX--", b"\0"])
_CONTENT = st.one_of(st.binary(max_size=40), st.lists(_NEARLY, max_size=12).map(b"".join))


@given(st.lists(_CONTENT.filter(lambda one: b"--XX" not in one), min_size=1, max_size=5))
def test_whatever_does_not_hold_the_boundary_comes_out_as_it_went_in(parts: list[bytes]) -> None:
    assert contents(message(*parts)) == parts


@given(st.lists(_NEARLY, max_size=40).map(b"".join))
def test_any_bytes_are_parts_within_the_message_or_malformed(body: bytes) -> None:
    try:
        found = split(body, b"XX")
    except MalformedError:
        return
    assert all(0 <= part.start <= part.end <= len(body) for part in found)


def test_preamble_epilogue_padding_and_bare_line_feeds() -> None:
    body = b"hello\r\n--XX \t\r\nContent-Type: application/dicom\r\n\r\none\r\n--XX--\r\nbye --XX"
    assert contents(body) == [b"one"]
    assert contents(b"--XX\nContent-Type: application/dicom\n\none\n--XX\n\ntwo\n--XX--") == [
        b"one",
        b"two",
    ]


def test_what_only_looks_like_a_boundary_is_content() -> None:
    tricky = b"a--XX\r\n\r\n--XXY\r\n--X\r\n--XX is no line of its own\r\nb"
    assert contents(message(tricky, b"")) == [tricky, b""]


def test_headers_may_be_folded_or_left_out() -> None:
    body = b"--XX\r\nContent-ID: 1\r\nCONTENT-TYPE:\r\n application/dicom;\r\n\tx=1\r\n\r\na\r\n"
    (part, other) = split(body + b"--XX\r\n\r\nb\r\n--XX--", b"XX")
    assert (part.media_type, other.media_type) == ("application/dicom", "")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "cut off"),
        (b"no boundary at all", "cut off"),
        (message(b"one")[:-6], "cut off"),
        (b"--XX--\r\n", "no parts"),
        (b"--XX\r\nContent-Type: application/dicom\r\n--XX--", "no headers"),
        (b"--XX\r\nX: " + 20_000 * b"a" + b"\r\n\r\na\r\n--XX--", "too long"),
        ((MOST_PARTS + 1) * b"--XX\r\n\r\n\r\n" + b"--XX--", f"more than {MOST_PARTS}"),
    ],
)
def test_a_message_that_cannot_be_relied_on_says_why(body: bytes, said: str) -> None:
    with pytest.raises(MalformedError, match=said):
        split(body, b"XX")
