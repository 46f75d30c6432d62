"""The weekly bulletin, made from a real warehouse and read back from its files."""

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.bulletin.contents import MEASURES, Bulletin, BulletinRequest, gather
from dashboard.bulletin.figures import trend_figure
from dashboard.bulletin.html import html
from dashboard.bulletin.pdf import pdf
from dashboard.bulletin.tables import csv_text
from dashboard.bulletin.view import view
from dashboard.bulletin.weeks import week_in_question
from dashboard.bulletin.words import banner, completeness, headlines, site_sentences
from dashboard.bulletin.write import manifest, write
from ingest.errors import UserError
from tests.dashboard.bulletin_home import (
    COUNTS,
    FILES,
    LAST_DAY,
    REGIONS,
    WEEK,
    add_weeks,
    made,
    make_home,
)
from tests.dashboard.bulletin_pages import Page
from warehouse.measures import MeasureRequest, compute
from warehouse.records import Measure, Version
from warehouse.settings import WarehouseSettings
from warehouse.store import Warehouse
from warehouse.versions import BEGINNING

# Numbers: the same as everywhere else


def test_every_number_of_the_csv_is_the_warehouse_s(
    bulletin_warehouse: Warehouse, public: Bulletin
) -> None:
    rows = list(csv.DictReader(csv_text(public).splitlines()))
    assert list(rows[0]) == [field.name for field in fields(Measure)]
    assert [as_text(measure) for measure in asked(bulletin_warehouse)] == rows
    assert len({(r["measure"], r["period"], r["region"], r["site"]) for r in rows}) == len(rows)


def asked(warehouse: Warehouse) -> Iterator[Measure]:
    """The same questions, put one by one."""
    for by, weeks in (((), 52), (("region",), 2), (("site",), 1)):
        start = LAST_DAY - timedelta(days=7 * weeks - 1)
        for name in MEASURES:
            request = MeasureRequest(name, "week", by, start, LAST_DAY, audience="public")
            yield from compute(warehouse, request)


def as_text(measure: Measure) -> dict[str, str]:
    found: dict[str, str] = {}
    for field in fields(Measure):
        value = getattr(measure, field.name)
        value = round(value, 6) if isinstance(value, float) else value
        found[field.name] = "" if value is None else str(value)
    return found


def test_key_numbers_add_up_to_what_was_put_in(internal: Bulletin) -> None:
    total = internal.overall("xrays")
    assert total is not None
    assert total.numerator == sum(COUNTS.values())
    assert sum(m.numerator or 0 for m in internal.by_region("xrays").values()) == total.numerator
    assert internal.by_region("xrays")["KE-110"].numerator == 100


def test_the_week_before_and_the_change_are_in_the_table(internal: Bulletin) -> None:
    table = {row[0]: row for row in view(internal, "serif")["key"]["rows"]}
    assert list(table) == [
        "X-rays", "Raw positivity", "Adjusted prevalence", "Bacterial share", "Out-of-scope share",
    ]  # fmt: skip
    assert table["X-rays"][1:] == ["193", "–", "–", "193", "none"]
    now, before = internal.overall("positivity"), internal.overall("positivity", "2026-W19")
    assert now is not None
    assert before is not None
    difference = ((now.estimate or 0) - (before.estimate or 0)) * 100
    sign = "+" if difference > 0 else "−"
    assert table["Raw positivity"][5] == f"{sign}{abs(difference):.1f} points"
    assert table["Raw positivity"][3] == f"{now.numerator} of {now.denominator}"


def test_the_headlines_name_the_week_s_own_numbers(internal: Bulletin) -> None:
    said = " ".join(headlines(internal))
    positivity, prevalence = internal.overall("positivity"), internal.overall("prevalence")
    assert positivity is not None
    assert prevalence is not None
    assert "193 readable X-rays" in said
    assert f"{positivity.estimate:.1%}" in said
    assert f"{prevalence.estimate:.1%}" in said
    assert ("lower" in said) == ((prevalence.estimate or 0) < (positivity.estimate or 0))
    shares = {m.region: m.estimate or 0 for m in internal.by_region("prevalence").values()}
    names = {region.region: region.name for region in REGIONS}
    top = max((r for r in shares if r != "KE-700"), key=lambda r: shares[r])
    assert names[top or ""] in said


def test_regions_that_chance_may_have_parted_are_said_to_be(internal: Bulletin) -> None:
    assert "Chance alone could explain" in headlines(internal)[-1]
    shares = {"KE-110": (0.1, 0.08, 0.12), "KE-300": (0.4, 0.37, 0.43), "KE-600": (0.2, 0.1, 0.3)}
    parted = replace(internal, measures=tuple(with_share(m, shares) for m in internal.measures))
    assert "highest (40.0%) in Coast and lowest (10.0%) in Nairobi" in headlines(parted)[-1]
    assert "Chance" not in headlines(parted)[-1]


