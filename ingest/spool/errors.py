"""Why the spool cannot take an input now. It says so, changes nothing, and recovers by itself."""

from ingest.errors import DiskError, PneumoWatchError


class SpoolUnavailableError(DiskError):
    """The disk refuses: full, read-only or gone. The sender keeps its film and tries again."""


class SpoolFullError(SpoolUnavailableError):
    """Less room is left on the disk than the reserve that must stay free."""


class WrongStudyError(PneumoWatchError):
    """The instance is of another study than its sender said. Nothing was taken."""
