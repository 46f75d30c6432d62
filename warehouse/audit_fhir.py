"""The audit record as FHIR R4B AuditEvent resources, one JSON object an entry.

http://hl7.org/fhir/R4B/auditevent.html; types are codes of DICOM PS3.16 CID 400. Written here as
plain dictionaries: the tests hold them against the standard's own definitions.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from warehouse.audit import Action, Entry

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_OURS = "urn:pneumowatch:audit"
_ACTIVITY = ("110100", "Application Activity")
_DELETED = ("110105", "DICOM Study Deleted")
_EXPORT = ("110106", "Export")
_IMPORT = ("110107", "Import")
_SECURITY = ("110137", "User Security Attributes changed")
# AuditEvent.action: C created, R read, U updated, D deleted, E executed
_KINDS = {
    Action.LOGIN: (("110114", "User Authentication"), "E"),
    Action.ACCOUNT: (_SECURITY, "U"),
    Action.VIEW: (("110112", "Query"), "R"),
    Action.EXPORT: (_EXPORT, "R"),
    Action.LABELS: (_IMPORT, "C"),
    Action.SITES: (_IMPORT, "C"),
    Action.MODEL_ADD: (_ACTIVITY, "C"),
    Action.MODEL_PROMOTE: (_ACTIVITY, "U"),
    Action.MODEL_ROLLBACK: (_ACTIVITY, "U"),
    Action.CALIBRATE: (_ACTIVITY, "U"),
    Action.RESCORE: (_ACTIVITY, "C"),
    Action.ERASE: (_DELETED, "D"),
    Action.RETAIN: (_DELETED, "D"),
    Action.CONFIGURATION: (("110131", "Software Configuration"), "U"),
    Action.KEY: (_SECURITY, "E"),
    Action.BACKUP: (_EXPORT, "R"),
    Action.RESTORE: (_IMPORT, "C"),
}


def events(entries: Iterable[Entry]) -> Iterator[str]:
    """One line of NDJSON for each entry."""
    return (json.dumps(event(entry), sort_keys=True, ensure_ascii=True) for entry in entries)


def event(entry: Entry) -> dict[str, Any]:
    """An AuditEvent. An action that a newer version recorded counts as an activity."""
    kinds = {str(action): kind for action, kind in _KINDS.items()}
    (code, words), letter = kinds.get(entry.action, (_ACTIVITY, "E"))
    return {
        "resourceType": "AuditEvent",
        "id": f"pneumowatch-{entry.seq}",
        "type": {"system": _DCM, "code": code, "display": words},
        "subtype": [{"system": _OURS, "code": entry.action}],
        "action": letter,
        "recorded": entry.happened_at.isoformat(timespec="milliseconds"),
        "outcome": "4" if _details(entry).get("refused") else "0",
        "agent": [{"who": {"display": entry.actor}, "requestor": True}],
        "source": {"observer": {"display": "PneumoWatch"}},
        "entity": [_entity(entry)],
    }


def _entity(entry: Entry) -> dict[str, Any]:
    """The object, what is known of it, and the entry's place in the chain."""
    facts = _details(entry) | {"seq": entry.seq, "hash": entry.hash, "version": entry.commit_number}
    name = (
        {"what": {"identifier": {"system": _OURS, "value": entry.object}}} if entry.object else {}
    )
    details = [
        {"type": key, "valueString": str(value)}
        for key, value in facts.items()
        if value is not None
    ]
    return {**name, "detail": [one for one in details if one["valueString"]]}


def _details(entry: Entry) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(entry.details)
    return values
