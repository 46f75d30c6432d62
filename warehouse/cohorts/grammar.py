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

from warehouse.cohorts.cursor import Cursor
from warehouse.cohorts.fields import FIELDS, PARTICIPANT_WORDS, Kind
from warehouse.cohorts.participants import check_indices, participant, which
from warehouse.cohorts.tree import (
    Both,
    Comparison,
    Condition,
    Criterion,
    Definition,
    Either,
    Index,
    Not,
    Value,
)
from warehouse.cohorts.values import value_of
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


class _Parser(Cursor):
    """Recursive descent; each method reads the rule of the grammar that it is named after."""

    def cohort(self) -> Definition:
        """The whole text. A bare `or` at the top joins all of it into one criterion."""
        criteria: list[Criterion] = []
        if self._has_bare_or():
            criteria.append(self.either())
        else:
            criteria += self._criteria()
        self.end()
        check_indices(criteria, self.words[0])
        return Definition(tuple(criteria))

    def condition_alone(self) -> Condition:
        found = self.either()
        self.end()
        return found

    def index_alone(self) -> Index:
        found = which(self)
        self.end()
        return found

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
                found += participant(self)
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
