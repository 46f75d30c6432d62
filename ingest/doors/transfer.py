"""Which of the transfer syntaxes that a sender offers is taken."""

from collections.abc import Sequence

from pydicom.uid import UID, AllTransferSyntaxes

_KNOWN = frozenset(AllTransferSyntaxes)


def in_order_of_ours(offered: Sequence[UID]) -> list[UID]:
    """The sender's own order, what the standard does not know last.

    The first one is accepted: a sender that offers several names the one it has first, and
    what is sent as it is needs no re-encoding. Videos and unknown syntaxes are accepted too:
    a refusal with a reason is data, a failed negotiation leaves no trace.
    """
    return sorted(offered, key=lambda syntax: syntax not in _KNOWN)
