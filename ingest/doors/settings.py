"""The settings of the doors; the composition root fills them from [receive] and [watch]."""

import re
from dataclasses import dataclass

from ingest.errors import ConfigurationError

_AE_TITLE = re.compile(r"[ -\[\]-~]{1,16}")  # PS3.5 6.2: no backslash, no control characters
ANYBODY = "*"  # a peer of this title stands for every calling AE title
COMMITMENTS = ("record", "image")


@dataclass(frozen=True, slots=True)
class Peer:
    """A calling AE title that may send, its site, and where it listens itself.

    host and port are for storage commitment over an association of our own.
    """

    ae_title: str
    site: str = ""  # may be left out where the home has one site
    host: str = ""
    port: int = 0

    def __post_init__(self) -> None:
        if not _AE_TITLE.fullmatch(self.ae_title) or not self.ae_title.strip():
            raise ConfigurationError(
                f"[receive] a peer's AE title must be 1 to 16 printable characters, "
                f"not {self.ae_title!r}"
            )
        if not 0 <= self.port <= 65535:
            raise ConfigurationError(
                f"[receive.peers.{self.ae_title}] port must be 0 to 65535, not {self.port}"
            )


@dataclass(frozen=True, slots=True)
class ReceiveSettings:
    """DICOM C-STORE and DICOMweb STOW-RS."""

    ae_title: str = "CXRSCP"
    host: str = "0.0.0.0"
    port: int = 11112  # of DICOM; 0 for none
    stow_port: int = 8104  # of DICOMweb; 0 for none
    max_associations: int = 20
    idle_seconds: float = 60.0  # an association that says nothing for so long is closed
    commitment: str = "record"  # what storage commitment promises: record or image
    stow_max_bytes: int = 512 * 2**20  # of one request
    peers: tuple[Peer, ...] = ()

    def __post_init__(self) -> None:
        if not _AE_TITLE.fullmatch(self.ae_title) or not self.ae_title.strip():
            raise ConfigurationError(
                f"[receive] ae_title must be 1 to 16 printable characters, not {self.ae_title!r}"
            )
        for name in ("port", "stow_port"):
            if not 0 <= getattr(self, name) <= 65535:
                raise ConfigurationError(f"[receive] {name} must be 0 to 65535")
        if self.commitment not in COMMITMENTS:
            raise ConfigurationError(
                f"[receive] commitment must be {' or '.join(COMMITMENTS)}, not {self.commitment!r}"
            )
        if self.max_associations < 1 or self.idle_seconds <= 0 or self.stow_max_bytes < 1:
            raise ConfigurationError(
                "[receive] max_associations, idle_seconds and stow_max_bytes must be above 0"
            )


@dataclass(frozen=True, slots=True)
class Folder:
    """A drop folder."""

    path: str
    site: str = ""  # may be left out where the home has one site, or the manifest says it
    after: str = "move"  # to done/ and refused/ beside it, or leave
    manifest: str = ""  # a CSV as for `ingest`, read again when it changes

    def __post_init__(self) -> None:
        if self.after not in ("move", "leave"):
            raise ConfigurationError(
                f"[[watch.folders]] {self.path}: after must be move or leave, not {self.after!r}"
            )


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """Drop folders."""

    quiet_seconds: float = 2.0  # a file that nobody closed or renamed in is whole after so long
    poll_seconds: float = 5.0  # folders on NFS and CIFS send no events
    folders: tuple[Folder, ...] = ()

    def __post_init__(self) -> None:
        if self.quiet_seconds < 0 or self.poll_seconds <= 0:
            raise ConfigurationError(
                "[watch] quiet_seconds must be 0 or more, poll_seconds more than 0"
            )
