"""The expected count of a monitored point: fit, down-weight past outbreaks, keep a trend or not."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse.epidemiology.arguments import Floats
from warehouse.epidemiology.farrington_fit import Fit, Rows, fit

LEAST_YEARS_FOR_TREND = 3


@dataclass(frozen=True, slots=True)
class Options:
    """How the baselines are modelled: the arguments of farrington_flexible of the same names."""

    reweight: bool
    weights_threshold: float
    trend: bool
    trend_p: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """One value a monitored point, NaN where the model did not converge.

    log_mean without the point's exposure; error its standard error; dispersion φ ≥ 1; trend
    whether the model has one.
    """

    log_mean: Floats
    error: Floats
    dispersion: Floats
    trend: NDArray[np.bool_]


def predict(rows: Rows, log_exposure: Floats, years: int, options: Options) -> Prediction:
    """Model all baselines. log_exposure (K,): that of the monitored points.

    The trend stays in where there are at least three years, it is significant at trend_p, and
    the expected count is not above the largest of the baseline; otherwise all is fitted anew
    without it (Farrington et al. 1996).
    """
    trended = np.zeros(len(rows.counts), dtype=np.bool_)
    found = np.full((3, len(rows.counts)), np.nan)
    if options.trend and years >= LEAST_YEARS_FOR_TREND:
        model, phi, error, p = _fitted(rows, options, trend=True)
        with np.errstate(invalid="ignore", over="ignore"):
            sane = np.exp(model.level + log_exposure) <= rows.counts.max(1)
            trended = model.converged & (p < options.trend_p) & sane
        found[:, trended] = np.array([model.level, error, phi])[:, trended]
    rest = np.flatnonzero(~trended)
    if rest.size:
        model, phi, error, _ = _fitted(rows.take(rest), options, trend=False)
        plain = np.array([model.level, error, phi])
        found[:, rest] = np.where(model.converged, plain, np.nan)
    return Prediction(found[0], found[1], found[2], trended)


def _fitted(rows: Rows, options: Options, trend: bool) -> tuple[Fit, Floats, Floats, Floats]:
    """The last model, φ, the standard error of its prediction, and the trend's p value."""
    y, first = rows.counts, fit(rows, rows.known, trend)
    converged = first.converged
    model, weight = first, None
    if options.reweight:
        weight = _weights(rows, first, options.weights_threshold)
        model = fit(rows, weight, trend)
    phi = np.maximum(model.dispersion(y), 1)
    # surveillance stores the re-weighting weights over the working weights before it asks for
    # standard errors, so R's scale is this one; its bounds follow from it.
    scale = model.dispersion(y, weight)
    error = np.sqrt(scale * model.leverage)
    p = _p_value(model, scale) if trend else np.full(len(y), np.nan)
    return _converged(model, converged), phi, error, p


def _converged(model: Fit, first: NDArray[np.bool_]) -> Fit:
    """R checks the first fit alone."""
    return Fit(
        model.fitted,
        model.weight,
        model.hat,
        model.level,
        model.leverage,
        model.slope,
        model.slope_leverage,
        model.freedom,
        first,
    )


def _weights(rows: Rows, model: Fit, threshold: float) -> Floats:
    """s⁻² where the Anscombe residual s is above the threshold, else 1; scaled to sum n."""
    y, mu = rows.counts, model.fitted
    phi = np.maximum(model.dispersion(y), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = 1.5 * (y ** (2 / 3) * mu ** (-1 / 6) - np.sqrt(mu))
        s = raw / np.sqrt(phi[:, None] * (1 - model.hat))
        outlying = (s > threshold) & (model.hat < 1 - 1e-10)  # a row alone fits itself
        weight = rows.known * np.where(outlying, s**-2.0, 1.0)
    scale = rows.known.sum(1) / np.maximum(weight.sum(1), 1e-300)  # 0 where nothing is known
    return np.asarray(weight * scale[:, None])


def _p_value(model: Fit, scale: Floats) -> Floats:
    """Two-sided p of the trend, Student's t."""
    from scipy.special import stdtr

    with np.errstate(divide="ignore", invalid="ignore"):
        t = model.slope / np.sqrt(scale * model.slope_leverage)
        return np.asarray(2 * stdtr(model.freedom, -np.abs(t)))
