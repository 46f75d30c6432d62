"""Who may send, and for which site."""

from collections.abc import Sequence
from enum import Enum

from ingest.doors.settings import ANYBODY, Peer


class Refusal(Enum):
    """Why an association is refused: PS3.8 table 9-21 (result, source, reason)."""

    CALLING = ((1, 1, 3), "this calling AE title is not known here ([receive.peers])")
    CALLED = ((1, 1, 7), "it called another AE title than ours")
    FULL = ((2, 3, 2), "as many associations are open as may be, or we are about to stop")

    def __init__(self, codes: tuple[int, int, int], sentence: str) -> None:
        self.codes, self.sentence = codes, sentence


class Peers:
    """The senders of the configuration. AE titles are compared without surrounding blanks."""

    def __init__(self, ae_title: str, peers: Sequence[Peer]) -> None:
        self._own = ae_title.strip()
        self._by_title = {peer.ae_title.strip(): peer for peer in peers}

    def refusal(self, calling: str, called: str) -> Refusal | None:
        """Why an association from `calling` to `called` is refused; None if it is not."""
        if called.strip() != self._own:
            return Refusal.CALLED
        return None if self.find(calling) else Refusal.CALLING

    def find(self, calling: str) -> Peer | None:
        """The sender of a calling AE title."""
        return self._by_title.get(calling.strip()) or self._by_title.get(ANYBODY)

    def site(self, calling: str) -> str:
        """The sender's site; "" where the configuration names none."""
        peer = self.find(calling)
        return peer.site if peer else ""
