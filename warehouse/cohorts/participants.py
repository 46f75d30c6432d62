"""The criteria about participants: studies, spacing, index and follow_up, read from words."""

from collections.abc import Sequence

from warehouse.cohorts.cursor import Cursor
from warehouse.cohorts.tree import Criterion, FollowUp, Index, Spacing, Studies
from warehouse.cohorts.values import integer
from warehouse.cohorts.words import Word


def participant(cursor: Cursor) -> list[Criterion]:
    """The criterion whose first word comes next; a follow-up may bring its index along."""
    match cursor.take().value.lower():
        case "studies":
            operator = cursor.operator("=", "<", "<=", ">", ">=")
            return [Studies(operator, integer(cursor.take(), "a whole number of X-rays"))]
        case "spacing":
            return [Spacing(cursor.operator(">=", "<="), _days(cursor))]
        case "index":
            cursor.operator("=")
            return [which(cursor)]
    return _follow_up(cursor)


def which(cursor: Cursor) -> Index:
    """first or last, then qualifying, positive or confirmed."""
    word = cursor.take()
    if not word.is_word("first", "last"):
        raise word.error("first or last, then qualifying, positive or confirmed if wanted")
    qualifying = cursor.taken("qualifying")
    kind = cursor.next.value.lower() if cursor.next.is_word("positive", "confirmed") else ""
    cursor.at += bool(kind)
    return Index(word.is_word("last"), qualifying, kind)


def check_indices(criteria: Sequence[Criterion], start: Word) -> None:
    """One index date at most, and it stands before the window that counts from it."""
    indices = [at for at, one in enumerate(criteria) if isinstance(one, Index)]
    windows = [at for at, one in enumerate(criteria) if isinstance(one, FollowUp)]
    if len(indices) > 1:
        raise start.error("one index date; there are several")
    if windows and (not indices or indices[0] > windows[0]):
        raise start.error("`follow_up = … from first` (or `index = …` before it) to count from")


def _follow_up(cursor: Cursor) -> list[Criterion]:
    cursor.operator("=")
    first = integer(cursor.take(), "the first day after the index date, such as 0 or -30")
    cursor.mark("..")
    word = cursor.next
    last = integer(cursor.take(), "the last day after the index date, such as 90")
    if last < first:
        raise word.error("a day not before the first one")
    _day_word(cursor)
    window = FollowUp(first, last)
    return [which(cursor), window] if cursor.taken("from") else [window]


def _days(cursor: Cursor) -> int:
    number = integer(cursor.take(), "a whole number of days")
    _day_word(cursor)
    return number


def _day_word(cursor: Cursor) -> None:
    if not cursor.taken("days", "day"):
        raise cursor.next.error("days")
