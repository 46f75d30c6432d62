"""The demo's past: X-rays simulated at score level, without images, and labelled so.

Each has a true class from the epidemic; its score is drawn from the shipped model's own
validation scores of films of that class. Before the model change they carry the scores of
an invented, less sharp predecessor: the same scores with noise on their logit.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import numpy as np
import pyarrow as pa

from inference.records import ModelCard
from ingest.records import Source
from warehouse.records import Site
from warehouse.simulation import MODEL_CHANGE_WEEK, WEEKS, Xrays
from warehouse.store import Transaction

PREDECESSOR = "simulated-predecessor"
PREDECESSOR_NOISE = 1.0  # standard deviation on the logit
SMOOTHING = 0.25  # of the logit: the validation films are few, the history is long
Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Scores:
    """Validation scores: p(pneumonia), p(bacterial | pneumonia) and the true class."""

    probability: Array
    bacterial: Array
    sick: Array
    viral: Array

    @classmethod
    def load(cls) -> "Scores":
        """Those that came with the shipped model."""
        path = files("inference").joinpath("weights", "validation_scores.json")
        content = json.loads(path.read_text(encoding="utf-8"))
        label = np.asarray(content["label"])
        sick = np.char.lower(label) != "normal"
        return cls(
            np.asarray(content["p_pneumonia"], dtype=float),
            np.asarray(content["p_bacterial"], dtype=float),
            sick,
            np.char.lower(label) == "virus",
        )

    def draw(self, sick: Array, viral: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """(n,) p(pneumonia) and p(bacterial) for X-rays of these true classes."""
        pick = np.empty(len(sick), dtype=int)
        for chosen, pool in (
            (~sick, ~self.sick),
            (sick & viral, self.sick & self.viral),
            (sick & ~viral, self.sick & ~self.viral),
        ):
            pick[chosen] = rng.choice(np.flatnonzero(pool), size=int(chosen.sum()))
        probability = _noisy(self.probability[pick], SMOOTHING, rng)
        return probability, _noisy(self.bacterial[pick], SMOOTHING, rng)


def predecessor_card(card: ModelCard, scores: Scores, rng: np.random.Generator) -> ModelCard:
    """The invented predecessor's card, its counts those of its own simulated scores."""
    probability = _noisy(scores.probability, float(np.hypot(SMOOTHING, PREDECESSOR_NOISE)), rng)
    positive = probability >= card.thresholds["surveillance"]
    return replace(
        card,
        model_version=PREDECESSOR,
        intended_use="Simulated: stands for an earlier model in the demo. There are no weights.",
        true_positives=int(np.sum(positive & scores.sick)),
        false_negatives=int(np.sum(~positive & scores.sick)),
        true_negatives=int(np.sum(~positive & ~scores.sick)),
        false_positives=int(np.sum(positive & ~scores.sick)),
        training={},
        validation={},
        weights_digest="",
    )


def append_history(
    transaction: Transaction,
    xrays: Xrays,
    first_day: date,
    sites: list[Site],
    card: ModelCard,
    rng: np.random.Generator,
    weeks: int,
) -> int:
    """Writes X-rays without images as studies and predictions; returns how many."""
    ids = _hexadecimal(rng, len(xrays))
    transaction.append_table("studies", _studies(transaction, xrays, first_day, sites, ids, rng))
    old = xrays.week + WEEKS - weeks < MODEL_CHANGE_WEEK
    table = _predictions(transaction, xrays, ids, old, card, rng)
    transaction.append_table("predictions", table)
    return len(xrays)


def times(xrays: Xrays, first_day: date) -> tuple[Array, Array]:
    """(n,) when each was taken and received, as datetime64[us] in UTC."""
    start = np.datetime64(first_day, "us")
    taken = start + (xrays.day * 1440 + xrays.minute).astype("timedelta64[m]")
    return taken, taken + (xrays.delay * 1440 + 45).astype("timedelta64[m]")


def patient_keys(xrays: Xrays, seed: int) -> list[str]:
    """Made-up pseudonyms: these patients do not exist."""
    return [f"demo{seed:04d}{number:024x}" for number in xrays.patient.tolist()]


def _studies(
    transaction: Transaction,
    xrays: Xrays,
    first_day: date,
    sites: list[Site],
    ids: list[str],
    rng: np.random.Generator,
) -> pa.Table:
    taken, received = times(xrays, first_day)
    n = len(xrays)
    site_ids = np.asarray([site.site_id for site in sites])
    return pa.table(
        {
            "study_id": ids,
            "content_hash": [f"simulated-{text}" for text in ids],
            "patient_key": patient_keys(xrays, int(rng.integers(10_000))),
            "site_id": site_ids[xrays.site],
            "acquired_at": pa.array(taken, pa.timestamp("us", "UTC")),
            "acquired_date": pa.array(taken.astype("datetime64[D]")),
            "received_at": pa.array(received, pa.timestamp("us", "UTC")),
            "age_years": xrays.age_years,
            "sex": np.where(xrays.female, "F", "M"),
            "view": np.where(xrays.bedside, "AP", "PA"),
            "source": [Source.SIMULATED.value] * n,
            "flags": [""] * n,
            "commit_number": np.full(n, transaction.commit_number),
        }
    )


def _predictions(
    transaction: Transaction,
    xrays: Xrays,
    ids: list[str],
    old: Array,
    card: ModelCard,
    rng: np.random.Generator,
) -> pa.Table:
    probability, bacterial = Scores.load().draw(xrays.sick, xrays.viral, rng)
    probability = np.where(old, _noisy(probability, PREDECESSOR_NOISE, rng), probability)
    threshold = card.thresholds["surveillance"]
    n = len(xrays)
    return pa.table(
        {
            "study_id": ids,
            "model_version": np.where(old, PREDECESSOR, card.model_version),
            "probability": probability,
            "p_bacterial": bacterial,
            "p_viral": 1 - bacterial,
            "in_scope": np.full(n, True),
            "label": np.where(probability >= threshold, "PNEUMONIA", "NORMAL"),
            "threshold": np.full(n, threshold),
            "predicted_at": pa.array([datetime.now(UTC)] * n, pa.timestamp("us", "UTC")),
            "commit_number": np.full(n, transaction.commit_number),
        }
    )


def _noisy(probability: Array, spread: float, rng: np.random.Generator) -> Array:
    """Gaussian noise on the logit."""
    p = np.clip(probability, 1e-6, 1 - 1e-6)
    logit = np.log(p / (1 - p)) + rng.normal(0, spread, len(p))
    return np.asarray(1 / (1 + np.exp(-logit)))


def _hexadecimal(rng: np.random.Generator, n: int) -> list[str]:
    """n ids of 32 hexadecimal digits."""
    text = rng.bytes(16 * n).hex()
    return [text[at : at + 32] for at in range(0, 32 * n, 32)]


def monday_days_of_year(first_day: date, weeks: int) -> Array:
    """(weeks,) each week's Monday as a day of its year."""
    days = [first_day + timedelta(weeks=week) for week in range(weeks)]
    return np.asarray([day.timetuple().tm_yday for day in days])
