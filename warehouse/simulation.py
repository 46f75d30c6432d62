"""An epidemic with a known truth: what the demo shows and the proofs measure against.

Pure arrays, no I/O. The recipe (docs/demo.md draws it): sites of differing size and base
prevalence; a winter season; two waves that reach the regions one after the other; an
outbreak in one region; delays; a site that uploads once a week; a site that falls silent
for three weeks and sends it all afterwards; a change of model.
"""

from dataclasses import dataclass

import numpy as np

Array = np.ndarray

WEEKS = 156
WEEKLY_XRAYS = (220, 140, 60, 300, 160, 45, 180, 90, 120, 35, 260, 75)
BASE_PREVALENCE = (
    0.115, 0.100, 0.130, 0.145, 0.100, 0.165, 0.130, 0.110, 0.120, 0.180, 0.100, 0.145,
)  # fmt: skip
REGION_OF_SITE = (0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 4)
SEASON = (0.45, 0.10)  # logit amplitude of the yearly and half-yearly cosine
SEASON_PEAK_DAY = 20  # of the year
WAVES = ((48.0, 4.0, 0.90), (102.0, 3.5, 1.10))  # centre week, sd in weeks, logit height
REGION_LAG = (0, 1, 2, 1, 3)  # weeks
OUTBREAK_REGION = 2
OUTBREAK_ODDS = {128: 1.6, 129: 2.5, 130: 3.5, 131: 4.0, 132: 3.5, 133: 2.5, 134: 1.8, 135: 1.3}
DELAY_DAYS = (0.30, 0.28, 0.16, 0.10, 0.07, 0.04, 0.03, 0.02)  # share by days 0 to 7
WEEKDAY_SHARE = (0.17, 0.16, 0.16, 0.15, 0.15, 0.11, 0.10)  # Monday to Sunday
BATCH_SITE = 4
SILENT_SITE, SILENT_WEEKS = 7, (118, 119, 120)
MODEL_CHANGE_WEEK = 110
AGE_GROUPS = ((0, 5, 0.30), (5, 15, 0.10), (15, 45, 0.24), (45, 65, 0.17), (65, 89, 0.19))


@dataclass(frozen=True, slots=True)
class Epidemic:
    """The truth by site and week: `prevalence` and `expected_xrays` are (sites, weeks)."""

    recipe_week: Array  # (weeks,) which week of the recipe each one is
    region: Array  # (sites,) 0 to 4
    prevalence: Array
    expected_xrays: Array
    outbreak: Array  # (sites, weeks) bool
    viral_share: Array  # (sites, weeks) of the true pneumonias


