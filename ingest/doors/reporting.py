"""How a storage commitment report reaches who asked: on their association, or on one of ours."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, build_role
from pynetdicom.association import Association
from pynetdicom.sop_class import StorageCommitmentPushModel

from ingest.doors.commitment import told
from ingest.doors.peers import Peers
from ingest.spool.commitments import Commitment

_CONNECT_SECONDS, _ANSWER_SECONDS = 10.0, 30.0
_QUIET_SECONDS = 0.8  # an association on which films still come in is not spoken on


@dataclass(frozen=True, slots=True)
class Reports:
    """Sends reports. `associations` are the open ones and how long each has been quiet."""

    ae_title: str
    peers: Peers
    associations: Callable[[], list[tuple[Association, float]]]

    def send(self, one: Commitment, kind: int, report: Dataset) -> bool:
        """Whether the report was taken. Where nobody can be reached, it was not."""
        for assoc, quiet_since in self.associations():
            if self._fits(assoc, one) and time.monotonic() - quiet_since > _QUIET_SECONDS:
                return _tried(assoc, kind, report)
        peer = self.peers.find(one.ae_title)
        if peer is None or not peer.port:
            return False
        return self._called(peer.host or one.address, peer.port, one, kind, report)

    def _fits(self, assoc: Association, one: Commitment) -> bool:
        same = assoc.requestor.ae_title.strip() == one.ae_title
        classes = [context.abstract_syntax for context in assoc.accepted_contexts]
        return same and assoc.is_established and StorageCommitmentPushModel in classes

    def _called(self, host: str, port: int, one: Commitment, kind: int, report: Dataset) -> bool:
        """Over an association of our own, in which we keep the role of the SCP."""
        ae = AE(self.ae_title)
        ae.connection_timeout, ae.acse_timeout = _CONNECT_SECONDS, _ANSWER_SECONDS
        ae.dimse_timeout = ae.network_timeout = _ANSWER_SECONDS
        syntaxes = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
        ae.add_requested_context(StorageCommitmentPushModel, syntaxes)
        role = build_role(StorageCommitmentPushModel, scu_role=False, scp_role=True)
        try:
            assoc = ae.associate(host, port, ae_title=one.ae_title, ext_neg=[role])
        except (OSError, RuntimeError, ValueError):
            return False
        if not assoc.is_established:
            return False
        try:
            return _tried(assoc, kind, report)
        finally:
            assoc.release()


def _tried(assoc: Association, kind: int, report: Dataset) -> bool:
    """The association may end at any moment."""
    try:
        return told(assoc, kind, report)
    except (RuntimeError, ValueError, OSError):
        return False
