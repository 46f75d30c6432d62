"""The grammar of cohort expressions: a recursive-descent parser, text to frozen tree.

    cohort    := criterion { "and" criterion }          applied in this order
    criterion := either | studies | spacing | index | follow_up
    either    := both { "or" both }
    both      := contrary { "and" contrary }
    contrary  := "not" contrary | "(" either ")" | comparison
    comparison:= FIELD ( = != < <= > >= ) value | FIELD ["not"] "in" "(" value { "," value } ")"
               | FIELD ["not"] "between" value "and" value | FIELD "is" ( "known" | "unknown" )
    studies   := "studies" ( = < <= > >= ) N
    spacing   := "spacing" ( <= >= ) N "days"
    index     := "index" "=" which
    follow_up := "follow_up" "=" N ".." N "days" [ "from" which ]
    which     := ( "first" | "last" ) [ "qualifying" ] [ "positive" | "confirmed" ]

Participants' criteria stand beside the others, never under `or`, `not` or in parentheses.
"""

from dataclasses import dataclass

from warehouse.cohorts.fields import FIELDS, PARTICIPANT_WORDS, Kind
from warehouse.cohorts.tree import (
    Both,
    Comparison,
    Condition,
    Criterion,
    Definition,
    Either,
    FollowUp,
    Index,
    Not,
    Spacing,
    Studies,
    Value,
)
from warehouse.cohorts.values import integer, value_of
from warehouse.cohorts.words import Word, words

DEEPEST = 40  # parentheses and `not` inside one another
MOST_VALUES = 1_000
_ORDERED = ("=", "!=", "<", "<=", ">", ">=")
_KNOWN = "a field ({}) or, beside the others, {}".format(
    ", ".join(FIELDS), ", ".join(PARTICIPANT_WORDS)
)


def parse(text: str, where: str = "--where") -> Definition:
    """The cohort that an expression means.

    UserError names the character, the word that stands there and what could stand there.
    `where` names the expression in it.
    """
    return _Parser(words(text, where)).cohort()


def parse_condition(text: str, where: str) -> Condition:
    """An expression about single X-rays: without a criterion for participants."""
    return _Parser(words(text, where)).condition_alone()


def parse_index(text: str, where: str) -> Index:
    """`first positive` and the like, alone."""
    return _Parser(words(text, where)).index_alone()


