"""What leaves the inference room: a `Prediction`, and the `ModelCard` it was made under."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Prediction:
    """One model version's opinion of one study: a surveillance score, never a diagnosis.

    Every field is a column of the warehouse table `predictions`. `p_bacterial` and
    `p_viral` are given pneumonia and add up to 1.
    """

    study_id: str
    model_version: str
    probability: float  # calibrated probability of pneumonia, 0 to 1
    p_bacterial: float | None  # None: this model does not tell them apart
    p_viral: float | None
    in_scope: bool
    label: str | None  # PNEUMONIA or NORMAL; None when out of scope
    threshold: float  # the surveillance threshold that `label` used
    quality_score: float | None  # 0 (unusable) to 1; None: not judged by this model version
    scope_score: float | None  # distance from the validation films; None: not judged
    predicted_at: datetime
    calibration_id: str | None = None  # of the site's own calibration; None: the card's alone


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What travels with weights. Sensitivity and specificity are counts, not shares."""

    model_version: str
    architecture: str
    labels: tuple[str, ...]  # softmax order, e.g. ("normal", "bacteria", "virus")
    negative_label: str  # the label that means "no pneumonia"
    input_size: int  # pixels, square
    preprocessing: str
    thresholds: dict[str, float]  # surveillance, screening
    temperature: float  # logits are divided by it: the calibration
    true_positives: int
    false_negatives: int
    true_negatives: int
    false_positives: int
    intended_use: str
    ages: tuple[float, float]
    views: tuple[str, ...]
    scope_limit: float | None  # scope_score above which in_scope is false; None: not judged
    training: dict[str, object] = field(default_factory=dict)  # data hashes, licences, recipe
    validation: dict[str, object] = field(default_factory=dict)  # metrics by data set
    created: str = ""  # ISO date
    weights_digest: str = ""  # sha256 of the safetensors file
    scope_hard_limit: float | None = None  # scope_score above which a film is refused
    onnx_digest: str = ""  # sha256 of the exported .onnx file; empty: none was exported


@dataclass(frozen=True, slots=True)
class SiteCalibration:
    """What a site's confirmed labels change of one model version there.

    Every field is a column of the warehouse table `site_calibrations`. The probability p of
    the card becomes that of the logit `intercept + slope * logit(p)`; both thresholds are on
    the new probability. The four counts are those of films that were held out in turn, so
    that they are not flattered by the fit; `positives` and `negatives` are all that were used.
    """

    calibration_id: str
    site_id: str
    model_version: str
    slope: float
    intercept: float
    surveillance: float
    screening: float
    positives: int
    negatives: int
    true_positives: int
    false_negatives: int
    true_negatives: int
    false_positives: int
    fitted_at: datetime
