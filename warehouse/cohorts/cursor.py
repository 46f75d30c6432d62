"""A place among the words of an expression, for the parsers to move along."""

from dataclasses import dataclass

from warehouse.cohorts.words import Word


@dataclass(slots=True)
class Cursor:
    """The words of one expression and the place of the next one."""

    words: list[Word]
    at: int = 0
    depth: int = 0  # of parentheses and `not`

    @property
    def next(self) -> Word:
        """The word that comes next; it is not taken."""
        return self.words[self.at]

    def take(self) -> Word:
        """The next word; the end stays the end."""
        word = self.words[self.at]
        self.at += word.kind != "end"
        return word

    def taken(self, *values: str) -> bool:
        """Takes the next word if it is one of these."""
        found = self.next.is_word(*values)
        self.at += found
        return found

    def mark(self, value: str) -> None:
        """Takes this mark; UserError where another word stands."""
        word = self.take()
        if not word.is_mark(value):
            raise word.error(f"'{value}'")

    def operator(self, *operators: str) -> str:
        """Takes one of these operators; UserError where another word stands."""
        word = self.take()
        if word.kind != "operator" or word.value not in operators:
            raise word.error(" or ".join(operators))
        return word.value

    def end(self) -> None:
        """UserError where words are left."""
        if self.next.kind != "end":
            raise self.next.error("and, or, or the end")
