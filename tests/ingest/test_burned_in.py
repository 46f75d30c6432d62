from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ingest.burned_in import find
from ingest.content import content_hash
from ingest.errors import ConfigurationError
from ingest.inputs import Input
from ingest.reader import ReaderSettings, read
from ingest.records import Reason, Rejection, Study
from ingest.settings import IngestSettings
from tests.ingest.films import KEY, dataset, dicom_bytes, film, png
from tests.ingest.lettering import CORNERS, large_film, lettered

PLAIN = large_film(1000, 900)


def same(pixels: np.ndarray) -> np.ndarray:
    """A `prepare` that leaves the film as it is."""
    return pixels


def outcome(folder: Path, data: bytes, policy: str = "flag") -> Study | Rejection:
    (folder / "x.dcm").write_bytes(data)
    settings = ReaderSettings(KEY, same, keep=png, burned_in=policy)
    return read(Input(folder / "x.dcm", "x.dcm", "S"), settings)


def study(folder: Path, data: bytes, policy: str = "flag") -> Study:
    found = outcome(folder, data, policy)
    assert isinstance(found, Study), found
    assert found.pixels is not None
    return found


def drawn(pixels: np.ndarray, text: str, at: tuple[int, int], size: int) -> np.ndarray:
    image = Image.fromarray(pixels)
    ImageDraw.Draw(image).text(at, text, font=ImageFont.load_default(size), fill=255)
    return np.asarray(image)


@pytest.mark.parametrize("corner", CORNERS)
@pytest.mark.parametrize("size", [12, 24, 48])
@pytest.mark.parametrize("deep", [False, True])
def test_lines_of_text_are_found_where_they_are(corner: str, size: int, deep: bool) -> None:
    plain = PLAIN.astype(np.uint16) * 257 if deep else PLAIN
    marked = lettered(plain, size, corner=corner)
    boxes = find(marked)
    assert boxes
    covered = np.zeros(plain.shape, dtype=bool)
    for box in boxes:
        covered[box.top : box.bottom, box.left : box.right] = True
    changed = marked != plain
    share = 0.75 if size == 12 else 0.9  # of letters 8 pixels high, some are missed
    assert (changed & covered).sum() > share * changed.sum()
    assert covered.sum() < 12 * changed.sum()


def test_black_text_and_text_that_runs_down_are_found() -> None:
    assert find(lettered(PLAIN, 20, shade=0.0))
    assert find(np.ascontiguousarray(np.rot90(lettered(np.rot90(PLAIN), 24))))


@pytest.mark.parametrize("marker", ["L", "R", "PA", "AP", "R PA"])
def test_a_side_marker_is_no_text(marker: str) -> None:
    assert find(drawn(PLAIN, marker, (60, 60), 60)) == []


def test_tubes_wires_and_edges_are_no_text() -> None:
    image = Image.fromarray(PLAIN)
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, 899, 60), fill=0)  # a collimated edge
    pen.line([(100, 200), (300, 500), (280, 900)], fill=255, width=6)
    for y in range(300, 700, 60):  # wires of the breastbone
        pen.ellipse((440, y, 470, y + 24), outline=255, width=4)
    for x in range(150, 800, 160):  # leads
        pen.ellipse((x, 200, x + 30, 230), fill=255)
    assert find(np.asarray(image)) == []


def test_plain_films_hold_none() -> None:
    for seed in range(6):
        assert find(film(300, 260, seed)) == []
        assert find(large_film(600, 500, seed)) == []
    for size in (1, 40, 70):
        assert find(np.zeros((size, size), dtype=np.uint8)) == []


def test_flagged_by_default_and_the_hash_is_that_of_the_film_as_received(tmp_path: Path) -> None:
    marked = lettered(PLAIN, 24)
    found = study(tmp_path, png(marked))
    assert found.flags == "burned_in_text,no_date"
    np.testing.assert_array_equal(found.pixels, marked)
    for policy in ("blank", "crop"):
        assert study(tmp_path, png(marked), policy).content_hash == content_hash(marked)
    assert study(tmp_path, png(PLAIN), "refuse").flags == "no_date"


def test_blanked_text_is_gone_from_what_is_scored_and_kept(tmp_path: Path) -> None:
    marked = lettered(PLAIN, 24)
    found = study(tmp_path, png(marked), "blank")
    assert found.flags == "burned_in_text,no_date"
    assert found.pixels is not None
    assert find(found.pixels) == []
    letters = marked.astype(int) - PLAIN > 30
    assert np.abs(found.pixels[letters].astype(int) - PLAIN[letters]).max() < 60
    untouched = found.pixels == PLAIN
    assert untouched.mean() > 0.85
    assert found.image == png(found.pixels)


def test_cropped_text_is_cut_off_with_its_margin(tmp_path: Path) -> None:
    for corner in CORNERS:
        marked = lettered(PLAIN, 14, corner=corner)
        found = study(tmp_path, png(marked), "crop")
        assert found.pixels is not None
        assert found.flags == "burned_in_text,no_date"
        assert find(found.pixels) == []
        assert found.pixels.size > 0.8 * PLAIN.size


def test_text_further_in_than_the_margin_is_not_cropped_but_refused(tmp_path: Path) -> None:
    marked = drawn(PLAIN, "DOE JANE 1953", (350, 480), 30)
    found = outcome(tmp_path, png(marked), "crop")
    assert isinstance(found, Rejection)
    assert found.reason is Reason.BURNED_IN_TEXT
    assert isinstance(outcome(tmp_path, png(marked), "refuse"), Rejection)
    assert "DOE" not in repr(found)


def test_the_header_is_believed_where_nothing_is_seen(tmp_path: Path) -> None:
    said = dicom_bytes(dataset(film(), BurnedInAnnotation="YES", RecognizableVisualFeatures="YES"))
    found = study(tmp_path, said)
    assert found.flags == "burned_in_text,recognisable_features"
    assert found.image is not None
    blanked = study(tmp_path, said, "blank")
    assert blanked.flags == found.flags
    assert blanked.image is None, "text that was not found cannot have been painted over"
    for policy in ("crop", "refuse"):
        assert isinstance(outcome(tmp_path, said, policy), Rejection)
    denied = dicom_bytes(dataset(film(), BurnedInAnnotation="NO"))
    assert study(tmp_path, denied, "refuse").flags == ""


def test_a_header_that_denies_it_is_not_believed(tmp_path: Path) -> None:
    marked = dataset(lettered(PLAIN, 24), BurnedInAnnotation="NO")
    assert isinstance(outcome(tmp_path, dicom_bytes(marked), "refuse"), Rejection)


def test_the_setting_is_one_of_four() -> None:
    assert ReaderSettings.of(IngestSettings(burned_in="blank"), KEY, same).burned_in == "blank"
    with pytest.raises(ConfigurationError, match="flag, blank, crop, refuse"):
        IngestSettings(burned_in="erase")
