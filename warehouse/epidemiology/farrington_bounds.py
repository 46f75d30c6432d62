"""Upper bounds, p values and exceedance scores of the Farrington method."""

import numpy as np

from warehouse.epidemiology.arguments import Floats
from warehouse.epidemiology.discrete import quantile, upper_tail
from warehouse.epidemiology.proportions import normal_quantile

POWERS = {"2/3": 2 / 3, "1/2": 1 / 2, "none": 1.0}


def delta(
    y: Floats, log_mean: Floats, error: Floats, phi: Floats, alpha: float, power: str
) -> tuple[Floats, Floats, Floats]:
    """(bound, p, score) from a normal approximation of the power-transformed count.

    With τ = φ + Var(μ)/μ and e the power: (μᵉ + z e μ^(e − ½) √τ)^(1/e), z = Φ⁻¹(1 − α).
    Farrington et al. 1996, doi:10.2307/2983331. score = (y − μ)/(bound − μ).
    """
    from scipy.special import ndtr

    mu, e, z = np.exp(log_mean), POWERS[power], normal_quantile(1 - alpha)
    tau = phi + (error * mu) ** 2 / mu
    se = e * mu ** (e - 0.5) * np.sqrt(tau)
    bound = _greater((mu**e + z * se), (mu**e - z * se), 1 / e)
    return bound, np.asarray(ndtr((mu**e - y**e) / se)), (y - mu) / (bound - mu)


def _greater(one: Floats, other: Floats, power: float) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.fmax(one**power, other**power)


def plug_in(
    y: Floats, log_mean: Floats, error: Floats, phi: Floats, alpha: float, method: str
) -> tuple[Floats, Floats, Floats]:
    """(bound, p, score) from the negative binomial of mean μ and variance φμ (φ = 1: Poisson).

    Noufaily et al. 2013, doi:10.1002/sim.5595: μ is the expected count (nbPlugin), or its 1 − α
    quantile, exp(log μ + z se) (muan). The score is R's: (y − log μ)/(bound − log μ).
    """
    if method == "muan":
        mu = np.exp(log_mean + normal_quantile(1 - alpha) * error)
    else:
        mu = np.exp(log_mean)
    bound, p = quantile(1 - alpha, mu, phi), upper_tail(y, mu, phi)
    return bound, np.where(np.isinf(mu), np.nan, p), (y - log_mean) / (bound - log_mean)