@dataclass(frozen=True, slots=True)
class Xrays:
    """One X-ray a row. Days count from the first day of the first week."""

    site: Array  # int
    week: Array  # int, 0 = the first week
    day: Array  # int, when it was taken
    minute: Array  # int, of that day
    delay: Array  # int days until it was received
    sick: Array  # bool
    viral: Array  # bool, only true where sick
    age_years: Array  # float
    female: Array  # bool
    bedside: Array  # bool: taken AP
    patient: Array  # int

    def __len__(self) -> int:
        return len(self.site)

    def where(self, keep: Array) -> "Xrays":
        """The rows for which `keep` is true."""
        return Xrays(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


def epidemic(first_day_of_year: Array, sites: int = 12) -> Epidemic:
    """The truth of the last len(first_day_of_year) weeks of the recipe.

    `first_day_of_year` (weeks,) is each week's Monday as a day of its year, 1 to 366. With
    more than 12 sites the recipe's are repeated.
    """
    weeks = len(first_day_of_year)
    recipe_week = np.arange(weeks) + WEEKS - weeks
    like = np.arange(sites) % len(WEEKLY_XRAYS)
    region = np.asarray(REGION_OF_SITE)[like]
    logit = _logit(np.asarray(BASE_PREVALENCE)[like])[:, None] + _season(first_day_of_year)
    wave = _waves(recipe_week)[region]
    odds = _outbreak(recipe_week)
    outbreak = (region == OUTBREAK_REGION)[:, None] & (odds > 1)[None, :]
    logit = logit + wave + np.where(outbreak, np.log(odds)[None, :], 0.0)
    busier = 1 + 0.25 * wave + np.where(outbreak, 0.15 * (odds - 1)[None, :], 0.0)
    return Epidemic(
        recipe_week=recipe_week,
        region=region,
        prevalence=1 / (1 + np.exp(-logit)),
        expected_xrays=np.asarray(WEEKLY_XRAYS, dtype=float)[like][:, None] * busier,
        outbreak=outbreak,
        viral_share=np.clip(0.38 + 0.25 * wave, 0.1, 0.8),
    )


def draw(truth: Epidemic, rng: np.random.Generator) -> Xrays:
    """The X-rays that an epidemic brings, one by one."""
    counts = rng.poisson(truth.expected_xrays)
    site, week = (np.repeat(index.ravel(), counts.ravel()) for index in np.indices(counts.shape))
    n = len(site)
    weekday = rng.choice(7, size=n, p=WEEKDAY_SHARE)
    sick = rng.random(n) < truth.prevalence[site, week]
    age = _ages(n, rng)
    day = week * 7 + weekday
    return Xrays(
        site=site,
        week=week,
        day=day,
        minute=rng.integers(6 * 60, 24 * 60, n),
        delay=_delays(truth, site, week, day, rng),
        sick=sick,
        viral=sick & (rng.random(n) < truth.viral_share[site, week]),
        age_years=age,
        female=rng.random(n) < 0.5,
        bedside=rng.random(n) < np.where(age < 5, 0.9, 0.3 + 0.2 * sick),
        patient=_patients(site, week, rng),
    )


def _season(day_of_year: Array) -> Array:
    # the middle of the week, not its Monday
    angle = 2 * np.pi * (day_of_year + 3 - SEASON_PEAK_DAY) / 365.25
    return np.asarray(SEASON[0] * np.cos(angle) + SEASON[1] * np.cos(2 * angle))


def _waves(recipe_week: Array) -> Array:
    """(regions, weeks) logit height of the waves."""
    lagged = recipe_week[None, :] - np.asarray(REGION_LAG)[:, None]
    return np.asarray(
        sum(top * np.exp(-(((lagged - centre) / sd) ** 2) / 2) for centre, sd, top in WAVES)
    )


def _outbreak(recipe_week: Array) -> Array:
    return np.asarray([OUTBREAK_ODDS.get(int(week), 1.0) for week in recipe_week])


def _delays(
    truth: Epidemic, site: Array, week: Array, day: Array, rng: np.random.Generator
) -> Array:
    delay = rng.choice(len(DELAY_DAYS), size=len(site), p=DELAY_DAYS)
    like = site % len(WEEKLY_XRAYS)
    next_monday = (week + 1) * 7 - day
    delay = np.where(like == BATCH_SITE, next_monday, delay)
    recipe_week = truth.recipe_week[week]
    back = (SILENT_WEEKS[-1] + 1 - truth.recipe_week[0]) * 7 - day
    silent = (like == SILENT_SITE) & np.isin(recipe_week, SILENT_WEEKS)
    return np.asarray(np.where(silent, back, delay))


def _ages(n: int, rng: np.random.Generator) -> Array:
    low, high, share = (np.asarray(column) for column in zip(*AGE_GROUPS, strict=True))
    group = rng.choice(len(share), size=n, p=share)
    return np.round(rng.uniform(low[group], high[group]), 1)


def _patients(site: Array, week: Array, rng: np.random.Generator) -> Array:
    """About one X-ray in eight is of a patient who had one that week at that site."""
    patient = np.arange(len(site))
    follow_up = rng.random(len(site)) < 0.125
    same = np.r_[False, (site[1:] == site[:-1]) & (week[1:] == week[:-1])]
    earlier = np.flatnonzero(follow_up & same)
    patient[earlier] = patient[earlier - 1]
    return patient


def _logit(p: Array) -> Array:
    return np.asarray(np.log(p / (1 - p)))
