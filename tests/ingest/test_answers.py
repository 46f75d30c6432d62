"""Our C-STORE answers are, byte for byte, those that pynetdicom would send."""

import pytest
from pynetdicom.dimse_messages import C_STORE_RSP
from pynetdicom.dimse_primitives import C_STORE

from ingest.doors.answers import answer_pdu
from tests.ingest.dicom_door import CR, ROOT


def answer(status: int, uid: str = f"{ROOT}1") -> C_STORE:
    made = C_STORE()
    made.MessageIDBeingRespondedTo, made.Status = 77, status
    made.AffectedSOPClassUID, made.AffectedSOPInstanceUID = CR, uid
    return made


@pytest.mark.parametrize("uid", [f"{ROOT}1", f"{ROOT}12"])
@pytest.mark.parametrize("status", [0x0000, 0xA700])
def test_the_same_bytes(status: int, uid: str) -> None:
    made = answer(status, uid)
    message = C_STORE_RSP()
    message.primitive_to_message(made)
    (theirs,) = message.encode_msg(5, 16384)
    ours = answer_pdu(made, 5, 16384)
    assert ours is not None
    assert ours.presentation_data_value_list == [
        list(one) for one in theirs.presentation_data_value_list
    ]


def test_what_says_more_is_left_to_pynetdicom() -> None:
    said = answer(0xA700)
    said.ErrorComment = "no room"
    assert answer_pdu(said, 5, 16384) is None
    assert answer_pdu(answer(0), 5, 128) is None
    assert answer_pdu(answer(0), 5, 0) is not None, "0 is no limit"
