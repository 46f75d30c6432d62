"""The words of a cohort expression, each with where it stands."""

import re
from dataclasses import dataclass

from ingest.errors import UserError

LONGEST = 10_000  # characters of one expression
RESERVED = frozenset({"and", "or", "not", "in", "between", "is", "from"})
_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"]|"")*"|'(?:[^']|'')*')
    |(?P<operator>>=|<=|!=|<>|==|=|<|>)
    |(?P<mark>\.\.|[(),])
    |(?P<word>(?:(?!\.\.)[^\s()<>=!,"'])+)""",
    re.VERBOSE,
)
_OPERATORS = {"==": "=", "<>": "!="}


@dataclass(frozen=True, slots=True)
class Word:
    """One word. `kind` is text (was quoted), operator, mark, word or end."""

    kind: str
    value: str
    position: int  # of its first character, from 1
    where: str = "--where"

    def is_word(self, *values: str) -> bool:
        """One of these words, unquoted; case does not count."""
        return self.kind == "word" and self.value.lower() in values

    def is_mark(self, value: str) -> bool:
        """This mark."""
        return self.kind == "mark" and self.value == value

    def error(self, expected: str) -> UserError:
        """What stands here, and what could stand here."""
        found = "the end" if self.kind == "end" else repr(self.value)
        return UserError(f"{self.where}, character {self.position}: {found}; expected {expected}")


def words(text: str, where: str = "--where") -> list[Word]:
    """The words of an expression and its end. `where` names it in errors.

    UserError for a quote that is not closed, a character that stands for nothing, and an
    expression of more than LONGEST characters.
    """
    if len(text) > LONGEST:
        raise UserError(f"{where}: {len(text)} characters; an expression has at most {LONGEST}")
    found, at = [], _blank(text, 0)
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _stray(text, at, where)
        found.append(_word(match, where))
        at = _blank(text, match.end())
    return [*found, Word("end", "", len(text) + 1, where)]


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _word(match: re.Match[str], where: str) -> Word:
    kind, value = str(match.lastgroup), match.group()
    if kind == "text":
        value = value[1:-1].replace(value[0] * 2, value[0])
        if not value.isprintable():
            raise UserError(f"{where}, character {match.start() + 1}: an unprintable character")
    return Word(kind, _OPERATORS.get(value, value), match.start() + 1, where)


def _stray(text: str, at: int, where: str) -> UserError:
    place = f"{where}, character {at + 1}"
    if text[at] in "\"'":
        return UserError(f"{place}: a quote that is not closed")
    return UserError(f"{place}: {text[at]!r} means nothing here; write it in quotes")
