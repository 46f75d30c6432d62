"""What a page is: a title, controls, and content, both made from filters and a snapshot."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from dash.development.base_component import Component

from dashboard.filters import Filters, Parsed
from dashboard.reading import Snapshot

Blocks = list[Component]


def any_filters(filters: Filters, _snapshot: Snapshot) -> Parsed:
    """Accepts every filter as it is."""
    return Parsed(filters)


@dataclass(frozen=True, slots=True)
class Page:
    """One address. `check` turns filters into ones that this warehouse can answer."""

    path: str
    title: str
    introduction: str
    controls: Callable[[Filters, Snapshot], Blocks]
    content: Callable[[Filters, Snapshot], Blocks]
    check: Callable[[Filters, Snapshot], Parsed] = any_filters

    def settle(self, parsed: Parsed, snapshot: Snapshot) -> Parsed:
        """The filters as this page uses them, with the problems of both steps."""
        found = self.check(parsed.filters, snapshot)
        return replace(found, problems=(*parsed.problems, *found.problems))
