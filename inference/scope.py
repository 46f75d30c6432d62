"""Whether a study is like what the model was validated on: the soft limit of scope."""

from inference.records import ModelCard
from ingest.records import Study


def out_of_scope_reasons(study: Study, card: ModelCard) -> list[str]:
    """Why a study is outside the card's intended use; empty when it is inside.

    Judged by age and view where they are known; an unknown one is no reason.
    """
    reasons = []
    youngest, oldest = card.ages
    if study.age_years is not None and not youngest <= study.age_years <= oldest:
        reasons.append(f"age outside {youngest:g} to {oldest:g} years")
    if study.view is not None and card.views and study.view not in card.views:
        reasons.append(f"view is not one of {', '.join(card.views)}")
    return reasons
