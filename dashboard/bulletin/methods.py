"""The box that says what each number means, and what it does not."""

from dashboard.bulletin.contents import Bulletin
from dashboard.formatting import listing

WEEK_RULES = {"iso": "Monday to Sunday (ISO 8601)", "mmwr": "Sunday to Saturday (MMWR)"}
METHODS = {
    "X-rays": (
        "Readable frontal chest radiographs taken in the week, by the date at the site. A patient "
        "may have several. They are not cases, and the shares are not incidence."
    ),
    "Raw positivity": (
        "X-rays that the model labels pneumonia, of those in its scope; Wilson 95% interval. The "
        "model misses some and raises false alarms, so this is not a prevalence."
    ),
    "Adjusted prevalence": (
        "The share of X-rays in scope that show pneumonia, estimated from raw positivity and the "
        "model's sensitivity and specificity as counted on its validation films, or on a site's "
        "own confirmed films where it has enough; Lang-Reiczigel 95% interval (2014). It holds as "
        "far as those films are like these."
    ),
    "Bacterial share": (
        "Of the X-rays labelled pneumonia, those that look rather bacterial than viral to the "
        "model. A radiograph cannot prove a cause."
    ),
    "Out-of-scope share": (
        "X-rays unlike those that the model was validated on, of all X-rays. They have no label "
        "and are in no other share."
    ),
}
ROUNDING = (
    "Changes are worked out before rounding and may differ by one in the last digit from the "
    "difference of the numbers shown."
)
HIDING = "Numbers that rest on very few X-rays are withheld, here, in the figures and in the CSV"
UNREAD = "No radiologist has read the X-rays before they are counted."


def methods(bulletin: Bulletin) -> list[dict[str, str]]:
    """Term and text, in the order of the key numbers and then of the page."""
    said = METHODS | {
        "Weeks": f"{WEEK_RULES[bulletin.epiweek]}, labelled with the date on which they end.",
        "Small numbers": _suppression(bulletin),
        "Rounding": ROUNDING,
        "Model": f"{_models(bulletin)} {UNREAD}",
    }
    return [{"term": term, "text": text} for term, text in said.items()]


def _models(bulletin: Bulletin) -> str:
    versions = list(bulletin.model_versions)
    return f"Labels by {listing(versions)}." if versions else "No X-ray has a label yet."


def _suppression(bulletin: Bulletin) -> str:
    if bulletin.audience == "internal":
        return "This is the internal edition: nothing is suppressed. Do not publish it."
    reasons = sorted({m.missing_reason or "" for m in bulletin.measures if m.suppressed})
    return f"{HIDING} ({'; '.join(reasons)})." if reasons else f"{HIDING}; none had to be."
