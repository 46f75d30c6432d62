"""What fuzzing found, and a short seeded run of it; docs/proofs.md records the long ones."""

import os
import time
from pathlib import Path

import pytest

from ingest.inputs import Input
from ingest.reader import ReaderSettings, decode
from ingest.records import Reason, Rejection
from ingest.workers import read_all
from tests.ingest.films import KEY, small
from tests.ingest.fuzz_decode import Fuzz
from tests.ingest.malformed import prints_as_gigabytes
from tests.ingest.opening import SETTINGS, reason

FOUND = sorted((Path(__file__).parent / "found").iterdir())
WHOLE = os.environ.get("PROOF_SIZE", "whole") == "whole"
SECONDS = 600 if WHOLE else 20
MOST_CRASHES = 0.001  # of all films: GDCM ends its process over some damaged lossless JPEGs


def test_what_was_found_costs_one_file_each() -> None:
    """All mutants of films of our own, by two fuzzers; none stumbles any longer."""
    inputs = [Input(path, path.name, "S") for path in FOUND]
    outcomes = {i.name: o for i, o in read_all(inputs, ReaderSettings(KEY, small), 1)}
    assert len(outcomes) == len(FOUND) == 5
    for name, outcome in outcomes.items():
        if isinstance(outcome, Rejection) and outcome.reason is Reason.DECODER_FAILED:
            assert (name, "crashed" in outcome.sentence) == ("rgb_lossless_extraneous.dcm", True)


def test_two_kilobytes_do_not_become_gigabytes() -> None:
    """It took two minutes and 24 GB where memory was not capped."""
    before = time.monotonic()
    assert reason(prints_as_gigabytes()) is Reason.NO_PIXELS
    assert time.monotonic() - before < 5


def test_a_jfif_version_that_gdcm_does_not_know() -> None:
    """It ended the process; see codestream.without_remarks."""
    from pydicom import uid

    from tests.ingest.corpus import FRAMES, compressed, deep

    frame = (FRAMES / "lossless.jpg").read_bytes()
    renamed = frame[:2] + b"\xff\xe0\0\x10JFIF\0\x63\x63" + bytes(7) + frame[2:]
    decode(compressed(deep(), uid.JPEGLossless, renamed), SETTINGS)


def test_a_few_hundred_mutants() -> None:
    fuzz = Fuzz(seed=11)
    fuzz.run(seconds=30, most=300)
    assert fuzz.findings == []
    assert fuzz.done == 300
    assert sum(fuzz.reasons.values()) == 300
    assert 0 < fuzz.reasons["accepted"] < 300


@pytest.mark.proof
@pytest.mark.timeout(SECONDS + 300)
def test_fuzzing_finds_nothing() -> None:
    fuzz = Fuzz(seed=int(os.environ.get("FUZZ_SEED", "5")))
    fuzz.run(SECONDS)
    print(f"{fuzz.done} films, {len(fuzz.crashes)} decoders crashed, {fuzz.reasons}")
    assert fuzz.findings == []
    assert len(fuzz.crashes) <= MOST_CRASHES * fuzz.done + 1
