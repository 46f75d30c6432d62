"""Whether a film is like those that the model was validated on: the two limits of scope.

Hard: its pixels are no frontal chest radiograph at all, and it is refused. Soft: it is one,
but unlike the validation films in age, view or looks; it is scored and gets no label.
"""

import math
from datetime import UTC, datetime

from inference.datasets import Film
from inference.records import ModelCard
from ingest.problem import Problem
from ingest.records import Reason, Source, Study
from ingest.values import parse_age, parse_view, plausible_age


def refusal(card: ModelCard, score: float) -> Problem | None:
    """Why a film with this scope score is refused; None where it is not.

    A score that is NaN was not judged, and a card without the limit refuses nothing.
    """
    limit = card.scope_hard_limit
    if limit is None or not score > limit:
        return None
    sentence = (
        "its pixels are not those of a frontal chest radiograph; send the chest film itself "
        f"(scope score {score:.3g}, at most {limit:.3g})"
    )
    return Problem(Reason.NOT_A_CHEST, sentence)


def out_of_scope_reasons(study: Study, card: ModelCard, score: float | None = None) -> list[str]:
    """Why a study is outside the card's intended use; empty when it is inside.

    Judged by age and view where they are known, and by its scope score where there is one;
    what is unknown is no reason.
    """
    reasons = []
    youngest, oldest = card.ages
    if study.age_years is not None and not youngest <= study.age_years <= oldest:
        reasons.append(f"age outside {youngest:g} to {oldest:g} years")
    if study.view is not None and card.views and study.view not in card.views:
        reasons.append(f"view is not one of {', '.join(card.views)}")
    limit = card.scope_limit
    if limit is not None and score is not None and score > limit:
        reasons.append(
            "its pixels are unlike the films that the model was validated on "
            f"(scope score {score:.3g}, at most {limit:.3g})"
        )
    return reasons


def known(score: float) -> float | None:
    """A scope score as it is stored: None where it was not judged."""
    return None if math.isnan(score) else float(score)


def in_scope(film: Film, card: ModelCard) -> bool:
    """Is a labelled film within the card's intended use, as far as its index says?

    Ages and views are read as ingest reads them: an implausible age is an unknown one.
    """
    study = Study(
        study_id="",
        content_hash="",
        patient_key=None,
        site_id=None,
        acquired_at=None,
        acquired_date=None,
        received_at=datetime.now(UTC),
        age_years=plausible_age(parse_age(film.age))[0],
        sex=None,
        view=parse_view(film.view) or film.view or None,
        source=Source.IMAGE,
        flags="",
    )
    return not out_of_scope_reasons(study, card)