def with_share(measure: Measure, shares: dict[str, tuple[float, float, float]]) -> Measure:
    if measure.measure != "prevalence" or measure.region not in shares:
        return measure
    estimate, low, high = shares[measure.region]
    return replace(measure, estimate=estimate, ci_low=low, ci_high=high)


def test_silent_sites_are_named(internal: Bulletin, public: Bulletin) -> None:
    silent = "Silent: Nakuru Hill (NAK-01)."
    assert site_sentences(internal) == ["4 of 5 known sites sent X-rays of this week.", silent]
    # KIS-01 sent 3, and its region's company is withheld with it
    assert site_sentences(public) == [
        "2 of 5 known sites sent X-rays of this week; of 2 it is withheld.",
        silent,
    ]


# Small numbers


def test_public_readers_see_suppressed_and_why(public: Bulletin) -> None:
    assert "Nyanza (KE-600) suppressed suppressed suppressed" in Page(html(public)).text
    assert "Suppressed: a count below 5" in Page(html(public)).text
    assert public.by_region("xrays")["KE-600"].numerator is None


def test_a_week_that_is_all_suppressed_says_so_once(bulletin_warehouse: Warehouse) -> None:
    said = headlines(made(bulletin_warehouse, "2022-W10"))
    assert len(said) == len(set(said)) == 2
    assert all("withheld because the numbers are small" in sentence for sentence in said)


def test_the_internal_edition_hides_nothing(internal: Bulletin) -> None:
    text = Page(html(internal)).text
    assert "Nyanza (KE-600) 3 " in text
    assert "suppressed" not in text.replace("nothing is suppressed", "")


def test_a_suppressed_number_is_in_no_output_even_if_it_were_given(public: Bulletin) -> None:
    """The pages ask `suppressed` first: what stands in a hidden cell is never looked at."""
    poisoned = replace(public, measures=tuple(poison(m) for m in public.measures))
    assert any(m.suppressed for m in poisoned.measures)
    shown = json.dumps(view(poisoned, "serif")) + html(poisoned)
    shown += manifest(poisoned, {}).decode()
    assert "777" not in shown
    assert view(poisoned, "serif") == view(public, "serif")


def poison(measure: Measure) -> Measure:
    if not measure.suppressed:
        return measure
    counts = {"numerator": 777, "denominator": 7777, "simulated": 777}
    return replace(measure, estimate=0.777, ci_low=0.7, ci_high=0.7777, **counts)


# Reproducible


def test_the_same_version_gives_the_same_bytes_after_later_work(tmp_path: Path) -> None:
    with make_home(tmp_path / "home") as warehouse:
        commit = add_weeks(warehouse, {"NBO-01": 30, "MBA-01": 20}, 3)
        write(made(warehouse, as_of=str(commit)), tmp_path / "first")
        add_weeks(warehouse, {"NBO-01": 50}, 3, seed=2)
        write(made(warehouse, as_of=str(commit)), tmp_path / "deep" / "second")
        write(made(warehouse), tmp_path / "third")
    first, second, third = (
        {name: (tmp_path / place / name).read_bytes() for name in FILES}
        for place in ("first", "deep/second", "third")
    )
    assert first == second
    assert first["bulletin.csv"] != third["bulletin.csv"]
    assert not any(str(tmp_path).encode() in content for content in first.values())


def test_the_manifest_names_the_week_and_the_hash_of_each_file(
    public: Bulletin, tmp_path: Path
) -> None:
    written = write(public, tmp_path / "made" / "here")
    assert [path.name for path in written] == FILES
    assert sorted(path.name for path in written[0].parent.iterdir()) == sorted(FILES)
    found = json.loads(written[-1].read_text())
    hashes = found.pop("files")
    assert hashes == {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in written[:-1]}
    assert found == {
        "week": WEEK,
        "epiweek": "iso",
        "first_day": "2026-05-11",
        "last_day": "2026-05-17",
        "as_of": public.version.commit_number,
        "recorded_at": public.version.recorded_at.isoformat(),
        "audience": "public",
        "complete": True,
        "model_versions": ["pw-test-1"],
        "software_version": public.software_version,
    }