@dataclass(slots=True)
class _Parser:
    words: list[Word]
    at: int = 0
    depth: int = 0

    @property
    def next(self) -> Word:
        return self.words[self.at]

    def take(self) -> Word:
        word = self.words[self.at]
        self.at += word.kind != "end"
        return word

    def taken(self, *values: str) -> bool:
        """Takes the next word if it is one of these."""
        found = self.next.is_word(*values)
        self.at += found
        return found

    def mark(self, value: str) -> None:
        word = self.take()
        if not word.is_mark(value):
            raise word.error(f"'{value}'")

    def cohort(self) -> Definition:
        """The whole text. A bare `or` at the top joins all of it into one criterion."""
        criteria: list[Criterion] = []
        if self._has_bare_or():
            criteria.append(self.either())
        else:
            criteria += self._criteria()
        self._end()
        _check_indices(criteria, self.words[0])
        return Definition(tuple(criteria))

    def condition_alone(self) -> Condition:
        found = self.either()
        self._end()
        return found

    def index_alone(self) -> Index:
        found = self._which()
        self._end()
        return found

    def _end(self) -> None:
        if self.next.kind != "end":
            raise self.next.error("and, or, or the end")

    def _has_bare_or(self) -> bool:
        depth = 0
        for word in self.words:
            depth += word.is_mark("(") - word.is_mark(")")
            if depth == 0 and word.is_word("or"):
                return True
        return False

    def _criteria(self) -> list[Criterion]:
        found: list[Criterion] = []
        while True:
            if self.next.is_word(*PARTICIPANT_WORDS):
                found += self._participant(self.take())
            else:
                found.append(self.contrary())
            if not self.taken("and"):
                return found

    def either(self) -> Condition:
        parts = [self.both()]
        while self.taken("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def both(self) -> Condition:
        parts = [self.contrary()]
        while self.taken("and"):
            parts.append(self.contrary())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def contrary(self) -> Condition:
        word = self.next
        self.depth += 1
        if self.depth > DEEPEST:
            raise word.error(f"at most {DEEPEST} parentheses or `not` inside one another")
        try:
            if self.taken("not"):
                return Not(self.contrary())
            if word.is_mark("("):
                return self._parenthesis()
            return self._comparison(self.take())
        finally:
            self.depth -= 1

    def _parenthesis(self) -> Condition:
        self.mark("(")
        found = self.either()
        self.mark(")")
        return found

    def _comparison(self, word: Word) -> Condition:
        name = word.value.lower()
        if word.is_word(*PARTICIPANT_WORDS):
            raise word.error(
                "a field; a criterion for participants stands beside the others, joined by `and`, "
                "not under `or`, `not` or in parentheses"
            )
        if word.kind != "word" or name not in FIELDS:
            raise word.error(_KNOWN)
        if self.taken("is"):
            return Comparison(name, self._known())
        negated = self.taken("not")
        found = self._values(name, negated)
        return Not(found) if negated else found

    def _known(self) -> str:
        word = self.take()
        if not word.is_word("known", "unknown"):
            raise word.error("known or unknown")
        return word.value.lower()

    def _values(self, name: str, negated: bool) -> Comparison:
        ordered = FIELDS[name].kind in (Kind.NUMBER, Kind.DATE)
        operators = _ORDERED if ordered else ("=", "!=")
        word = self.take()
        if word.is_word("in"):
            return Comparison(name, "in", self._list(name))
        if word.is_word("between") and ordered:
            return Comparison(name, "between", self._bounds(name))
        if word.kind == "operator" and word.value in operators and not negated:
            return Comparison(name, word.value, (self._value(name),))
        others = ("in", "between") if ordered else ("in",)
        raise word.error(", ".join((*(() if negated else (*operators, "is")), *others)))

    def _value(self, name: str) -> Value:
        return value_of(self.take(), name, FIELDS[name])

    def _list(self, name: str) -> tuple[Value, ...]:
        self.mark("(")
        values = [self._value(name)]
        while self.next.is_mark(",") and len(values) < MOST_VALUES:
            self.take()
            values.append(self._value(name))
        if not self.next.is_mark(")"):
            raise self.next.error(f"',' or ')' (a list has at most {MOST_VALUES} values)")
        self.take()
        return tuple(values)

    def _bounds(self, name: str) -> tuple[Value, Value]:
        low = self._value(name)
        if not self.taken("and"):
            raise self.next.error("and")
        word = self.next
        high = self._value(name)
        if low > high:  # type: ignore[operator]  # two of one kind, numbers or dates
            raise word.error("a value not below the first one")
        return low, high

    def _participant(self, word: Word) -> list[Criterion]:
        match word.value.lower():
            case "studies":
                operator = self._operator("=", "<", "<=", ">", ">=")
                return [Studies(operator, integer(self.take(), "a whole number of X-rays"))]
            case "spacing":
                return [Spacing(self._operator(">=", "<="), self._days())]
            case "index":
                self._operator("=")
                return [self._which()]
        return self._follow_up()

    def _operator(self, *operators: str) -> str:
        word = self.take()
        if word.kind != "operator" or word.value not in operators:
            raise word.error(" or ".join(operators))
        return word.value

    def _days(self) -> int:
        number = integer(self.take(), "a whole number of days")
        self._day_word()
        return number

    def _day_word(self) -> None:
        if not self.taken("days", "day"):
            raise self.next.error("days")

    def _follow_up(self) -> list[Criterion]:
        self._operator("=")
        first = integer(self.take(), "the first day after the index date, such as 0 or -30")
        self.mark("..")
        word = self.next
        last = integer(self.take(), "the last day after the index date, such as 90")
        if last < first:
            raise word.error("a day not before the first one")
        self._day_word()
        window = FollowUp(first, last)
        return [self._which(), window] if self.taken("from") else [window]

    def _which(self) -> Index:
        word = self.take()
        if not word.is_word("first", "last"):
            raise word.error("first or last, then qualifying, positive or confirmed if wanted")
        qualifying = self.taken("qualifying")
        kind = self.next.value.lower() if self.next.is_word("positive", "confirmed") else ""
        self.at += bool(kind)
        return Index(word.is_word("last"), qualifying, kind)


def _check_indices(criteria: list[Criterion], start: Word) -> None:
    """One index date at most, and it stands before the window that counts from it."""
    indices = [at for at, one in enumerate(criteria) if isinstance(one, Index)]
    windows = [at for at, one in enumerate(criteria) if isinstance(one, FollowUp)]
    if len(indices) > 1:
        raise start.error("one index date; there are several")
    if windows and (not indices or indices[0] > windows[0]):
        raise start.error("`follow_up = … from first` (or `index = …` before it) to count from")
