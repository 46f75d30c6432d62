"""A user's CSV as text: the mistakes of a whole file, named with the way out."""

from collections.abc import Sequence
from pathlib import Path

from ingest.errors import InputError


def read_text(path: Path, needed: Sequence[str]) -> str:
    """The file's text; `needed` are the columns that an empty one is told of.

    Raises InputError where it cannot be read, is not UTF-8 or is empty.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from None
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError("is UTF-16; save it as CSV UTF-8", file=path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8; save it as CSV UTF-8", file=path, line=line) from None
    if "\0" in text:
        raise InputError("holds NUL characters: it is not a CSV file", file=path)
    if not text.strip():
        raise InputError(f"is empty; it needs a header {','.join(needed)}", file=path)
    return text


def separator(text: str) -> str:
    """What the header has most of; spreadsheets of many countries write semicolons."""
    return max(",;\t", key=text.splitlines()[0].count)
