"""The application by direct HTTP: what it answers, refuses and never gives away."""

import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from dashboard.app import create_app
from ingest.records import Source
from tests.dashboard import network
from warehouse.measures import MeasureRequest, compute
from warehouse.models import register
from warehouse.records import Site
from warehouse.sites import load_sites
from warehouse.store import Warehouse

SHOW = (
    "..navigation.children...heading.children...controls.children...content.children...shown.data.."
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return network.create(tmp_path_factory.mktemp("dashboard") / "home")


@pytest.fixture(scope="module")
def client(home: Path) -> FlaskClient:
    return create_app(home).server.test_client()


def question(path: str, search: str = "", shown: object = None) -> dict[str, Any]:
    """What the browser sends when it comes to an address."""
    return {
        "output": SHOW,
        "outputs": [
            {"id": name, "property": kind}
            for name, kind in (part.split(".") for part in SHOW.strip(".").split("..."))
        ],
        "inputs": [
            {"id": "url", "property": "pathname", "value": path},
            {"id": "url", "property": "search", "value": search},
            {"id": "commit", "property": "data", "value": None},
        ],
        "state": [{"id": "shown", "property": "data", "value": shown}, []],
        "changedPropIds": ["url.pathname"],
    }


def ask(client: FlaskClient, path: str, search: str = "", shown: object = None) -> dict[str, Any]:
    reply = client.post("/_dash-update-component", json=question(path, search, shown))
    if reply.status_code == 204:
        return {}
    assert reply.status_code == 200, reply.get_data(as_text=True)
    found: dict[str, Any] = reply.get_json()["response"]
    return found


def parts(tree: object) -> list[dict[str, Any]]:
    """The props of every component in a reply, outermost first."""
    if isinstance(tree, list):
        return [part for child in tree for part in parts(child)]
    if not isinstance(tree, dict) or "props" not in tree:
        return []
    return [tree["props"], *parts(tree["props"].get("children"))]


def text_of(tree: object) -> str:
    if isinstance(tree, list):
        return " ".join(text_of(child) for child in tree)
    if isinstance(tree, dict):
        return text_of(tree.get("props", {}).get("children"))
    return "" if tree is None else str(tree)


def content(client: FlaskClient, path: str, search: str = "") -> list[dict[str, Any]]:
    return parts(ask(client, path, search)["content"]["children"])


def measured(home: Path, request: MeasureRequest) -> dict[tuple[str, str | None], float | None]:
    with Warehouse.open(home, read_only=True) as warehouse:
        found = compute(warehouse, request)
    return {(m.period, m.region or m.site): m.estimate for m in found}


@pytest.mark.parametrize("path", ["/", "/trends", "/map"])
def test_pages_answer_with_every_header(client: FlaskClient, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 200
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "same-origin"
    body = reply.get_data(as_text=True)
    assert '<html lang="en">' in body
    assert "http://" not in body.replace("http://localhost", "")
    assert "https://" not in body


@pytest.mark.parametrize(
    "path", ["/nothing", "/trends/more", "/%2e%2e/etc/passwd", "/assets/none.css", "/_dash-none/x"]
)
def test_unknown_addresses_are_not_found(client: FlaskClient, path: str) -> None:
    with client.get(path) as reply:
        assert reply.status_code == 404


def test_what_the_browser_has_already_is_not_sent_again(client: FlaskClient) -> None:
    address = "/_dash-component-suites/dash/dcc/async-graph.js"
    with client.get(address) as first:
        tag = first.headers["ETag"]
    assert client.get(address, headers={"If-None-Match": f'"{tag}"'}).status_code in (200, 304)
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 304


def test_unknown_pages_say_so(client: FlaskClient) -> None:
    assert "nothing at /nothing" in text_of(ask(client, "/nothing")["content"]["children"])


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_cross_site_posts_are_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    reply = client.post("/_dash-update-component", json=question("/"), headers=headers)
    assert reply.status_code == 403
    assert "Week" not in reply.get_data(as_text=True)


def test_posts_of_our_own_pages_are_answered(client: FlaskClient) -> None:
    headers = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    reply = client.post("/_dash-update-component", json=question("/"), headers=headers)
    assert reply.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"output": "x.children"}',
        b'{"output": 5}',
        json.dumps({"output": SHOW, "inputs": [1]}).encode(),
    ],
)
def test_malformed_questions_are_refused_without_a_traceback(
    client: FlaskClient, body: bytes
) -> None:
    reply = client.post("/_dash-update-component", data=body, content_type="application/json")
    assert reply.status_code == 400
    assert "Traceback" not in reply.get_data(as_text=True)


