"""The command set of a C-STORE answer, written at once.

pynetdicom builds it as a data set, encodes that twice and takes a quarter of the receiver's
time for it. The bytes are the same (a test compares): PS3.7 table 9.3-2, implicit little endian.
"""

import struct

from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import P_DATA

_RESPONSE, _NO_DATA_SET = 0x8001, 0x0101
_COMMAND_AND_LAST = b"\x03"  # PS3.8 E.2
_SMALLEST_PDU = 512  # below this the command might not fit into one


def answer_pdu(answer: C_STORE, context_id: int, max_pdu: int) -> P_DATA | None:
    """The answer ready to be sent; None where it says more than a status."""
    says_more = answer.ErrorComment is not None or answer.OffendingElement is not None
    if says_more or 0 < max_pdu < _SMALLEST_PDU:
        return None
    pdu = P_DATA()
    command = _COMMAND_AND_LAST + _command(answer)
    pdu.presentation_data_value_list = [[context_id, command]]
    return pdu


def _command(answer: C_STORE) -> bytes:
    elements = b"".join(
        (
            _uid(0x0002, answer.AffectedSOPClassUID),
            _number(0x0100, _RESPONSE),
            _number(0x0120, answer.MessageIDBeingRespondedTo),
            _number(0x0800, _NO_DATA_SET),
            _number(0x0900, answer.Status),
            _uid(0x1000, answer.AffectedSOPInstanceUID),
        )
    )
    return struct.pack("<HHII", 0x0000, 0x0000, 4, len(elements)) + elements


def _number(element: int, value: int) -> bytes:
    return struct.pack("<HHIH", 0x0000, element, 2, value)


def _uid(element: int, uid: str | None) -> bytes:
    """Nothing where there is none: both UIDs may be left out."""
    if uid is None:
        return b""
    value = uid.encode("ascii")
    value += b"\0" * (len(value) % 2)
    return struct.pack("<HHI", 0x0000, element, len(value)) + value
