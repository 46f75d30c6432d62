"""A model judged on labelled films: the numbers of `pneumowatch evaluate`.

All readable films count. "Positive" is anything but the model's negative class. Every key is
explained in docs/evaluation.md.
"""

from inference.classes import aetiology, multiclass, per_class
from inference.intervals import delong
from inference.judged import Judged
from inference.metrics import (
    average_precision,
    brier,
    expected_calibration_error,
    log_loss,
)
from inference.operating import calibration_bins, keyed, number, operating_point, summary
from inference.subgroups import matched, subgroups


def report(judged: Judged) -> dict[str, object]:
    """The keys that CONTRACT.md fixes, then the rest; None where nothing can be said."""
    at_surveillance = operating_point(judged, judged.threshold)
    groups = subgroups(judged)
    result: dict[str, object] = {
        "n": len(judged.films),
        "positives": int(judged.positive.sum()),
        "out_of_scope": int((~judged.in_scope).sum()),
        "refused": int(judged.refused.sum()),
        "loss": number(log_loss(judged.positive, judged.p)),
        **keyed("auroc", delong(judged.positive, judged.p)),
        **at_surveillance,
        "average_precision": number(average_precision(judged.positive, judged.p)),
        "brier": number(brier(judged.positive, judged.p)),
        "ece": number(expected_calibration_error(judged.positive, judged.p)),
        "per_class": per_class(judged),
    }
    if causes := aetiology(judged):
        result["aetiology"] = causes
    return result | {
        "model_version": judged.card.model_version,
        "operating_points": {
            name: operating_point(judged, threshold)
            for name, threshold in judged.card.thresholds.items()
        },
        "multiclass": multiclass(judged),
        "calibration": calibration(judged),
        "in_scope": summary(judged.of(judged.in_scope)),
        "subgroups": groups,
        "matched": matched(judged),
        "by_source": groups.get("source", {}),
    }


def calibration(judged: Judged) -> list[dict[str, object]]:
    """The bins of the reliability figure."""
    return [
        {
            "from": one.low,
            "to": one.high,
            "n": one.n,
            "predicted": number(one.predicted),
            **keyed("observed", one.observed),
        }
        for one in calibration_bins(judged.positive, judged.p)
    ]
