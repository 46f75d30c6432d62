"""The bulletin as documents: hostile names, HTML and PDF as others read them, the command."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.bulletin.contents import Bulletin
from dashboard.bulletin.figures import map_figure
from dashboard.bulletin.html import html
from dashboard.bulletin.pdf import UNKNOWN, pdf, undrawable
from dashboard.bulletin.places import places
from dashboard.bulletin.tables import csv_text
from dashboard.bulletin.view import view
from dashboard.bulletin.words import site_sentences
from dashboard.cli import main
from tests.dashboard.bulletin_home import FILES, REGIONS, SITES, WEEK, add_weeks, made, make_home
from tests.dashboard.bulletin_pages import Page, pdf_pages, pdf_text, tool
from warehouse.records import Site
from warehouse.store import Warehouse


@pytest.fixture(scope="module")
def page(public: Bulletin) -> Page:
    return Page(html(public))


# Hostile, many, few

HOSTILE = 'Ward <script>alert(1)</script> #panic("x") $x$ "quoted" \\ \'q\'\nsecond = line *b* _i_'
SEEN = " ".join(HOSTILE.split())


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Bulletin:
    sites = [
        Site("S-1", HOSTILE, HOSTILE, 0.0, 0.0),
        Site("S-2", "医院 😀\x07\u202e Больница", "R-2", 0.0, 0.0),
    ]
    regions = [replace(REGIONS[0], region=HOSTILE, name=HOSTILE)]
    with make_home(tmp_path_factory.mktemp("hostile") / "home", sites, regions) as warehouse:
        add_weeks(warehouse, {"S-1": 20})
        return made(warehouse, audience="internal")


def test_a_hostile_name_stays_text_in_html(hostile: Bulletin) -> None:
    found = Page(html(hostile))
    assert found.named("script") == []
    assert SEEN in found.text
    assert "医院 😀 Больница (S-2)" in found.text


def test_a_hostile_name_stays_text_in_pdf(hostile: Bulletin, tmp_path: Path) -> None:
    text = pdf_text(pdf(hostile), tmp_path)
    assert SEEN.replace(" ", "") in text.replace(" ", "")
    assert f"{UNKNOWN}{UNKNOWN} {UNKNOWN} Больница (S-2)" in text


def test_letters_that_typst_lacks_are_found_out() -> None:
    assert undrawable("aé–…ЖΩ−医😀") == {"医", "😀"}


def test_one_site_without_outlines_has_no_map_and_says_so(public: Bulletin) -> None:
    kept = tuple(m for m in public.measures if m.region in (None, "KE-110"))
    bulletin = replace(public, sites=SITES[:1], regions=(), measures=kept)
    assert map_figure(bulletin, "serif") is None
    assert "No map" in Page(html(bulletin)).text
    assert [place.full_name for place in places(bulletin)] == ["KE-110"]
    assert pdf(bulletin).startswith(b"%PDF")


def test_two_hundred_sites_stay_on_a_few_pages(tmp_path: Path) -> None:
    sites = [Site(f"S-{n:03d}", f"Hospital {n}", f"R-{n % 20:02d}", 0.0, 0.0) for n in range(200)]
    with make_home(tmp_path / "home", sites, ()) as warehouse:
        add_weeks(warehouse, {site.site_id: 1 for site in sites[:150]})
        bulletin = made(warehouse, audience="internal")
    assert len(view(bulletin, "serif")["regions"]["rows"]) == 20
    assert "38 more (see bulletin.csv)" in site_sentences(bulletin)[1]
    assert "S-199" in csv_text(bulletin)
    path = tmp_path / "bulletin.pdf"
    path.write_bytes(pdf(bulletin))
    assert pdf_pages(path) <= 4


# HTML and PDF as documents


def test_html_stands_alone(public: Bulletin, page: Page) -> None:
    assert page.named("html") == [{"lang": "en"}]
    assert page.named("script") + page.named("link") + page.named("img") == []
    addresses = [a for _, named in page.elements for a in (named.get("src"), named.get("href"))]
    assert set(addresses) == {None}
    assert "url(" not in html(public)
    assert "@import" not in html(public)


def test_html_tables_have_captions_and_scopes(page: Page) -> None:
    assert len(page.named("caption")) == len(page.named("table")) == 2
    assert {named.get("scope") for named in page.named("th")} == {"col", "row"}
    ids = [named["id"] for _, named in page.elements if "id" in named]
    assert len(ids) == len(set(ids))
    pointed = [named.get("aria-labelledby") for _, named in page.elements]
    assert {name for names in pointed if names for name in names.split()} <= set(ids)


def test_both_documents_say_that_it_is_no_diagnosis(
    page: Page, public: Bulletin, tmp_path: Path
) -> None:
    for text in (page.text, pdf_text(pdf(public), tmp_path)):
        assert "Surveillance statistics, not a diagnosis" in text


def test_pdf_and_html_show_the_same_numbers(page: Page, public: Bulletin, tmp_path: Path) -> None:
    words = view(public, "serif")
    text = pdf_text(pdf(public), tmp_path)
    cells = [cell for name in ("key", "regions") for row in words[name]["rows"] for cell in row]
    for said in (*cells, *words["headlines"], *words["sites"], *words["completeness"]):
        assert said in page.text
        assert said.replace(" ", "") in text.replace(" ", "").replace("\xad", "")


def test_pdf_is_tagged_and_carries_its_fonts(public: Bulletin, tmp_path: Path) -> None:
    path = tmp_path / "bulletin.pdf"
    path.write_bytes(pdf(public))
    about = tool("pdfinfo", path)
    assert "Tagged:          yes" in about
    assert "Title:           Weekly pneumonia X-ray bulletin, 2026-W20" in about
    assert "Figure" in tool("pdfinfo", "-struct", path)
    fonts = [line.split()[-5:-2] for line in tool("pdffonts", path).splitlines()[2:]]
    assert fonts
    assert all(font[0] == "yes" for font in fonts)


# The command


def test_the_command_writes_and_prints_the_paths(
    bulletin_warehouse: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = [
        "report",
        "weekly",
        "--home",
        str(bulletin_warehouse.home.root),
        "--week",
        WEEK,
        "--out",
        str(out),
    ]
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines() == [str(out / name) for name in FILES]
    assert main([*words, "--audience", "internal", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["audience"] == "internal"


def test_the_command_s_mistakes_are_the_user_s(
    bulletin_warehouse: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "report",
        "weekly",
        "--home",
        str(bulletin_warehouse.home.root),
        "--out",
        str(tmp_path / "out"),
    ]
    assert main([*words, "--week", "2026-W60"]) == 2
    assert "2026 has no week 60" in capsys.readouterr().err
    assert main([*words, "--as-of", "99999"]) == 2
    assert "no version 99999" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
