"""Pages that have nothing to show yet: what is missing, and the commands that mend it."""

from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.blocks import command
from dashboard.page import Blocks
from dashboard.reading import Snapshot

LOAD = "sites load SITES.csv --regions REGIONS.geojson"
INGEST = "ingest FOLDER --manifest MANIFEST.csv"


def unavailable(reason: str, home: str) -> Blocks:
    """There is no warehouse that can be read."""
    return [
        _state(
            "There is no data yet",
            [
                html.P(reason, className="strong"),
                html.P("To begin with your own X-rays, run these one after the other:"),
                *_commands(home, ["init", LOAD, INGEST]),
                html.P("Or see everything at work on generated X-rays first:"),
                *_commands(home, ["demo"]),
                html.P("This page looks again every ten seconds; there is no need to reload it."),
            ],
        )
    ]


def nothing_to_show(snapshot: Snapshot, home: str) -> Blocks | None:
    """The page for a warehouse without sites or X-rays; None where there are some."""
    if not snapshot.commit or not snapshot.sites:
        lead = "The warehouse is ready. It does not know any site yet: load your sites first."
        columns = "SITES.csv has the columns site_id, name, region, latitude and longitude."
        return [_state("No sites yet", [html.P(lead), *_commands(home, [LOAD]), html.P(columns)])]
    if snapshot.freshness.studies == 0:
        lead = f"{len(snapshot.sites)} sites are known. No X-ray has come in yet: ingest some."
        columns = "MANIFEST.csv has the columns file, site_id and acquired_at."
        return [
            _state("No X-rays yet", [html.P(lead), *_commands(home, [INGEST]), html.P(columns)])
        ]
    if snapshot.span is None and snapshot.freshness.no_date < snapshot.freshness.studies:
        text = (
            f"{_stored(snapshot)} are stored, but no promoted model has scored "
            "them; `pneumowatch models list` shows which model is promoted."
        )
        return [_state("No scores yet", [html.P(text)])]
    if snapshot.span is None:
        text = (
            f"{_stored(snapshot)} are stored, but none has a usable date, so none "
            "belongs to a week. Give acquired_at in the manifest, or a StudyDate in the files."
        )
        return [_state("No X-ray has a date", [html.P(text)])]
    return None


def _stored(snapshot: Snapshot) -> str:
    internal = snapshot.audience == "internal"
    return f"{snapshot.freshness.studies} X-rays" if internal else "X-rays"


def not_found(path: str) -> Blocks:
    """There is no page at this address."""
    shown = path if len(path) <= 80 else f"{path[:80]}…"
    return [
        _state(
            "No such page", [html.P(f"There is nothing at {shown}."), html.A("Overview", href="/")]
        )
    ]


def failed(number: str) -> Blocks:
    """Something of ours went wrong; the log has the details under the same number."""
    text = f"The fault is ours; the server's log has it under {number}. Other pages may still work."
    return [_state("This page could not be made", [html.P(text)])]


def _state(title: str, children: Sequence[Component]) -> Component:
    return html.Section([html.H2(title), *children], className="panel state", role="status")


def _commands(home: str, words: Sequence[str]) -> Blocks:
    return [command(f"pneumowatch {text} --home {home}") for text in words]
