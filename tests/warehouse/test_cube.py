"""The cube and the base agree after whatever happens to the warehouse."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from tests.warehouse.rows import SITES, card, load, prediction, study
from warehouse.arrivals import append_studies
from warehouse.cube import BINS, Cube
from warehouse.models import register
from warehouse.records import Site
from warehouse.sites import load_sites
from warehouse.store import Warehouse
from warehouse.versions import resolve

EVERYTHING: dict[str, Any] = {
    "period": "day", "mmwr": False, "first": None, "last": None, "regions": None, "sites": None,
    "by_region": True, "by_site": True, "by_age": False, "by_sex": False,
}  # fmt: skip
QUESTIONS = [
    EVERYTHING,
    EVERYTHING | {"period": "week", "by_site": False},
    EVERYTHING | {"period": "week", "mmwr": True, "by_site": False, "by_region": False},
    EVERYTHING | {"period": "week", "first": date(2026, 5, 4), "last": date(2026, 5, 31)},
    EVERYTHING | {"period": "month", "regions": ["ALPHA"], "first": date(2026, 5, 6)},
    EVERYTHING | {"period": "week", "sites": ["A1", "B1"], "last": date(2026, 6, 1)},
]


def agree(warehouse: Warehouse, cube: Cube, commit: int | None = None) -> None:
    commit = resolve(warehouse).commit_number if commit is None else commit
    for question in QUESTIONS:
        asked = {"commit": commit, **question}
        assert cube.counts(**asked) == warehouse.query("counts", **asked), question
    histogram_agrees(warehouse, cube, commit)


def histogram_agrees(warehouse: Warehouse, cube: Cube, commit: int) -> None:
    """By numpy, from the current predictions alone."""
    rows = warehouse.sql(
        """SELECT model_version, list(probability) AS scores FROM (
            SELECT study_id, arg_max(p.model_version, m.commit_number) AS model_version,
                arg_max(p.probability, m.commit_number) AS probability
            FROM predictions p JOIN promotions m USING (model_version)
            WHERE p.commit_number <= $commit AND m.commit_number <= $commit GROUP BY study_id)
        JOIN studies USING (study_id) WHERE acquired_date IS NOT NULL GROUP BY model_version
        ORDER BY model_version""",
        commit=commit,
    )
    expected = [
        {
            "model_version": row["model_version"],
            "bins": np.histogram(row["scores"], bins=len(BINS), range=(0, 1))[0].tolist(),
        }
        for row in rows
    ]
    empty = dict.fromkeys(("first", "last", "regions", "sites"))
    assert cube.histogram(commit=commit, **empty) == expected


class Happenings:
    """What may befall a warehouse, at random."""

    def __init__(self, warehouse: Warehouse, seed: int) -> None:
        self.warehouse, self.rng, self.number = warehouse, np.random.default_rng(seed), 0

    def arrival(self) -> None:
        """A batch; some without a date, some months late, some scored by an older model."""
        studies, scored = [], {}
        models = self._models()
        for _ in range(int(self.rng.choice([1, 5, 30]))):
            self.number += 1
            name = f"n{self.number}"
            day = date(2026, 6, 15) - timedelta(days=int(self.rng.integers(0, 60)))
            site = str(self.rng.choice(["A1", "A2", "B1", "unknown"]))
            undated = self.rng.random() < 0.1
            source = str(self.rng.choice(["image", "simulated", "generated"]))
            studies.append(study(name, site, None if undated else day, source=source))
            scored[name] = self._prediction(name, str(self.rng.choice(models)))
        with self.warehouse.write("test") as transaction:
            append_studies(transaction, studies, scored)

    def rescoring(self) -> None:
        version = self._models()[-1]
        rows = self.warehouse.sql(
            "SELECT study_id FROM studies ANTI JOIN "
            "(FROM predictions WHERE model_version = $v) USING (study_id) ORDER BY 1",
            v=version,
        )
        chosen = [r["study_id"] for r in rows if self.rng.random() < 0.4]
        scored = [self._prediction(name, version) for name in chosen]
        with self.warehouse.write("rescore") as transaction:
            transaction.append(
                "predictions", [{n: getattr(p, n) for n in p.__slots__} for p in scored]
            )

    def promotion(self) -> None:
        register(self.warehouse, card(f"m{self.rng.integers(1, 4)}"), promote=True)

    def registration(self) -> None:
        register(self.warehouse, card(f"m{self.rng.integers(4, 6)}"))

    def erasure(self) -> None:
        rows = self.warehouse.sql("SELECT study_id FROM studies ORDER BY 1")
        gone = [r["study_id"] for r in rows if self.rng.random() < 0.1]
        with self.warehouse.write("erase") as transaction:
            for table in ("predictions", "studies"):
                transaction.cursor.execute(
                    f"DELETE FROM {table} WHERE list_contains($1, study_id)", [gone]
                )

    def flush(self) -> None:
        self.warehouse.sql("CALL ducklake_flush_inlined_data('w')")

    def compaction(self) -> None:
        self.warehouse.sql("CALL ducklake_merge_adjacent_files('w')")
        self.warehouse.sql("CALL ducklake_rewrite_data_files('w', delete_threshold => 0)")

    def site_reload(self) -> None:
        region = str(self.rng.choice(["ALPHA", "BETA", "GAMMA"]))
        load_sites(self.warehouse, [Site("A2", "Alpha Two", region, 1.5, 10.5), SITES[0]], [])

    def labels(self) -> None:
        with self.warehouse.write("labels") as transaction:
            transaction.append("labels", [{"study_id": "n1", "label": "NORMAL"}])

    def _models(self) -> list[str]:
        rows = self.warehouse.sql("SELECT model_version v FROM models GROUP BY 1 ORDER BY 1")
        return [r["v"] for r in rows]

    def _prediction(self, name: str, version: str) -> Any:
        label = self.rng.choice(["PNEUMONIA", "NORMAL", ""])
        made = prediction(name, str(label) or None, version, float(self.rng.random()))
        values = {n: getattr(made, n) for n in made.__slots__}
        return type(made)(
            **values | {"probability": float(self.rng.choice([0, 1, self.rng.random()]))}
        )


NAMES = [
    "arrival", "arrival", "arrival", "rescoring", "promotion", "registration", "erasure",
    "compaction", "site_reload", "labels",
]  # fmt: skip


def befall(happenings: Happenings, names: list[str], reader: Warehouse, cube: Cube) -> None:
    for step in range(12):
        getattr(happenings, str(happenings.rng.choice(names)))()
        if step == 0 or happenings.rng.random() < 0.6:  # several changes at once, too
            agree(reader, cube)
    agree(reader, cube)


@pytest.mark.parametrize("seed", range(2))
def test_cube_and_base_agree_after_any_interleaving(warehouse: Warehouse, seed: int) -> None:
    with Warehouse.open(warehouse.home.root, read_only=True) as reader:
        befall(Happenings(warehouse, seed), NAMES, reader, Cube(reader))


@pytest.mark.parametrize("seed", range(4, 5))
def test_and_where_inlined_rows_are_flushed(warehouse: Warehouse, seed: int) -> None:
    """On the flushing connection: any other has to be opened again (test_reading.py)."""
    befall(Happenings(warehouse, seed), [*NAMES, "flush"], warehouse, Cube(warehouse))


def test_arrivals_never_read_the_base_and_older_commits_are_kept(warehouse: Warehouse) -> None:
    first = load(warehouse, "A1 2026-05-11 PPNN-")
    cube = Cube(warehouse)
    agree(warehouse, cube)
    second = load(warehouse, "A1 2026-05-13 PP\nB1 2026-01-02 N\nB1 none P")
    agree(warehouse, cube)
    agree(warehouse, cube, first)
    assert cube.rebuilds == 1
    third = load(warehouse, "A2 2026-05-12 P")
    load(warehouse, "A2 2026-05-12 N")
    agree(warehouse, cube)
    assert cube.counts(commit=third, **EVERYTHING) is None  # never refreshed at that one
    agree(warehouse, cube, second)


def test_an_erasure_ends_what_the_cube_knew_of_older_commits(warehouse: Warehouse) -> None:
    first = load(warehouse, "A1 2026-05-11 PPNN")
    cube = Cube(warehouse)
    agree(warehouse, cube)
    with warehouse.write("erase") as transaction:
        transaction.cursor.execute("DELETE FROM studies WHERE study_id LIKE '%-0'")
    agree(warehouse, cube)
    assert cube.counts(commit=first, **EVERYTHING) is None
    assert cube.rebuilds == 1


def test_a_promotion_and_a_lost_snapshot_build_anew(warehouse: Warehouse) -> None:
    load(warehouse, "A1 2026-05-11 PPNN")
    cube = Cube(warehouse)
    agree(warehouse, cube)
    register(warehouse, card("m2"), promote=True)
    agree(warehouse, cube)
    assert cube.rebuilds == 2
    load(warehouse, "A1 2026-05-12 P")
    load(warehouse, "A1 2026-05-13 P")
    warehouse.sql("CALL ducklake_expire_snapshots('w', older_than => now())")
    agree(warehouse, cube)


def test_changes_are_merged_before_they_outgrow_the_cells(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.cube.MERGE_ROWS", 3)
    happenings = Happenings(warehouse, 11)
    happenings.arrival()
    cube = Cube(warehouse)
    for _ in range(8):
        happenings.arrival()
        happenings.erasure()
        agree(warehouse, cube)
    asked = {"commit": resolve(warehouse).commit_number, **EVERYTHING}
    cells = sum(len(row["classifiers"] or [0]) * 3 for row in cube.counts(**asked) or [])
    assert cube.rows <= 2 * cells
    assert cube.rebuilds == 1


def test_age_and_sex_go_to_the_base(warehouse: Warehouse) -> None:
    commit = load(warehouse, "A1 2026-05-11 PN age_years=3")
    assert Cube(warehouse).counts(commit=commit, **EVERYTHING | {"by_age": True}) is None
