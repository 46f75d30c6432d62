"""Coverage-guided fuzzing of the DICOM path, in one process, where atheris is installed.

    pip install atheris
    python -m tests.ingest.fuzz_coverage CORPUS [-max_total_time=600] [-seed=1] ...

pydicom's and our own code is instrumented; mutants come from `mutate.py`. Anything but a film
or a coded refusal stops it, with the input kept. Options are libFuzzer's.
"""

import random
import sys
from pathlib import Path

import atheris  # type: ignore[import-not-found]

with atheris.instrument_imports(include=["ingest", "pydicom"]):
    import ingest.dicom  # noqa: F401  the reader imports it late
    from ingest.problem import ProblemError
    from ingest.reader import ReaderSettings, decode

from tests.ingest.corpus import seeds
from tests.ingest.films import KEY, small
from tests.ingest.mutate import mutated

SETTINGS = ReaderSettings(KEY, small, max_pixels=1_000_000)


def one(data: bytes) -> None:
    """A film or a coded refusal; anything else is a finding."""
    try:
        decode(data, SETTINGS)
    except (ProblemError, MemoryError, RecursionError):
        return


def mutator(data: bytes, max_size: int, seed: int) -> bytes:
    """libFuzzer's hook."""
    return mutated(data, random.Random(seed))[:max_size]


def main() -> None:
    """Write the seeds into the corpus and hand over to libFuzzer."""
    corpus = Path(sys.argv[1])
    corpus.mkdir(parents=True, exist_ok=True)
    for name, data in seeds(most_bytes=60_000):
        (corpus / name).write_bytes(data)
    atheris.Setup(sys.argv, one, custom_mutator=mutator)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
