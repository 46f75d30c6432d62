"""What a terminal may be shown: names and texts of others have no say in what it does."""

import sys

NOTICE = "A surveillance tool: its predictions are never a diagnosis."


def printable(text: str) -> str:
    """With control characters, and bytes that are no text, written out."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def say(text: str) -> None:
    """A printable line on standard error, in one write: several threads may say something."""
    sys.stderr.write(f"{printable(text)}\n")
    sys.stderr.flush()
