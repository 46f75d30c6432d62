"""How long cohorts take: python -m tests.benchmarks.cohorts [XRAYS]"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.warehouse.rows import network
from warehouse.cohorts.grammar import parse
from warehouse.cohorts.registry import save
from warehouse.cohorts.selection import select
from warehouse.store import Transaction

REPEATS = 7
COHORTS = {
    "point": "age >= 18 and age < 65 and sex = F and site = A1 and probability >= 0.9 "
    "and acquired between 2025-03-01 and 2025-03-31",
    "series": "age >= 18 and region = ALPHA and studies >= 2 and spacing >= 7 days "
    "and follow_up = 0..90 days from first positive",
}
STUDIES = """
INSERT INTO studies BY NAME SELECT
    md5(i::VARCHAR) AS study_id, md5(i::VARCHAR) AS content_hash,
    md5('p' || (hash(i) % greatest($n // 3, 1))) AS patient_key,
    ['A1', 'A2', 'B1'][1 + (hash(i + 7) % 3)::INT] AS site_id,
    TIMESTAMPTZ '2025-01-01 12:00:00+00' + to_days((hash(i + 3) % 365)::INT) AS acquired_at,
    DATE '2025-01-01' + (hash(i + 3) % 365)::INT AS acquired_date, now() AS received_at,
    (hash(i + 5) % 90)::DOUBLE AS age_years, ['F', 'M'][1 + (hash(i + 9) % 2)::INT] AS sex,
    'PA' AS "view", 'image' AS "source", '' AS flags, $commit AS commit_number
FROM range($n) AS numbers(i)
"""
PREDICTIONS = """
INSERT INTO predictions BY NAME SELECT
    md5(i::VARCHAR) AS study_id, 'm1' AS model_version,
    (hash(i + 11) % 1000) / 1000 AS probability, 0.5 AS p_bacterial, 0.5 AS p_viral,
    true AS in_scope, CASE WHEN hash(i + 11) % 1000 >= 500 THEN 'PNEUMONIA' ELSE 'NORMAL' END
    AS "label", 0.5 AS threshold, now() AS predicted_at, $commit AS commit_number
FROM range($n) AS numbers(i)
"""


def fill(transaction: Transaction, xrays: int) -> None:
    """Invented X-rays, three to a participant on average."""
    for text in (STUDIES, PREDICTIONS):
        values = {"n": xrays, "commit": transaction.commit_number}
        transaction.cursor.execute(text, values)


def main(xrays: int) -> None:
    with tempfile.TemporaryDirectory() as folder, network(Path(folder) / "home") as warehouse:
        with warehouse.write("bench") as transaction:
            fill(transaction, xrays)
        for name, text in COHORTS.items():
            save(warehouse, name, parse(text))
            for what in ("size", "attrition", "rows"):
                wall, cpu = [], []
                for _ in range(REPEATS):
                    start, worked = time.perf_counter(), time.process_time()
                    getattr(select(warehouse, name), what)()
                    wall.append(time.perf_counter() - start)
                    cpu.append(time.process_time() - worked)
                found = select(warehouse, name).size().xrays
                print(
                    f"{name} {what}: {statistics.median(wall):.2f} s, of the processors "
                    f"{statistics.median(cpu):.2f} s (medians), {found} of {xrays} X-rays"
                )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
