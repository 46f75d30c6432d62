"""A bulletin as words, tables and drawings: what both the HTML and the PDF template show.

The templates add no fact and round no number, so that the two cannot differ.
"""

from dataclasses import asdict
from typing import Any

from dashboard.bulletin.contents import Bulletin
from dashboard.bulletin.figures import map_figure, trend_figure
from dashboard.bulletin.methods import methods
from dashboard.bulletin.tables import key_table, regions_table
from dashboard.bulletin.words import (
    AUDIENCES,
    WEEK_KINDS,
    banner,
    completeness,
    headlines,
    site_sentences,
)
from dashboard.formatting import day, listing, moment, number
from dashboard.sentences import NOT_A_DIAGNOSIS

TITLE = "Weekly pneumonia X-ray bulletin"
NO_TREND = "There is nothing to draw: none of the last 52 weeks has X-rays in this version."
NO_MAP = (
    "No map: no outlines of the regions are loaded "
    "(“pneumowatch sites load SITES.csv --regions REGIONS.geojson” adds them)."
)

NO_REGIONS = "No regions are known to this version."

View = dict[str, Any]


def view(bulletin: Bulletin, font: str) -> View:
    """Everything a template needs: strings, lists and dicts of strings, and SVG text.

    `font` is the font family that the drawings name.
    """
    trend, region_map = trend_figure(bulletin, font), map_figure(bulletin, font)
    return {
        "title": TITLE,
        "week": bulletin.week,
        "week_kind": WEEK_KINDS[bulletin.epiweek],
        "dates": f"{day(bulletin.first_day)} to {day(bulletin.last_day)}",
        "facts": facts(bulletin),
        "software": f"PneumoWatch {bulletin.software_version}",
        "notice": {"title": "Surveillance statistics, not a diagnosis.", "text": NOT_A_DIAGNOSIS},
        "banner": banner(bulletin),
        "headlines": headlines(bulletin),
        "key": asdict(key_table(bulletin)),
        "trend": asdict(trend) if trend else None,
        "trend_missing": NO_TREND,
        "regions": asdict(regions_table(bulletin)),
        "regions_missing": NO_REGIONS,
        "map": asdict(region_map) if region_map else None,
        "map_missing": NO_MAP,
        "sites": site_sentences(bulletin),
        "completeness": completeness(bulletin),
        "methods": methods(bulletin),
        "footer": f"PneumoWatch {bulletin.software_version} · version "
        f"{bulletin.version.commit_number} · surveillance statistics, not a diagnosis",
    }


def facts(bulletin: Bulletin) -> list[dict[str, str]]:
    """The line under the title: version, readers, software, models."""
    versions = list(bulletin.model_versions)
    pairs = [
        ("As of", as_of(bulletin)),
        ("For", AUDIENCES[bulletin.audience]),
        ("Sites", f"{number(len(bulletin.sites))} known"),
        ("Model" if len(versions) < 2 else "Models", listing(versions) or "none yet"),
        ("Software", f"PneumoWatch {bulletin.software_version}"),
    ]
    return [{"term": term, "text": text} for term, text in pairs]


def as_of(bulletin: Bulletin) -> str:
    """The version's number and time; an empty warehouse has neither."""
    version = bulletin.version
    if not version.commit_number:
        return "an empty warehouse"
    return f"version {version.commit_number}, {moment(version.recorded_at)}"
