"""The bulletin as tagged PDF (PDF/UA-1) by typst, with its embedded fonts and nothing else.

Data travels as JSON in `sys.inputs`; no string is ever part of the program.
"""

import json
from typing import Any

import typst

from dashboard.bulletin.contents import Bulletin
from dashboard.bulletin.html import template
from dashboard.bulletin.view import view

FONT = "Libertinus Serif"
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
FIRST_UNDRAWN = 0x2E80  # from here on (CJK, emoji) the embedded fonts have next to nothing
NOWHERE = "/nonexistent"  # typst must not look for packages
PROBE = b'#set text(font: "Libertinus Serif")\n#set document(title: "-")\n#sys.inputs.text'


def pdf(bulletin: Bulletin) -> bytes:
    """The document's bytes; its only date is that of the version it was counted from."""
    words = view(bulletin, FONT)
    missing = undrawable("".join(sorted(set(_letters(words)))))
    inputs = {"bulletin": json.dumps(_drawable(words, missing), ensure_ascii=False)}
    moment = int(bulletin.version.recorded_at.timestamp())
    return _compile(template("bulletin.typ").encode(), inputs, moment)


def undrawable(characters: str) -> set[str]:
    """Those of the characters that typst's fonts cannot show. PDF/UA refuses to leave a box."""
    beyond = {c for c in characters if ord(c) >= FIRST_UNDRAWN and c != UNKNOWN}
    return beyond | _tried("".join(c for c in characters if c not in beyond and not c.isascii()))


def _tried(characters: str) -> set[str]:
    """Asks typst, by halves: one try says that all of them can be drawn."""
    if not characters or _can_draw(characters):
        return set()
    if len(characters) == 1:
        return {characters}
    half = len(characters) // 2
    return _tried(characters[:half]) | _tried(characters[half:])


def _can_draw(characters: str) -> bool:
    try:
        _compile(PROBE, {"text": " ".join(characters)}, 0)
    except typst.TypstError:
        return False
    return True


def _compile(program: bytes, inputs: dict[str, str], moment: int) -> bytes:
    made = typst.compile(
        program,
        sys_inputs=inputs,
        ignore_system_fonts=True,
        pdf_standards=["ua-1"],
        timestamp=moment,
        package_path=NOWHERE,
        package_cache_path=NOWHERE,
    )
    assert isinstance(made, bytes)
    return made


def _letters(words: Any) -> str:
    if isinstance(words, dict):
        return "".join(_letters(value) for value in words.values())
    if isinstance(words, list):
        return "".join(_letters(value) for value in words)
    return words if isinstance(words, str) else ""


def _drawable(words: Any, missing: set[str]) -> Any:
    if isinstance(words, dict):
        return {key: _drawable(value, missing) for key, value in words.items()}
    if isinstance(words, list):
        return [_drawable(value, missing) for value in words]
    if isinstance(words, str):
        return words.translate({ord(c): UNKNOWN for c in missing})
    return words
