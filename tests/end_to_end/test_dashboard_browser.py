"""The dashboard in a real browser: numbers, links, keyboard, console, nothing off the host."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest

from ingest.records import Source
from tests.dashboard import network
from warehouse.measures import MeasureRequest, compute
from warehouse.store import Warehouse

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
COMMAND = "import sys; from dashboard.cli import main; sys.exit(main())"
SLOW = 45_000  # milliseconds: two cores may be busy with other tests


@dataclass
class Visit:
    """A page of the browser, and what went wrong on it."""

    page: "playwright.Page"
    base: str
    home: Path
    errors: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.base + path)
        self.settled()

    def settled(self) -> None:
        self.page.wait_for_selector("#content h2", timeout=SLOW)
        title = re.compile(" · PneumoWatch$")
        playwright.expect(self.page).to_have_title(title, timeout=SLOW)

    def search_becomes(self, text: str) -> None:
        self.page.wait_for_url(lambda url: text in unquote(url), timeout=SLOW)

    def shown(self, rows: str) -> dict[tuple[str, str], float | None]:
        """Estimates in table rows, exactly, by period and place."""
        found = self.page.eval_on_selector_all(
            f"{rows} tr[data-period] [data-field=estimate]",
            "cells => cells.map(c => { const r = c.closest('tr').dataset;"
            " return [r.period, r.region || r.site || '', c.dataset.value] })",
        )
        return {(period, place): float(text) if text else None for period, place, text in found}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return network.create(tmp_path_factory.mktemp("browser") / "home")


@pytest.fixture(scope="module")
def address(home: Path) -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "--home", str(home), "serve", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert process.stderr is not None
    said = next(line for line in process.stderr if "PneumoWatch is at" in line)
    yield said.split()[3].rstrip("/")
    process.terminate()
    process.wait(20)
    process.stderr.close()


@pytest.fixture(scope="module")
def browser() -> Iterator["playwright.Browser"]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=[(1280, 900)])
def visit(
    request: pytest.FixtureRequest, browser: "playwright.Browser", address: str, home: Path
) -> Iterator[Visit]:
    """A fresh page; at the end, nothing may have gone wrong on it."""
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    found = Visit(page, address, home)
    page.on("console", lambda m: found.errors.append(m.text) if m.type == "error" else None)
    page.on(
        "response",
        lambda r: found.errors.append(f"{r.status} {r.url}") if r.status >= 400 else None,
    )
    page.on("pageerror", lambda error: found.errors.append(str(error)))
    page.on(
        "request",
        lambda r: (
            None
            if r.url.startswith((address, "data:", "blob:"))
            else found.errors.append(f"asked {r.url}")
        ),
    )
    yield found
    context.close()
    assert found.errors == []


def measured(home: Path, request: MeasureRequest) -> dict[tuple[str, str], float | None]:
    with Warehouse.open(home, read_only=True) as warehouse:
        found = compute(warehouse, request)
    return {(m.period, m.region or m.site or ""): m.estimate for m in found}


def test_overview_shows_the_last_complete_week(visit: Visit) -> None:
    visit.go("/")
    for measure in ("xrays", "positivity", "prevalence", "out_of_scope"):
        card = visit.page.locator(f".card [data-measure={measure}]")
        period = str(card.get_attribute("data-period"))
        wanted = measured(visit.home, MeasureRequest(measure, by=()))[(period, "")]
        assert float(str(card.get_attribute("data-value"))) == wanted
    assert "never a diagnosis" in visit.page.inner_text("header")
    assert "never a diagnosis" in visit.page.inner_text("footer")
    assert visit.page.inner_text(".version").startswith("Data version")
    assert visit.page.title() == "Overview · PneumoWatch"


def test_trends_show_the_measures_of_the_address(visit: Visit) -> None:
    visit.go("/trends?measure=prevalence&places=region:NORTH,region:SOUTH")
    wanted = measured(visit.home, MeasureRequest("prevalence", by=("region",)))
    wanted = {key: value for key, value in wanted.items() if key[1] in ("NORTH", "SOUTH")}
    assert visit.shown("#content") == wanted
    visit.page.wait_for_selector(".js-plotly-plot .scatterlayer", timeout=SLOW)
    drawn = visit.page.evaluate(
        "document.querySelector('.js-plotly-plot').data"
        ".filter(t => t.type === 'scatter' && !t.fill).map(t => Array.from(t.y))"
    )
    assert sorted(drawn) == sorted(
        [wanted[key] for key in sorted(wanted) if key[1] == place] for place in ("NORTH", "SOUTH")
    )
    assert visit.page.get_by_label("Measure").first.input_value() == "Adjusted prevalence"


def test_every_region_by_itself(visit: Visit) -> None:
    visit.go("/trends?view=regions")
    found = visit.page.eval_on_selector_all(
        "#content td[data-period]",
        "cells => cells.map(c => [c.dataset.period, c.dataset.region,"
        " c.querySelector('[data-field]').dataset.value])",
    )
    shown = {(period, place): float(text) if text else None for period, place, text in found}
    assert shown == measured(visit.home, MeasureRequest("positivity", by=("region",)))
    charts = visit.page.locator(".multiples .js-plotly-plot")
    playwright.expect(charts).to_have_count(3, timeout=SLOW)


def test_a_control_changes_the_address_and_back_changes_it_back(visit: Visit) -> None:
    visit.go("/trends")
    visit.page.get_by_text("month", exact=True).click()
    visit.search_becomes("period=month")
    visit.page.wait_for_selector("tr[data-period='2026-03']", timeout=SLOW)
    visit.page.go_back()
    visit.page.wait_for_selector("tr[data-period='2026-W10']", timeout=SLOW)
    assert "period" not in visit.page.url
    assert visit.page.locator("input[type=radio][value=week]").is_checked()


def test_places_can_be_picked_by_keyboard(visit: Visit) -> None:
    visit.go("/trends")
    field = visit.page.get_by_label("Compare up to 4 places").first
    field.focus()
    visit.page.keyboard.type("South")
    visit.page.keyboard.press("ArrowDown")
    visit.page.keyboard.press("Enter")
    visit.search_becomes("places=region:SOUTH")
    visit.page.wait_for_selector("tr[data-region=SOUTH]", timeout=SLOW)


def test_the_map_and_its_slider(visit: Visit) -> None:
    visit.go("/map")
    visit.page.wait_for_selector(".choroplethlayer path", state="attached", timeout=SLOW)
    slider = visit.page.get_by_role("slider")
    slider.focus()
    visit.page.keyboard.press("ArrowLeft")
    visit.search_becomes("week=2026-W")
    period = visit.page.url.split("week=")[1]
    visit.page.wait_for_selector(f"tr[data-period='{period}']", timeout=SLOW)
    wanted = measured(visit.home, MeasureRequest(by=("region",)))
    assert visit.shown("#content") == {k: v for k, v in wanted.items() if k[0] == period}


def test_a_bad_address_is_a_page_that_says_so(visit: Visit) -> None:
    visit.go("/trends?measure=<img src=x onerror=alert(1)>&places=region:NOWHERE")
    text = visit.page.inner_text("#problems")
    assert "<img src=x" in text
    assert "region:NOWHERE" in text
    assert "region:NOWHERE" in visit.page.url.replace("%3A", ":")  # the link stays as it was


def test_links_go_without_loading_again_and_name_the_page(visit: Visit) -> None:
    visit.go("/")
    visit.page.evaluate("window.same = true")
    visit.page.get_by_role("link", name="Map").click()
    playwright.expect(visit.page).to_have_title("Map · PneumoWatch", timeout=SLOW)
    assert visit.page.evaluate("window.same")
    assert visit.page.locator("[aria-current=page]").inner_text() == "Map"


@pytest.mark.parametrize("visit", [(390, 844)], indirect=True)
@pytest.mark.parametrize("path", ["/", "/trends?view=sites", "/map"])
def test_a_phone_never_scrolls_sideways(visit: Visit, path: str) -> None:
    visit.go(path)
    visit.page.wait_for_selector(".js-plotly-plot .main-svg", timeout=SLOW)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_every_control_has_a_name_and_headings_are_in_order(visit: Visit) -> None:
    for path in ("/", "/trends", "/map"):
        visit.go(path)
        nameless = visit.page.eval_on_selector_all(
            "main input:not([type=hidden])",
            "all => all.filter(i => !(i.labels && i.labels.length) && !i.ariaLabel).length",
        )
        assert nameless == 0, path
        levels = visit.page.eval_on_selector_all(
            "h1, h2, h3", "all => all.map(h => Number(h.tagName[1]))"
        )
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(b - a <= 1 for a, b in pairwise(levels))
        assert visit.page.evaluate("document.documentElement.lang") == "en"


def test_new_rows_show_within_half_a_minute(visit: Visit) -> None:
    visit.go("/")
    before = int(str(visit.page.get_attribute(".version", "data-version")))
    last = date(2026, 2, 2) + timedelta(weeks=12)
    with Warehouse.open(visit.home) as warehouse:
        films = network.films(network.SITES, last, 1, Source.IMAGE, 10, seed=9)
        network.add(warehouse, list(films))
    visit.page.wait_for_selector(f".version[data-version='{before + 1}']", timeout=30_000)
    visit.page.wait_for_selector("[data-measure=xrays][data-period='2026-W18']", timeout=5_000)