@pytest.mark.parametrize("path", ["/", "/trends", "/map"])
@pytest.mark.parametrize(
    "search", ["?measure=<script>", "?week=2031-W01", "?places=region:NONE", "?from=x&to=y&z=1"]
)
def test_bad_values_are_named_on_a_whole_page(client: FlaskClient, path: str, search: str) -> None:
    found = content(client, path, search)
    assert [part for part in found if part.get("id") == "recent"] or path != "/"
    assert "could not be made" not in text_of(ask(client, path, search)["content"]["children"])
    if (path, search.split("=")[0]) in {("/trends", "?places"), ("/map", "?week")} or "<" in search:
        (notice,) = [part for part in found if part.get("id") == "problems"]
        assert search.split("=")[1].removeprefix("region:") in text_of(notice["children"])


@pytest.mark.parametrize("measure", ["positivity", "prevalence", "xrays", "bacterial_share"])
@pytest.mark.parametrize("period", ["day", "week", "month"])
def test_the_table_and_the_line_are_the_measures(
    client: FlaskClient, home: Path, measure: str, period: str
) -> None:
    search = f"?measure={measure}&period={period}&from=2026-03-02&to=2026-03-31"
    found = content(client, "/trends", f"{search}&places=region:NORTH,region:EAST")
    rows = [part for part in found if part.get("data-period") and part.get("data-region")]
    shown = {
        (row["data-period"], row["data-region"]): cell["props"]["data-value"]
        for row in rows
        for cell in row["children"]
        if cell["props"].get("data-field") == "estimate"
    }
    first, last = {"month": ("2026-03-01", "2026-03-31"), "week": ("2026-03-02", "2026-04-05")}.get(
        period, ("2026-03-02", "2026-03-31")
    )
    request = MeasureRequest(
        measure, period, ("region",), date.fromisoformat(first), date.fromisoformat(last)
    )
    wanted = {k: v for k, v in measured(home, request).items() if k[1] in ("NORTH", "EAST")}
    assert {key: float(text) if text else None for key, text in shown.items()} == wanted
    (chart,) = [part["figure"] for part in found if part.get("id") == "trend"]
    lines = [t for t in chart["data"] if t["type"] == "scatter" and "fill" not in t]
    drawn = {(t["name"], y) for t in lines for y in t["y"] if y is not None}
    names = {"NORTH": "The North", "EAST": "The East"}
    assert drawn == {(names[k[1] or ""], v) for k, v in wanted.items() if v is not None}


def test_the_same_state_is_not_drawn_again(client: FlaskClient) -> None:
    shown = ask(client, "/trends", "?period=month")["shown"]["data"]
    assert ask(client, "/trends", "?period=month", shown) == {}
    assert "content" in ask(client, "/trends", "?period=day", shown)
    older = shown | {"commit": shown["commit"] - 1}
    assert "content" in ask(client, "/trends", "?period=month", older)


def test_names_with_markup_stay_text(client: FlaskClient) -> None:
    found = content(client, "/trends", "?places=site:NO-2")
    (chart,) = [part["figure"] for part in found if part.get("id") == "trend"]
    assert "<b>Hill" not in json.dumps([trace.get("name") for trace in chart["data"]])
    assert "<b>Hill" not in json.dumps(chart["layout"])
    assert "<b>Hill" not in json.dumps([trace.get("text") for trace in chart["data"]])


def test_the_public_sees_no_small_number(home: Path) -> None:
    with Warehouse.open(home, read_only=True) as warehouse:
        internal = compute(warehouse, MeasureRequest("positivity", by=("region",)))
    small = {m.period for m in internal if m.region == "EAST" and (m.denominator or 0) == 2}
    assert small  # the fixture has what this test is about
    public = create_app(home, "public").server.test_client()
    found = content(public, "/trends", "?places=region:EAST")
    rows = [part for part in found if part.get("data-region") == "EAST"]
    for row in rows:
        if row["data-period"] in small:
            values = [cell["props"].get("data-value") for cell in row["children"]]
            assert not any(values)
    assert small <= {row["data-period"] for row in rows}
    assert "Audience: public" in text_of(ask(public, "/trends")["heading"]["children"])