def test_a_folder_that_cannot_be_written_is_the_user_s_mistake(
    public: Bulletin, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(UserError, match=r"--out .*cannot write there"):
        write(public, tmp_path / "file")


# Weeks


def test_the_default_is_the_last_complete_week_of_the_version() -> None:
    sunday, monday = datetime(2026, 5, 17, 23, tzinfo=UTC), datetime(2026, 5, 18, tzinfo=UTC)
    assert week_in_question(None, sunday, "iso") == "2026-W19"
    assert week_in_question(None, monday, "iso") == "2026-W20"
    assert week_in_question(None, sunday, "mmwr") == "2026-W19"  # its W19 ended on Saturday
    assert week_in_question(None, datetime(2026, 1, 4, tzinfo=UTC), "iso") == "2025-W52"


@pytest.mark.parametrize("week", ["last", "2026-W60", "2026-W0", "2025-W53", "0001-W01", "2026-20"])
def test_a_week_that_is_none_says_the_way_out(week: str) -> None:
    with pytest.raises(UserError, match=f"--week '{week}'.*leave --week out"):
        week_in_question(week, datetime(2026, 5, 18, tzinfo=UTC), "iso")


def test_an_empty_warehouse_needs_a_week() -> None:
    with pytest.raises(UserError, match=r"empty.*ingest"):
        week_in_question(None, BEGINNING.recorded_at, "iso")


def test_a_week_without_xrays_says_so_everywhere(
    bulletin_warehouse: Warehouse, tmp_path: Path
) -> None:
    bulletin = made(bulletin_warehouse, "2026-W30")
    assert bulletin.empty
    assert headlines(bulletin) == [
        "No X-ray taken in week 2026-W30 is in this version; "
        "the last week before it with X-rays is 2026-W20."
    ]
    assert "No X-ray taken in week 2026-W30" in Page(html(bulletin)).text
    assert site_sentences(bulletin)[0] == "0 of 5 known sites sent X-rays of this week."
    assert [path.name for path in write(bulletin, tmp_path)] == FILES


def test_a_year_without_xrays_has_no_chart(bulletin_warehouse: Warehouse, tmp_path: Path) -> None:
    bulletin = made(bulletin_warehouse, "2015-W10")
    assert trend_figure(bulletin, "serif") is None
    assert "nothing to draw" in Page(html(bulletin)).text
    assert [path.name for path in write(bulletin, tmp_path)] == FILES


def test_a_new_home_gives_an_empty_bulletin(tmp_path: Path) -> None:
    with Warehouse.create(tmp_path / "home") as warehouse:
        bulletin = made(warehouse)
    assert bulletin.version == BEGINNING
    text = Page(html(bulletin)).text
    assert "an empty warehouse" in text
    assert "1970" not in text
    assert pdf(bulletin).startswith(b"%PDF")


def test_a_running_week_is_marked(public: Bulletin) -> None:
    """The same numbers, as they would be on the Friday of that week."""
    friday = Version(public.version.commit_number, datetime(2026, 5, 15, 9, tzinfo=UTC))
    running = (replace(m, complete=m.complete and m.period != WEEK) for m in public.measures)
    bulletin = replace(public, version=friday, measures=tuple(running))
    assert not bulletin.complete
    assert "not complete" in headlines(bulletin)[0]
    assert not any(word in " ".join(headlines(bulletin)) for word in ("rose", "fell", "stayed"))
    assert {row[5] for row in view(bulletin, "serif")["key"]["rows"]} == {"–"}
    figure = trend_figure(bulletin, "serif")
    assert figure is not None
    assert "not complete" in figure.svg
    assert sum("not complete" in sentence for sentence in completeness(bulletin)) == 1
    assert "before the week ended" in completeness(bulletin)[0]


def test_mmwr_weeks_begin_on_sunday(bulletin_warehouse: Warehouse) -> None:
    request = BulletinRequest("2026-W20", epiweek="mmwr")
    settings = WarehouseSettings(published_weeks="mmwr")
    bulletin = gather(bulletin_warehouse, request, settings)
    assert (bulletin.first_day, bulletin.last_day) == (date(2026, 5, 17), date(2026, 5, 23))
    assert "MMWR week" in html(bulletin)


# What is not of patients


def test_generated_xrays_put_up_the_banner(bulletin_warehouse: Warehouse) -> None:
    bulletin = made(bulletin_warehouse, "2022-W10")
    found = banner(bulletin)
    assert found is not None
    assert "SIMULATED / GENERATED DATA" in Page(html(bulletin)).text
    assert "3" not in found["text"]  # the number itself is suppressed
    internal = banner(made(bulletin_warehouse, "2022-W10", audience="internal"))
    assert internal is not None
    assert "3" in internal["text"]


def test_earlier_simulated_weeks_put_up_the_banner_too(bulletin_warehouse: Warehouse) -> None:
    found = banner(made(bulletin_warehouse, "2019-W20"))
    assert found is not None
    assert "52 weeks" in found["text"]


def test_real_xrays_have_no_banner(public: Bulletin) -> None:
    assert banner(public) is None
    assert "SIMULATED" not in Page(html(public)).text
