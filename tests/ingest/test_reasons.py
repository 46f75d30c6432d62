import re
from pathlib import Path

from ingest.records import Reason

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reasons.md"


def test_every_reason_is_explained_and_nothing_else() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (.+) \|$", DOCUMENT.read_text(), re.MULTILINE)
    assert [name for name, _, _ in rows] == [reason.value for reason in Reason]
    assert all(len(meaning) > 15 and len(way_out) > 15 for _, meaning, way_out in rows)
