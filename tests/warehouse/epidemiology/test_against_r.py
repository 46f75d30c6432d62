"""Farrington Flexible beside R's own in one run: random series and settings, equal and faster.

Runs where Debian's r-cran-surveillance is installed.
"""

import csv
import shutil
import subprocess
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.warehouse.epidemiology.references import numbers
from warehouse.epidemiology import farrington_flexible

BAR = 5  # times as fast
SCRIPT = """
suppressMessages(library(surveillance))
for (case in commandArgs(TRUE)) {
  data <- read.csv(file.path(case, "data.csv"))
  control <- source(file.path(case, "control.R"))$value
  args <- list(observed = matrix(data$count), frequency = 52, start = c(2001, 1),
               population = matrix(data$exposure))
  if (control$dated) args <- c(args, list(epoch = as.numeric(as.Date(data$day)),
                                          epochAsDate = TRUE))
  control$dated <- NULL
  series <- do.call(sts, args)
  took <- system.time(found <- suppressWarnings(farringtonFlexible(series, control)))[["elapsed"]]
  write.csv(data.frame(
    upper_bound = found@upperbound[, 1], alarm = found@alarm[, 1] %in% TRUE,
    expected = found@control$expected[, 1], score = found@control$score[, 1],
    p_value = found@control$pvalue[, 1], dispersion = found@control$phiVector[, 1],
    trend_used = found@control$trend[, 1] %in% 1, took = took
  ), file.path(case, "found.csv"), row.names = FALSE)
}
"""


@pytest.fixture(scope="module")
def rscript() -> str:
    """R with its surveillance package."""
    found = shutil.which("Rscript")
    if found is None:
        pytest.skip("needs R (Debian: r-base-core, r-cran-surveillance)")
    asked = [found, "-e", 'quit(status = !requireNamespace("surveillance", quietly = TRUE))']
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("needs R's surveillance (Debian: r-cran-surveillance)")
    return found


def _case(rng: np.random.Generator) -> dict[str, Any]:
    """Counts, exposures, days and settings, named as ours."""
    years, half_window = int(rng.integers(1, 6)), int(rng.integers(1, 5))
    points = 52 * years + half_window + 1 + int(rng.integers(14, 30))
    exposure = rng.integers(50, 300, points)
    level = rng.choice([0.3, 1, 5, 40, 400]) * exposure / 150
    mean = level * np.exp(0.5 * np.cos(2 * np.pi * np.arange(points) / 52))
    first = date(2000, 1, 1) + timedelta(int(rng.integers(0, 4000)))
    counts = rng.negative_binomial(5, 5 / (5 + mean))
    counts[-30:-25] += rng.poisson(4 * level[-30:-25])
    return {
        "counts": counts,
        "days": [first + timedelta(7 * week) for week in range(points)],
        "dated": bool(rng.random() < 0.5),
        "exposure": exposure,
        "offset": bool(rng.random() < 0.5),
        "at": range(points - 12, points),
        "years_back": years,
        "half_window": half_window,
        "periods": int(rng.choice([1, 2, 5, 10])),
        "exclude_recent": int(rng.choice([3, 26])),
        "reweight": bool(rng.random() < 0.8),
        "weights_threshold": float(rng.choice([1, 2.58])),
        "threshold_method": str(rng.choice(["delta", "nbPlugin", "muan"])),
        "power_transform": str(rng.choice(["2/3", "1/2", "none"])),
        "alpha": float(rng.choice([0.005, 0.025, 0.1])),
        "trend": bool(rng.random() < 0.8),
        "trend_p": float(rng.choice([0.05, 1])),
        "limit": (float(rng.choice([0, 5])), 4),
    }


def _typical(rng: np.random.Generator) -> dict[str, Any]:
    """The default settings on five years and a half."""
    one = _case(rng) | {"dated": False, "offset": True, "periods": 10, "reweight": True}
    counts = rng.negative_binomial(5, 0.2, 300)
    one |= {"counts": counts, "exposure": rng.integers(50, 300, 300), "at": range(280, 300)}
    one |= {"days": [date(2001, 1, 1)] * 300, "years_back": 5, "half_window": 3}
    return one | {"threshold_method": "nbPlugin", "trend": True, "exclude_recent": 26}


def _control(case: dict[str, Any]) -> str:
    def r(value: bool) -> str:
        return "TRUE" if value else "FALSE"

    return f"""list(range = {case["at"][0] + 1}:{case["at"][-1] + 1}, b = {case["years_back"]},
  w = {case["half_window"]}, noPeriods = {case["periods"]},
  pastWeeksNotIncluded = {case["exclude_recent"]}, reweight = {r(case["reweight"])},
  weightsThreshold = {case["weights_threshold"]}, glmWarnings = FALSE, alpha = {case["alpha"]},
  trend = {r(case["trend"])}, pThresholdTrend = {case["trend_p"]},
  limit54 = c{case["limit"]}, powertrans = "{case["power_transform"]}",
  populationOffset = {r(case["offset"])}, thresholdMethod = "{case["threshold_method"]}",
  dated = {r(case["dated"])})"""


def _ask_r(rscript: str, cases: list[dict[str, Any]], folder: Path) -> list[list[dict[str, str]]]:
    (folder / "script.R").write_text(SCRIPT)
    for number, case in enumerate(cases):
        (folder / str(number)).mkdir()
        (folder / str(number) / "control.R").write_text(_control(case))
        with (folder / str(number) / "data.csv").open("w", newline="") as file:
            rows = zip(case["counts"], case["exposure"], case["days"], strict=True)
            csv.writer(file).writerows([("count", "exposure", "day"), *rows])
    folders = [str(folder / str(number)) for number in range(len(cases))]
    command = [rscript, str(folder / "script.R"), *folders]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    texts = [(Path(one) / "found.csv").read_text() for one in folders]
    return [list(csv.DictReader(text.splitlines())) for text in texts]


def _ours(case: dict[str, Any]) -> Any:
    options = {key: value for key, value in case.items() if key not in ("days", "dated", "offset")}
    options["exposure"] = case["exposure"] if case["offset"] else None
    return farrington_flexible(**options, dates=case["days"] if case["dated"] else None)


def _column(rows: list[dict[str, str]], name: str) -> list[float | None]:
    known = {"NA": None, "TRUE": 1.0, "FALSE": 0.0}
    return [known[row[name]] if row[name] in known else float(row[name]) for row in rows]


def test_random_series_and_settings_give_what_r_gives(rscript: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    cases = [_case(rng) for _ in range(8)]
    compared = 0
    for case, rows in zip(cases, _ask_r(rscript, cases, tmp_path), strict=True):
        found = _ours(case)
        for name in rows[0].keys() - {"took"}:
            ours = np.asarray(getattr(found, name), dtype=np.float64)
            expected = numbers(_column(rows, name))
            np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-9, err_msg=name)
            compared += ours.size
    assert compared > 600


def test_it_is_many_times_faster_than_r(rscript: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(12)
    cases = [_typical(rng) for _ in range(2)]
    theirs = sum(float(rows[0]["took"]) for rows in _ask_r(rscript, cases, tmp_path))
    _ours(cases[0])  # imports
    began = time.perf_counter()
    for case in cases:
        _ours(case)
    assert theirs / (time.perf_counter() - began) >= BAR