def test_outlines_are_served_and_their_version_is_in_the_map(client: FlaskClient) -> None:
    found = content(client, "/map")
    (chart,) = [part["figure"] for part in found if part.get("id") == "map"]
    reply = client.get(chart["data"][0]["geojson"])
    assert reply.status_code == 200
    assert {f["properties"]["region"] for f in reply.get_json()["features"]} == {
        "NORTH",
        "SOUTH",
        "EAST",
    }


def test_the_map_scale_is_the_same_in_every_week(client: FlaskClient) -> None:
    tops = set()
    for week in ("2026-W06", "2026-W09", "2026-W12"):
        found = content(client, "/map", f"?week={week}")
        (chart,) = [part["figure"] for part in found if part.get("id") == "map"]
        tops.add(chart["data"][1]["zmax"])
    assert len(tops) == 1


def test_sites_are_points_where_there_are_no_outlines(tmp_path: Path) -> None:
    home = network.create(tmp_path / "home", weeks=2, regions=())
    found = content(create_app(home).server.test_client(), "/map")
    (chart,) = [part["figure"] for part in found if part.get("id") == "map"]
    assert {trace["type"] for trace in chart["data"]} == {"scattergeo"}
    assert sum(len(trace["lon"]) for trace in chart["data"]) == len(network.SITES)


def test_synthetic_studies_are_named_on_every_page(tmp_path: Path) -> None:
    home = network.create(tmp_path / "home", weeks=3, source=Source.SIMULATED)
    client = create_app(home).server.test_client()
    for path in ("/", "/trends", "/map"):
        notices = [p for p in content(client, path) if "synthetic" in str(p.get("className"))]
        assert notices, path
        assert "simulated score" in text_of(notices[0]["children"])


def test_each_step_towards_data_says_the_next_one(tmp_path: Path) -> None:
    home = tmp_path / "home"
    client = create_app(home).server.test_client()

    def says() -> str:
        return text_of(ask(client, "/trends")["content"]["children"])

    assert "pneumowatch init --home" in says()
    with Warehouse.create(home):
        pass
    assert "sites load" in says()
    sites = [Site("A", "Alpha", "R", 1.0, 1.0)]
    with Warehouse.open(home) as warehouse:
        load_sites(warehouse, sites, [])
    assert "pneumowatch ingest" in says()
    with Warehouse.open(home) as warehouse:
        films = list(network.films(sites, date(2026, 3, 2), 1, Source.IMAGE, 5))
        network.add(warehouse, films)
    assert "no promoted model" in says()
    with Warehouse.open(home) as warehouse:
        register(warehouse, network.CARD, promote=True)
    assert "The numbers" in says()


def test_no_home_gives_no_path_away_to_the_public(tmp_path: Path) -> None:
    client = create_app(tmp_path / "hidden", "public").server.test_client()
    assert "hidden" not in json.dumps(ask(client, "/"))


def test_the_poll_is_silent_until_something_changes(home: Path, client: FlaskClient) -> None:
    body = {
        "output": "commit.data",
        "outputs": {"id": "commit", "property": "data"},
        "inputs": [{"id": "poll", "property": "n_intervals", "value": 1}],
        "state": [{"id": "commit", "property": "data", "value": None}],
        "changedPropIds": ["poll.n_intervals"],
    }
    reply = client.post("/_dash-update-component", json=body)
    commit = reply.get_json()["response"]["commit"]["data"]
    with Warehouse.open(home, read_only=True) as warehouse:
        assert commit == warehouse.query("version_latest")[0]["commit_number"]
    body["state"][0]["value"] = commit  # type: ignore[index]
    reply = client.post("/_dash-update-component", json=body)
    assert "commit" not in (reply.get_json(silent=True) or {}).get("response", {})


def test_compression_keeps_the_content(client: FlaskClient) -> None:
    address = "/assets/pneumowatch.css"
    with client.get(address, headers={"Accept-Encoding": "gzip"}) as reply:
        assert reply.headers["Content-Encoding"] == "gzip"
    with client.get(address) as plain:
        assert gzip.decompress(reply.get_data()) == plain.get_data()
