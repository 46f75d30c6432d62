"""One error tree for all four rooms.

PneumoWatchError
├── UserError            the user's mistake: exit 2, shown as one plain sentence
│   ├── ConfigurationError   a setting or the home directory
│   ├── DiskError            a disk that is full, read-only or gone
│   └── InputError           a file, naming line, column and value where there are any
├── RefusedError         `--strict` and something was refused: exit 3
└── (anything else)      our bug: exit 1

Messages name the file, the field, the value and the way out. They go to stderr only;
what is stored about a refused file is a `Rejection`, which never holds a file name.
"""

from pathlib import Path


class PneumoWatchError(Exception):
    """Anything that PneumoWatch raises on purpose."""

    exit_code = 1


class UserError(PneumoWatchError):
    """Something that the person at the keyboard can put right."""

    exit_code = 2


class ConfigurationError(UserError):
    """A setting, an environment variable or a home that is not as it should be."""


class DiskError(UserError):
    """The disk refuses: full, read-only or gone."""


class InputError(UserError):
    """A file whose content is not what was asked for."""

    def __init__(
        self,
        message: str,
        *,
        file: Path | str | None = None,
        line: int | None = None,
        column: str | None = None,
    ) -> None:
        self.file, self.line, self.column = file, line, column
        where = [str(file) if file else "", f"line {line}" if line else ""]
        where.append(f"column {column}" if column else "")
        prefix = ", ".join(part for part in where if part)
        super().__init__(f"{prefix}: {message}" if prefix else message)


class RefusedError(PneumoWatchError):
    """`--strict` was given and at least one input was refused."""

    exit_code = 3
