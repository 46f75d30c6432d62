"""The places of a bulletin, as its tables and map name and number them."""

from dataclasses import dataclass

from dashboard.bulletin.contents import Bulletin
from dashboard.bulletin.svg import one_line
from warehouse.records import Region, Site

NO_REGION = "Sites without a region"


@dataclass(frozen=True, slots=True)
class Place:
    """A region by its number in the table and on the map."""

    number: int
    code: str | None
    name: str
    geometry: dict[str, object] | None

    @property
    def full_name(self) -> str:
        """The name and the code that stands in the CSV, where they differ."""
        same = self.code is None or one_line(self.code) == self.name
        return self.name if same else f"{self.name} ({one_line(self.code or '')})"


def places(bulletin: Bulletin) -> list[Place]:
    """The regions that have sites or X-rays, by name; numbers count from 1."""
    known = {region.region: region for region in bulletin.regions}
    codes: set[str | None] = {site.region for site in bulletin.sites}
    codes |= set(bulletin.by_region("xrays"))
    ordered = sorted(codes, key=lambda code: (code is None, _sort_key(code, known)))
    return [_place(number, code, known) for number, code in enumerate(ordered, 1)]


def bare_regions(bulletin: Bulletin) -> list[Region]:
    """The regions without any site: on the map only, unnumbered."""
    numbered = {place.code for place in places(bulletin)}
    return [region for region in bulletin.regions if region.region not in numbered]


def region_name(code: str | None, known: dict[str, Region]) -> str:
    """A region's name, its code where it has none."""
    if code is None:
        return NO_REGION
    return one_line(known[code].name if code in known else code) or one_line(code)


def site_name(site: Site) -> str:
    """A site's name and its id: names need not be unique."""
    return f"{one_line(site.name)} ({one_line(site.site_id)})"


def silent_sites(bulletin: Bulletin) -> list[Site]:
    """The known sites from which no X-ray taken in this week is in this version."""
    counts = bulletin.by_site("xrays")
    sent = {site for site, m in counts.items() if m.suppressed or m.numerator}
    return [site for site in bulletin.sites if site.site_id not in sent]


def _sort_key(code: str | None, known: dict[str, Region]) -> tuple[str, str]:
    return region_name(code, known).casefold(), code or ""


def _place(number: int, code: str | None, known: dict[str, Region]) -> Place:
    geometry = known[code].geometry if code is not None and code in known else None
    return Place(number, code, region_name(code, known), geometry)
